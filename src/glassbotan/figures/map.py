"""A slice of a configuration, each particle a disc coloured by how far it moves."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics import Motion
from glassbotan.errors import InputError
from glassbotan.io.atomic import atomic_output
from glassbotan.structure import Snapshot, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PatchCollection

RADII = (0.5, 0.44, 0.47)
"""Disc radius by species (half of sigma_AA and sigma_BB; a third species lies between)."""


def slice_of(
    snapshot: Snapshot, *, axis: int = 2, position: float | None = None, thickness: float = 1.0
) -> NDArray[np.int64]:
    """Return the particles within a slab across ``axis``, lowest first.

    Parameters
    ----------
    snapshot
        Two-dimensional snapshots are their own slice.
    axis, position, thickness
        Normal of the slab, its middle (half of the box by default) and width, length units.

    """
    if snapshot.dimension == 2:
        return np.arange(snapshot.n_particles)
    height = wrap(snapshot.positions, snapshot.box)[:, axis]
    edge = snapshot.box[axis]
    middle = 0.5 * edge if position is None else position
    offset = height - middle
    offset -= edge * np.rint(offset / edge)
    chosen = np.flatnonzero(np.abs(offset) <= 0.5 * thickness)
    return chosen[np.argsort(offset[chosen])]


def draw_map(
    axes: "Axes",
    snapshot: Snapshot,
    values: NDArray[np.floating],
    *,
    axis: int = 2,
    position: float | None = None,
    thickness: float = 1.0,
    limits: tuple[float, float] | None = None,
) -> "PatchCollection":
    """Draw a slice with discs at the particles' positions, white to red by ``values`` [N].

    Returns the collection of discs, to which a colour bar can be attached; ``limits`` are the
    values of white and of full red (by default the 2nd and 98th percentile of the slice).

    Raises
    ------
    InputError
        No particle lies in the slice, or none has a value.

    """
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Circle

    if not np.isfinite(values).any():
        raise InputError(
            f"{snapshot.source}: there is no propensity to draw; the model predicts no particle"
        )
    chosen = slice_of(snapshot, axis=axis, position=position, thickness=thickness)
    chosen = chosen[np.isfinite(values[chosen])]
    if not len(chosen):
        raise InputError(
            f"{snapshot.source}: no particle to draw in that slice; move or thicken it"
        )
    across = [k for k in range(snapshot.dimension) if k != axis or snapshot.dimension == 2]
    points = wrap(snapshot.positions, snapshot.box)[chosen][:, across]
    radii = [RADII[min(int(s), len(RADII) - 1)] for s in snapshot.species[chosen]]
    discs = PatchCollection(
        [Circle((x, y), r) for (x, y), r in zip(points, radii, strict=True)],
        cmap="Reds",
        edgecolor="0.25",
        linewidth=0.4,
    )
    discs.set_array(values[chosen])
    discs.set_clim(*(limits or np.percentile(values[chosen], [2, 98])))
    axes.add_collection(discs)
    width, height = snapshot.box[across]
    axes.set(xlim=(0, width), ylim=(0, height), aspect="equal", xticks=[], yticks=[])
    _scale_bar(axes, float(width))
    return discs


def save_map(
    path: Path,
    motion: Motion,
    *,
    axis: int = 2,
    position: float | None = None,
    thickness: float = 1.0,
) -> None:
    """Write a slice coloured by propensity, one panel a time, as PNG, PDF or SVG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    count = len(motion.times)
    columns = min(count, 5)
    rows = -(-count // columns)
    figure = Figure(figsize=(4.2 * columns, 4.6 * rows), layout="constrained", dpi=150)
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for k, axes in enumerate(panels):
        if k >= count:
            axes.set_axis_off()
            continue
        discs = draw_map(
            axes,
            motion.snapshot,
            motion.propensity[k],
            axis=axis,
            position=position,
            thickness=thickness,
        )
        axes.set_title(f"$t$ = {motion.times[k]:g}, {motion.source}")
        figure.colorbar(discs, ax=axes, label="propensity", shrink=0.8)
    with atomic_output(path) as temporary:
        try:
            figure.savefig(temporary, metadata=None)
        except ValueError as error:
            raise InputError(f"{path}: {error}; use .png, .pdf or .svg") from None


def _scale_bar(axes: "Axes", width: float) -> None:
    length = 5.0 if width > 12 else 1.0
    axes.plot([0.04 * width, 0.04 * width + length], [-0.03 * width] * 2, "k", lw=2, clip_on=False)
    axes.text(
        0.04 * width + 0.5 * length,
        -0.045 * width,
        f"{length:g} σ",
        ha="center",
        va="top",
        fontsize=8,
    )
