"""A rearrangement: a slice before, how its particles move, and the same particles after."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from glassbotan.datasets.groups import BOND_RANGE
from glassbotan.dynamics import IsoconfigurationalEnsemble
from glassbotan.dynamics.mobile_cluster import most_mobile_cluster
from glassbotan.dynamics.motion import choose_time
from glassbotan.errors import InputError
from glassbotan.figures.segments import periodic_segments
from glassbotan.figures.slices import (
    AXES,
    MOST_VECTOR_DISCS,
    RADII,
    Slice,
    draw_discs,
    frame,
    of_species,
    scale_bar,
)
from glassbotan.figures.style import PAGE, new_figure, style
from glassbotan.structure import Snapshot, minimum_image
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import species_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREYS = ("0.90", "0.62", "0.35")
"""Colour of a disc by species."""
MOBILE = "#D55E00"
"""Colour of the most mobile region."""
HALO = 0.16
"""By how much a halo is wider than its disc, length units."""


@dataclass(frozen=True, eq=False)
class Rearrangement:
    """Where each particle of a snapshot has gone by one time, and the most mobile region.

    Attributes
    ----------
    before
        The snapshot.
    displacements
        Of one trajectory, or the mean over the ensemble, shape [N, d], length units.
    cluster
        Indices of the particles of the most mobile region.
    fraction
        Of all particles, those that count as fast.
    time
        Lennard-Jones units.
    source
        Whose displacements they are: "trajectory 3", "mean of 32 trajectories".

    """

    before: Snapshot
    displacements: FloatArray
    cluster: NDArray[np.int64]
    fraction: float
    time: float
    source: str

    @property
    def after(self) -> Snapshot:
        """The same particles at their places at that time."""
        return replace(self.before, positions=self.before.positions + self.displacements, fields={})


def rearrangement(
    ensemble: IsoconfigurationalEnsemble,
    *,
    time: float | None = None,
    trajectory: int | None = None,
    fraction: float = 0.05,
) -> Rearrangement:
    """Return the displacements of one trajectory, or their mean, with the most mobile region.

    That is the largest cluster, connected by distances below ``BOND_RANGE`` in the snapshot, of
    the fastest particles: by propensity, or by how far they go in the one trajectory.

    Parameters
    ----------
    ensemble
        The trajectories.
    time
        Lennard-Jones units; the longest by default.
    trajectory
        Counted from 0; the ensemble's mean by default.
    fraction
        Of all particles, those that count as fast.

    Raises
    ------
    InputError
        No such time, trajectory or fraction.

    """
    before, count = ensemble.snapshot, ensemble.n_trajectories
    t = choose_time(ensemble.times, time, before.source)
    if trajectory is not None and not 0 <= trajectory < count:
        raise InputError(
            f"{before.source}: has {count} trajectories, counted from 0 to {count - 1}; "
            f"there is no trajectory {trajectory}"
        )
    moved = ensemble.displacements(t)
    if trajectory is not None:
        moved = moved[[trajectory]]
    mobility = np.linalg.norm(moved, axis=-1).mean(axis=0)
    return Rearrangement(
        before=before,
        displacements=moved.mean(axis=0),
        cluster=most_mobile_cluster(before, mobility, fraction=fraction, cutoff=BOND_RANGE),
        fraction=fraction,
        time=float(ensemble.times[t]),
        source=f"mean of {count} trajectories"
        if trajectory is None
        else f"trajectory {trajectory}",
    )


def slice_of_cluster(moved: Rearrangement, view: Slice | None = None) -> Slice:
    """Return the slice, placed where it holds most of the cluster if it has no place yet."""
    view = view or Slice()
    if view.position is not None or moved.before.dimension == 2:
        return view
    edge = moved.before.box[view.axis]
    heights = moved.before.positions[moved.cluster, view.axis]
    apart = np.abs(minimum_image(heights[:, None] - heights, edge))
    best = heights[np.argmax((apart <= 0.5 * view.thickness).sum(axis=1))]
    return replace(view, position=float(best % edge))


def draw_configuration(
    axes: "Axes", moved: Rearrangement, *, view: Slice | None = None, after: bool = False
) -> "Axes":
    """Draw the particles that a slice holds before, at their places then or after.

    Discs are grey by species; those of the most mobile region lie on top, with a halo.

    Parameters
    ----------
    axes
        To draw on.
    moved
        Of ``rearrangement``.
    view
        Without a position, the slice goes through the most mobile region.
    after
        Draw the places at the later time, wrapped into the box. The same particles are followed,
        also those that have left the slab.

    Raises
    ------
    InputError
        No particle lies in the slice.

    """
    view = slice_of_cluster(moved, view)
    chosen, snapshot = view.particles(moved.before), moved.after if after else moved.before
    if after and snapshot.dimension > 2:  # the lowest first, then as before
        chosen = chosen[np.argsort(view.offsets(snapshot)[chosen], kind="stable")]
    mobile = np.isin(chosen, moved.cluster)
    _draw(axes, snapshot, chosen[~mobile], view)
    _draw_halo(axes, snapshot, chosen[mobile], view)
    _draw(axes, snapshot, chosen[mobile], view)
    frame(axes, snapshot, view)
    return axes


def draw_displacements(axes: "Axes", moved: Rearrangement, *, view: Slice | None = None) -> "Axes":
    """Draw arrows from each particle's place before to its place after, true to scale.

    What lies in the plane of the slice is shown; arrows that cross the periodic boundary are
    drawn at both sides. Those of the most mobile region stand out, over its halo.

    Parameters
    ----------
    axes
        To draw on.
    moved
        Of ``rearrangement``.
    view
        Without a position, the slice goes through the most mobile region.

    Raises
    ------
    InputError
        No particle lies in the slice.

    """
    view = slice_of_cluster(moved, view)
    chosen = view.particles(moved.before)
    mobile = np.isin(chosen, moved.cluster)
    draw_discs(axes, moved.before, chosen, view=view).set_edgecolor("0.88")
    _draw_halo(axes, moved.before, chosen[mobile], view, alpha=0.25)
    _draw_arrows(axes, moved, chosen[~mobile], view, colour="0.25")
    _draw_arrows(axes, moved, chosen[mobile], view, colour=MOBILE)
    frame(axes, moved.before, view)
    return axes


def rearrangement_figure(
    ensemble: IsoconfigurationalEnsemble,
    *,
    time: float | None = None,
    trajectory: int | None = None,
    fraction: float = 0.05,
    view: Slice | None = None,
) -> "Figure":
    """Return three panels: a slice before, the displacements, the same particles after.

    Figure 1 of the announcement of BOTAN (Shiba, Hanai, Suzumura, Shimokawabe, J. Chem. Phys.
    158, 084503 (2023)). Parameters and errors are those of ``rearrangement``; a ``view`` without
    a position goes through the most mobile region.
    """
    moved = rearrangement(ensemble, time=time, trajectory=trajectory, fraction=fraction)
    view = slice_of_cluster(moved, view)
    width, height = view.extent(moved.before)
    with style():
        figure = new_figure(PAGE, PAGE / 3 * min(height / width, 2.0) + 0.55)
        before, arrows, after = figure.subplots(1, 3)
        draw_configuration(before, moved, view=view)
        draw_displacements(arrows, moved, view=view)
        draw_configuration(after, moved, view=view, after=True)
        before.set_title("(a) before, $t$ = 0", loc="left")
        arrows.set_title(f"(b) displacements, {moved.source}", loc="left")
        after.set_title(f"(c) after, $t$ = {moved.time:g}", loc="left")
        for axes in (before, arrows, after):
            scale_bar(axes)
        _legend(figure, moved)
        figure.supxlabel(_remark(moved, view), fontsize="small")
    return figure


def _draw(axes: "Axes", snapshot: Snapshot, chosen: NDArray[np.int64], view: Slice) -> None:
    colours = [of_species(GREYS, s) for s in snapshot.species[chosen]]
    draw_discs(axes, snapshot, chosen, view=view, colours=colours)


def _draw_halo(
    axes: "Axes",
    snapshot: Snapshot,
    chosen: NDArray[np.int64],
    view: Slice,
    *,
    alpha: float | None = None,
) -> None:
    halo = draw_discs(axes, snapshot, chosen, view=view, colours=MOBILE, wider=HALO)
    halo.set(edgecolor="none", linewidth=0, alpha=alpha)


def _draw_arrows(
    axes: "Axes", moved: Rearrangement, chosen: NDArray[np.int64], view: Slice, *, colour: str
) -> None:
    across = list(view.across(moved.before.dimension))
    lines, _ = periodic_segments(
        view.points(moved.before)[chosen],
        moved.displacements[chosen][:, across],
        view.extent(moved.before),
    )
    (x, y), (u, v) = lines[:, 0].T, (lines[:, 1] - lines[:, 0]).T
    axes.quiver(
        x,
        y,
        u,
        v,
        color=colour,
        # One unit of an arrow is one unit of the axes.
        angles="xy",
        scale_units="xy",
        scale=1,
        units="xy",
        width=0.09,
        headwidth=4,
        headlength=4.5,
        headaxislength=4,
        minlength=0.5,
        rasterized=len(chosen) > MOST_VECTOR_DISCS,
    )


def _legend(figure: "Figure", moved: Rearrangement) -> None:
    from matplotlib.lines import Line2D

    def disc(colour: str, label: str, size: float, ring: str = "0.25") -> Line2D:
        return Line2D(
            [],
            [],
            linestyle="none",
            marker="o",
            markersize=size,
            markerfacecolor=colour,
            markeredgecolor=ring,
            markeredgewidth=0.3 if ring != MOBILE else 1.4,
            label=label,
        )

    species = [int(s) for s in np.unique(moved.before.species)]
    entries = [
        disc(of_species(GREYS, s), species_name(s), 12 * of_species(RADII, s)) for s in species
    ]
    entries.append(
        disc(
            "white",
            f"most mobile region: largest cluster of the fastest {100 * moved.fraction:g} % "
            f"({_counted(len(moved.cluster))})",
            6,
            MOBILE,
        )
    )
    figure.legend(handles=entries, loc="outside upper center", ncols=len(entries))


def _remark(moved: Rearrangement, view: Slice) -> str:
    """Return what the slice is, and that its particles are followed."""
    if moved.before.dimension == 2:
        return f"arrows true to scale, from $t$ = 0 to {moved.time:g}"
    chosen = view.particles(moved.before)
    left = int((np.abs(view.offsets(moved.after)[chosen]) > 0.5 * view.thickness).sum())
    held = int(np.isin(chosen, moved.cluster).sum())
    return (
        f"slice {AXES[view.axis]} = {view.middle(moved.before):.2f} ± {0.5 * view.thickness:g} σ "
        f"with {_counted(len(chosen))} ({held} of the most mobile), the same in all panels; at "
        f"$t$ = {moved.time:g}, {left} of them lie outside it. Arrows true to scale"
    )


def _counted(particles: int) -> str:
    return f"{particles} particle{'s' * (particles != 1)}"
