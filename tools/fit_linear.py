r"""Fit the linear baseline.

python tools/fit_linear.py botan-small/train "data/published-early.zarr/snapshots/000?" \
    "data/published-late.zarr/snapshots/000?" --output src/glassbotan/models/bundled/linear
"""

import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path

from citations import CITATIONS

from glassbotan.datasets import load_all_labelled
from glassbotan.datasets.public import resolve_all
from glassbotan.errors import GlassbotanError
from glassbotan.models.card import CARD, LINEAR_WEIGHTS, Card
from glassbotan.models.domain import domain_of
from glassbotan.models.linear import ALPHAS, LinearBaseline
from glassbotan.models.storage import save_card
from glassbotan.provenance import provenance
from glassbotan.structure.snapshot import species_name


def main(data: list[str], output: Path) -> None:
    """Fit to all of the data; write the parameters and their card."""
    files = resolve_all(data)
    motions = [labels.motion for labels in load_all_labelled(files)]
    baseline = LinearBaseline.fit(motions)
    species = [species_name(int(s)) for s in baseline.species]
    card = Card(
        name="linear",
        architecture="linear",
        description=(
            "Ridge regression on structural descriptors of the inherent structure, one for each "
            "species: the baseline that a network has to beat."
        ),
        times=baseline.times.tolist(),
        targets=[f"particles {name}" for name in species],
        domain=domain_of([motion.snapshot for motion in motions]),
        data={"train": [path.name for path in files]},
        recipe={
            "descriptors": asdict(baseline.recipe),
            "alphas_tried": ALPHAS,
            "alphas": dict(zip(species, baseline.alphas.tolist(), strict=True)),
        },
        provenance=provenance(files),
        citation=CITATIONS["linear"],
    )
    output.mkdir(parents=True, exist_ok=True)
    baseline.save(output / LINEAR_WEIGHTS)
    save_card(output, card)


if __name__ == "__main__":
    parser = ArgumentParser(description="Fit the linear baseline.")
    parser.add_argument(
        "data", nargs="+", help="files, folders, globs or parts of data sets, with measured motion"
    )
    parser.add_argument(
        "--output", type=Path, required=True, help=f"folder for {LINEAR_WEIGHTS} and {CARD}"
    )
    arguments = parser.parse_args()
    try:
        main(arguments.data, arguments.output)
    except GlassbotanError as error:
        sys.exit(f"error: {error}")
