"""Bond extensions in a slice, and what is predicted against what was measured."""

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from glassbotan.datasets.groups import BOND_RANGE, Group, groups_of_motion
from glassbotan.dynamics import Motion
from glassbotan.dynamics.ceiling import pearson
from glassbotan.dynamics.motion import choose_time, listed_times
from glassbotan.dynamics.quantities import BOND_EXTENSION, PROPENSITY, Quantity
from glassbotan.dynamics.quantities import quantity as described
from glassbotan.errors import InputError
from glassbotan.evaluation.bonds import as_measured
from glassbotan.evaluation.comparison import SIMULATION, Comparison, time_index
from glassbotan.figures.scales import axis_title, colour_map, shared_limits
from glassbotan.figures.segments import periodic_segments
from glassbotan.figures.slices import MOST_VECTOR_DISCS, Slice, frame, of_species, scale_bar
from glassbotan.figures.style import (
    COLUMN,
    correlation_in_words,
    new_figure,
    note,
    style,
)
from glassbotan.structure.periodic import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARTICLE_GREYS = ("0.55", "0.15", "0.35")
"""Colour of a particle's small disc by species."""
SMALL = 0.26
"""Diameter of a particle's small disc, length units."""


def draw_bonds(
    axes: "Axes",
    motion: Motion,
    t: int,
    *,
    quantity: str = BOND_EXTENSION.name,
    view: Slice | None = None,
    limits: tuple[float, float] | None = None,
) -> "Axes":
    """Draw the bonds of a slice as lines coloured by a quantity: blue shortens, red lengthens.

    Bonds are those shorter than ``BOND_RANGE`` in the snapshot, as they are scored, with both
    particles in the slab; particles are small discs, darker for B.

    Parameters
    ----------
    axes
        To draw on.
    motion
        Measured or predicted, with bonds.
    t
        Index of the time.
    quantity
        The name of one of bonds.
    view
        The slice; through the middle of the box by default.
    limits
        Values at the two ends of the colour map; by default those of ``shared_limits``.

    Raises
    ------
    InputError
        The motion does not tell the quantity, or no bond lies in the slice.

    """
    from matplotlib.collections import LineCollection

    view = view or Slice()
    snapshot = motion.snapshot
    one = described(quantity)
    values, drawn = bonds_shown(motion, t, one, view)
    bonds = motion.bonds
    assert bonds is not None
    # The largest changes are drawn last, over the others.
    order = np.argsort(np.abs(values), kind="stable")
    values, drawn = values[order], drawn[order]
    across = list(view.across(snapshot.dimension))
    lines, owners = periodic_segments(
        view.points(snapshot)[bonds.first[drawn]],
        bonds.vectors[drawn][:, across],
        view.extent(snapshot),
    )
    order = np.argsort(owners, kind="stable")
    _draw_rims(axes, lines)
    segments = LineCollection(list(lines[order]), cmap=colour_map(one), linewidths=1.3, zorder=2)
    segments.set_rasterized(len(drawn) > MOST_VECTOR_DISCS)
    segments.set_array(values[owners[order]])
    segments.set_clim(*(limits or shared_limits([values], signed=one.signed)))
    axes.add_collection(segments)
    _draw_particles(axes, motion, view)
    frame(axes, snapshot, view)
    return axes


def draw_scatter(
    axes: "Axes",
    measured: NDArray[np.floating],
    predicted: NDArray[np.floating],
    groups: Sequence[Group],
) -> "Axes":
    """Draw predicted against measured values as one point each, with their scores by group.

    Each group has a colour of its own; one with values missing (NaN) is left out. "ρ" is the
    Pearson correlation, "MSE" the mean squared error (length^2): those that
    ``glassbotan.evaluate`` gives for one snapshot.

    Parameters
    ----------
    axes
        To draw on.
    measured, predicted
        Of each particle, shape [N], or each bond, shape [B], length units.
    groups
        Of ``datasets.groups``: which particles or bonds to draw, and their names.

    """
    axes.set(xlabel=f"{SIMULATION} (σ)", ylabel="predicted (σ)")
    axes.set_box_aspect(1)
    known = [g for g in groups if not np.isnan(measured[g.members] + predicted[g.members]).any()]
    if not known:
        axes.text(0.5, 0.5, "not predicted", ha="center", va="center", transform=axes.transAxes)
        axes.set(xticks=[], yticks=[])
        return axes
    _draw_points(axes, measured, predicted, known)
    shown = np.concatenate([group.members for group in known])
    _equal_axes(axes, np.concatenate([measured[shown], predicted[shown]]))
    _write_scores(axes, measured, predicted, known)
    return axes


def bonds_figure(
    comparison: Comparison,
    *,
    model: str | None = None,
    time: float | None = None,
    view: Slice | None = None,
) -> "Figure":
    """Return bond extensions in a slice, measured and predicted, and the scatter of both.

    The upper panels share one colour scale; the lower ones show all particles (A, B) and all
    bonds shorter than ``BOND_RANGE`` (AA, AB, BB) of the snapshot, not of the slice alone.

    Parameters
    ----------
    comparison
        Of a file with trajectories and a model that predicts bonds.
    model
        Name of one of its predictions; the first by default.
    time
        Lennard-Jones units; by default the longest that data and model share.
    view
        The slice; through the middle of the box by default.

    Raises
    ------
    InputError
        Bonds were not measured or are not predicted, data and model have no such time, or no
        bond lies in the slice.

    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    view = view or Slice()
    measured, predicted = _measured(comparison), _prediction(comparison, model)
    t, match = _shared_time(measured, predicted, time)
    true = measured[BOND_EXTENSION.name]
    guess, _ = as_measured(measured, predicted, BOND_EXTENSION.name)
    shown, bonds = bonds_shown(measured, t, BOND_EXTENSION, view)
    limits = shared_limits([shown, guess[match, bonds]], signed=True)
    width, height = view.extent(measured.snapshot)
    with style():
        figure = new_figure(COLUMN, COLUMN / 2 * (1 + min(height / width, 2.0)) + 0.2)
        (left, right), (particles, pairs) = figure.subplots(2, 2)
        draw_bonds(left, measured, t, view=view, limits=limits)
        draw_bonds(right, predicted, match, view=view, limits=limits)
        bar = figure.colorbar(
            ScalarMappable(Normalize(*limits), colour_map(BOND_EXTENSION)),
            ax=[left, right],
            location="bottom",
            aspect=40,
            extend="both",
            label=axis_title(BOND_EXTENSION, f" by $t$ = {measured.times[t]:g}"),
        )
        bar.ax.tick_params(top=False)
        draw_scatter(
            particles,
            measured.propensity[t],
            predicted.propensity[match],
            groups_of_motion(measured, PROPENSITY.name),
        )
        draw_scatter(pairs, true[t], guess[match], groups_of_motion(measured, BOND_EXTENSION.name))
        names = (SIMULATION, fill(predicted.source, 22), "propensity", "bond extension")
        for axes, letter, name in zip(figure.axes, "abcd", names, strict=False):
            axes.set_title(f"({letter}) {name}", loc="left", parse_math=False)
        for axes in (left, right):
            scale_bar(axes)
    return figure


def bonds_shown(
    motion: Motion, t: int, quantity: Quantity, view: Slice
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """Return the values [K] of the bonds of a slice, and which of the motion's they are.

    They are shorter than ``BOND_RANGE``, with both ends in the slice.

    Raises
    ------
    InputError
        The motion does not tell the quantity, or no bond lies in the slice.

    """
    bonds = motion.bonds
    if bonds is None or quantity.name not in motion.values:
        raise InputError(f"{motion.source}: has no {quantity.title} to draw")
    inside = np.zeros(bonds.n_particles, dtype=bool)
    inside[view.particles(motion.snapshot)] = True
    shown = np.flatnonzero((bonds.distances < BOND_RANGE) & inside[bonds.pairs].all(axis=0))
    if not len(shown):
        raise InputError(
            f"{motion.snapshot.source}: no bond shorter than {BOND_RANGE} has both particles in "
            "the slice; move or thicken it"
        )
    return motion[quantity.name][t, shown], shown


def _measured(comparison: Comparison) -> Motion:
    measured = comparison.measured
    if measured is None or measured.bond_extension is None:
        known = "no measured motion" if measured is None else "measured propensities, but no bonds"
        raise InputError(
            f"{comparison.snapshot.source}: holds {known}; this figure is made from a file with "
            "trajectories"
        )
    return measured


def _prediction(comparison: Comparison, model: str | None) -> Motion:
    found = [m for m in comparison.predictions if model is None or m.source == model]
    if not found:
        there = ", ".join(motion.source for motion in comparison.predictions) or "none"
        raise InputError(
            f"{comparison.snapshot.source}: there is no prediction by "
            f"{'any model' if model is None else repr(model)}; models: {there}"
        )
    if found[0].bond_extension is None:
        raise InputError(
            f"model {found[0].source!r} predicts no bonds; choose one that does, such as botan"
        )
    return found[0]


def _shared_time(measured: Motion, predicted: Motion, time: float | None) -> tuple[int, int]:
    """Return the indices of one time in the two motions."""
    matches = [time_index(predicted, float(t)) for t in measured.times]
    shared = [(t, match) for t, match in enumerate(matches) if match is not None]
    owner = f"{measured.source} with model {predicted.source!r}"
    if not shared:
        raise InputError(
            f"{owner}: no time in common; the data have t = {listed_times(measured.times)}, "
            f"the model t = {listed_times(predicted.times)}"
        )
    return shared[choose_time(measured.times[[t for t, _ in shared]], time, owner)]


def _draw_rims(axes: "Axes", lines: FloatArray) -> None:
    """Draw all lines grey and wider: a bond that keeps its length is white, and still seen."""
    # As one broken line, which keeps vector files small.
    x, y = np.pad(lines, ((0, 0), (0, 1), (0, 0)), constant_values=np.nan).reshape(-1, 2).T
    many = len(lines) > MOST_VECTOR_DISCS
    axes.plot(x, y, color="0.72", lw=1.7, solid_capstyle="butt", zorder=1, rasterized=many)


def _draw_particles(axes: "Axes", motion: Motion, view: Slice) -> None:
    from matplotlib.collections import EllipseCollection

    chosen = view.particles(motion.snapshot)
    species = motion.snapshot.species[chosen]
    discs = EllipseCollection(
        SMALL,
        SMALL,
        0,
        units="xy",
        offsets=view.points(motion.snapshot)[chosen],
        offset_transform=axes.transData,
        facecolors=[of_species(PARTICLE_GREYS, s) for s in species],
        edgecolors="white",
        linewidths=0.3,
        zorder=3,
    )
    discs.set_rasterized(len(chosen) > MOST_VECTOR_DISCS)
    axes.add_collection(discs)


def _draw_points(
    axes: "Axes",
    measured: NDArray[np.floating],
    predicted: NDArray[np.floating],
    groups: Sequence[Group],
) -> None:
    points = np.concatenate([group.members for group in groups])
    colours = np.repeat([f"C{k}" for k in range(len(groups))], [len(g.members) for g in groups])
    # In random order, for no group shall hide another.
    order = np.random.default_rng(0).permutation(len(points))
    axes.scatter(
        measured[points[order]],
        predicted[points[order]],
        s=1.2,
        c=colours[order],
        alpha=0.6,
        linewidths=0,
        rasterized=True,  # thousands of points would make a vector file slow
    )


def _equal_axes(axes: "Axes", values: NDArray[np.floating]) -> None:
    from matplotlib.ticker import MaxNLocator

    low, high = float(values.min()), float(values.max())
    width = high - low or 1.0
    # Below the points there is room for three scores.
    span = (low - 0.2 * width, high + 0.05 * width)
    axes.set(xlim=span, ylim=span)
    for side in (axes.xaxis, axes.yaxis):
        side.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.axline((0, 0), slope=1, color="0.2", linewidth=0.6, linestyle="--", zorder=3)


def _write_scores(
    axes: "Axes",
    measured: NDArray[np.floating],
    predicted: NDArray[np.floating],
    groups: Sequence[Group],
) -> None:
    from matplotlib.patheffects import withStroke

    for number, group in enumerate(groups):
        true = measured[group.members].astype(np.float64)
        guess = predicted[group.members].astype(np.float64)
        correlation, error = pearson(guess, true), np.mean((guess - true) ** 2)
        note(
            axes,
            f"{group.name}  ρ {correlation_in_words(correlation)}, MSE {error:.2g}",
            (1, 0),
            (-3, 3 + 8 * (len(groups) - 1 - number)),
            "axes fraction",
            ha="right",
            fontsize="small",
            color=f"C{number}",
            path_effects=[withStroke(linewidth=2.0, foreground="white")],
            zorder=4,
        )
