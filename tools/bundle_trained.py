"""Bundle a trained model: its weights, and its card with the scores that ``evaluate`` wrote.

python tools/bundle_trained.py RUN/model SCORES.json [--description TEXT]
"""

import argparse
from pathlib import Path

from citations import CITATIONS

from glassbotan.evaluation import Scores
from glassbotan.evaluation.files import read_scores
from glassbotan.models.registry import bundled_folder
from glassbotan.models.storage import load_saved, save_model


def main() -> None:
    """Write the bundled folder of one model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("scores", type=Path)
    parser.add_argument("--description", default="")
    parser.add_argument("--commit", help="that it was trained at, where the card does not tell")
    arguments = parser.parse_args()
    model, card = load_saved(arguments.model)
    scores = scores_of(card.name, arguments.scores)
    card = card.model_copy(
        update={
            "description": arguments.description or card.description,
            "scores": {
                **{k: v for k, v in card.scores.items() if k.startswith("validation/")},
                "quantities": scores.model_dump()["quantities"],
                "snapshots": scores.snapshots,
            },
            "provenance": {
                **card.provenance,
                "command": f"glassbotan train configs/{card.name}.yaml",
                "commit": arguments.commit or card.provenance.get("commit"),
            },
            "citation": CITATIONS[card.architecture],
        }
    )
    save_model(bundled_folder() / card.name, model, card)


def scores_of(name: str, path: Path) -> Scores:
    """Return the scores of one model among those of an evaluation."""
    return next(scores for scores in read_scores(path) if scores.model == name)


if __name__ == "__main__":
    main()
