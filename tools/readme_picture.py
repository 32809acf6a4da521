"""Draw the README's picture: a slice of snapshot 402, simulated and predicted motion side by side.

python tools/readme_picture.py [OUTPUT.png]
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import glassbotan as gb
from glassbotan.datasets import load_labelled
from glassbotan.dynamics.ceiling import pearson
from glassbotan.figures.map import draw_map, slice_of

REPOSITORY = Path(__file__).parent.parent
SNAPSHOT = REPOSITORY / "data/published/isoconfig_N4096T0.44_402_tc07.npz"


def main(target: Path) -> None:
    """Draw simulation, BOTAN and the node-only network on one colour scale."""
    measured = load_labelled(SNAPSHOT).motion
    snapshot = measured.snapshot
    panels = {"simulation": measured.propensity[0]}
    for model in ("botan", "node-only"):
        panels[model] = gb.predict(snapshot, model).propensity[0]
    first = snapshot.species == 0
    figure = Figure(figsize=(12, 4.4), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    shown = measured.propensity[0, slice_of(snapshot)]
    limits = tuple(np.percentile(shown, [2, 98]))
    axes = figure.subplots(1, len(panels))
    for panel, (name, values) in zip(axes, panels.items(), strict=True):
        discs = draw_map(panel, snapshot, values, limits=limits)
        correlation = pearson(
            values[first].astype(float), panels["simulation"][first].astype(float)
        )
        panel.set_title(name if name == "simulation" else f"{name}: Pearson {correlation:.2f} (A)")
    figure.colorbar(discs, ax=axes, label="propensity at $t$ = 4120 ($\\tau_\\alpha$)", shrink=0.85)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "docs/images/map.png")
