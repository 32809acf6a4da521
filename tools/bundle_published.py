"""Turn the two groups' published parameters into bundled models.

    python tools/bundle_published.py FOLDER [SCORES.json]

FOLDER holds ``pretrained/model1.pth`` ... ``model8.pth`` and ``node_only_t0.132.npz``;
SCORES.json is what ``glassbotan evaluate`` wrote for the bundled names.
"""

import sys
from pathlib import Path

from citations import CITATIONS

from glassbotan.evaluation.files import read_scores
from glassbotan.models.card import Domain
from glassbotan.models.network import Network
from glassbotan.models.published import (
    card_of_published,
    load_published_botan,
    load_published_node_only,
)
from glassbotan.models.registry import bundled_folder
from glassbotan.models.storage import save_model
from glassbotan.provenance import sha256

DOMAIN = Domain(temperature=0.44, density=1.2, composition=[0.8, 0.2])


BONDS = (
    "Published BOTAN parameters, trained on bond targets alone: a ranking of bonds (their mean is "
    "a tenth of that at t = 4120; the time of training is not stated) and a good start of training."
)
NODES = (
    "The node-only network's published checkpoint, trained on species A alone at t = 0.132; its "
    "output for B means little. Pearson correlation for A, on a snapshot of its own data set: "
    "0.935."
)


def main(folder: Path, scores: Path | None = None) -> None:
    """Write every published network as weights and card."""
    evaluated = read_scores(scores) if scores else []
    rows = {e.model: e.model_dump(include={"particles", "bonds"}) for e in evaluated}
    for number in range(1, 9):
        path = folder / "pretrained" / f"model{number}.pth"
        name = f"botan-2023-bonds-{number}"
        bundle(name, path, load_published_botan(path), BONDS, rows.get(name, {}))
    path = folder / "node_only_t0.132.npz"
    bundle("node-only-2020", path, load_published_node_only(path), NODES, {})


def bundle(
    name: str, path: Path, network: Network, description: str, scores: dict[str, object]
) -> None:
    """Write one network with its card."""
    card = card_of_published(
        network,
        name=name,
        description=description,
        domain=DOMAIN,
        data={"trained_by": "its authors", "file": path.name, "sha256": sha256(path)},
        scores=scores,
        citation=CITATIONS[network.architecture],
    )
    save_model(bundled_folder() / name, network, card)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
