r"""Draw the correlation of A propensity against the number of training snapshots.

python tools/learning_curve.py out/ridges.json out/learning.json --network n1=1 n2=2 n5=5 caged=10 \
    -o docs/images/learning_curve.png
"""

import json
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from glassbotan.evaluation.files import read_scores
from glassbotan.figures.style import save_figure, style
from glassbotan.provenance import provenance

SHOWN = (
    "descriptors of the inherent structure",
    "and the distance to it (CAGE-like)",
    "the caged network's scalars",
    "and their neighbourhood averages",
)
LABELS = (
    "ridge, inherent structure",
    "ridge, cage state and distance (CAGE-like)",
    "ridge, the caged network's scalars",
    "ridge, scalars and neighbourhood averages",
)
TIMES = (1.3, 4120.0)


def main() -> None:
    """Read, draw, write."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ridges", type=Path)
    parser.add_argument("scores", type=Path)
    parser.add_argument("--network", nargs="+", required=True, help="MODEL=SNAPSHOTS")
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    ridges = json.loads(arguments.ridges.read_text())
    counts = dict(pair.split("=") for pair in arguments.network)
    scored = {scores.model: scores for scores in read_scores(arguments.scores)}
    with style():
        figure = Figure(figsize=(7.0, 3.2), layout="constrained")
        for axes, time in zip(figure.subplots(1, 2), TIMES, strict=True):
            at = ridges["times"].index(time)
            for name, label in zip(SHOWN, LABELS, strict=True):
                rows = [row for row in ridges["rows"] if row["inputs"] == name]
                means = [np.mean(row["pearson_A"], axis=0)[at] for row in rows]
                axes.plot([row["snapshots"] for row in rows], means, "o--", label=label)
            points = []
            for model, count in counts.items():
                row = next(
                    r for r in scored[model].particles if r.species == "A" and r.time == time
                )
                points.append((int(count), row.pearson_mean))
            axes.plot(*zip(*sorted(points), strict=True), "k^-", label="caged network")
            axes.set(
                xscale="log",
                xticks=sorted({n for n, _ in points}),
                xlabel="training snapshots",
                title=f"t = {time:g}",
            )
            axes.set_xticklabels([str(n) for n in sorted({n for n, _ in points})])
            axes.minorticks_off()
        figure.axes[0].set_ylabel("Pearson correlation, A")
        figure.axes[0].legend(fontsize="x-small")
        inputs = [arguments.ridges, arguments.scores]
        save_figure(arguments.output, figure, provenance=provenance(inputs))


if __name__ == "__main__":
    main()
