"""Turn the two groups' published parameters into bundled models.

    python tools/bundle_published.py FOLDER [SCORES.json]

FOLDER holds ``pretrained/model1.pth`` ... ``model8.pth`` and ``node_only_t0.132.npz``;
SCORES.json is what ``glassbotan evaluate`` wrote for the bundled names.
"""

import json
import sys
from pathlib import Path

from glassbotan.models.card import Card, Domain
from glassbotan.models.published import load_published_botan, load_published_node_only
from glassbotan.models.registry import bundled_folder
from glassbotan.models.storage import save_network
from glassbotan.provenance import sha256

BOTAN_CITATION = (
    "H. Shiba, M. Hanai, T. Suzumura, T. Shimokawabe, J. Chem. Phys. 158, 084503 (2023), "
    "doi:10.1063/5.0129791"
)
NODE_ONLY_CITATION = "V. Bapst et al., Nature Physics 16, 448 (2020), doi:10.1038/s41567-020-0842-8"
DOMAIN = Domain(temperature=0.44, density=1.2, composition=[0.8, 0.2])


def main(folder: Path, scores: Path | None = None) -> None:
    """Write every published network as weights and card."""
    evaluated = json.loads(scores.read_text(encoding="utf-8")) if scores else []
    rows = {e["model"]: {k: e[k] for k in ("particles", "bonds")} for e in evaluated}
    for number in range(1, 9):
        path = folder / "pretrained" / f"model{number}.pth"
        name = f"botan-2023-bonds-{number}"
        card = Card(
            name=name,
            architecture="botan",
            description=(
                "Published BOTAN parameters, trained on bond targets alone: a ranking of bonds "
                "(their mean is a tenth of that at t = 4120; the time of training is not stated) "
                "and a good start of training."
            ),
            times=[4120.0],
            targets=["bonds"],
            domain=DOMAIN,
            data={"trained_by": "its authors", "file": path.name, "sha256": sha256(path)},
            scores=rows.get(name, {}),
            citation=BOTAN_CITATION,
        )
        save_network(bundled_folder() / name, load_published_botan(path), card)
    path = folder / "node_only_t0.132.npz"
    card = Card(
        name="node-only-2020",
        architecture="node-only",
        description=(
            "The node-only network's published checkpoint, trained on species A alone at "
            "t = 0.132; its output for B means little. Pearson correlation for A, on a snapshot of "
            "its own data set: 0.935."
        ),
        times=[0.132],
        targets=["particles A"],
        domain=DOMAIN,
        data={"trained_by": "its authors", "file": path.name, "sha256": sha256(path)},
        citation=NODE_ONLY_CITATION,
    )
    save_network(bundled_folder() / "node-only-2020", load_published_node_only(path), card)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
