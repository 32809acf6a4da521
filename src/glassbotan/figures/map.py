"""Maps: a slice of a glass, particles or bonds coloured by a quantity such as propensity."""

from collections.abc import Sequence
from dataclasses import replace
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from glassbotan.datasets.groups import FIRST_GROUP, groups_of_motion
from glassbotan.dynamics import Motion
from glassbotan.dynamics.ceiling import pearson
from glassbotan.dynamics.motion import time_label
from glassbotan.dynamics.quantities import PROPENSITY, Quantity
from glassbotan.dynamics.quantities import quantity as described
from glassbotan.errors import InputError
from glassbotan.evaluation.bonds import as_measured
from glassbotan.evaluation.comparison import SIMULATION, Comparison, time_index
from glassbotan.figures.bonds import bonds_shown, draw_bonds
from glassbotan.figures.scales import Limits, axis_title, colour_map, shared_limits, unit_of
from glassbotan.figures.slices import Slice, draw_discs, frame, scale_bar
from glassbotan.figures.style import (
    COLUMN,
    PAGE,
    correlation_in_words,
    new_figure,
    style,
)
from glassbotan.structure import Snapshot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Values = NDArray[np.floating]

_MARGIN = 0.8
"""Width of a figure that goes to times and colour bars, inches."""
_TEXT = 0.5
"""Height of a row that may go to text, inches."""
_LOWEST = 0.8
"""Height of a row that a colour bar's label needs, inches."""
_LETTER = 0.05
"""Mean width of a letter, inches."""
_FEWEST_LETTERS = 10
"""Of a line of text above or below a panel."""
_MOST_ROWS = 25
"""Of a picture that Matplotlib can still write."""


def draw_map(
    axes: "Axes",
    snapshot: Snapshot,
    values: Values,
    *,
    view: Slice | None = None,
    limits: Limits | None = None,
    quantity: str = PROPENSITY.name,
) -> "Axes":
    """Draw a slice with discs where the particles stand, white to red by ``values``.

    The discs are ``axes.collections[0]``, for a colour bar.

    Parameters
    ----------
    axes
        To draw on.
    snapshot
        Discs stand at its positions, with the radius of their species.
    values
        One for each particle of the snapshot, shape [N]; NaN leaves a particle out.
    view
        The slice; by default one length unit thick across the middle of z.
    limits
        The values of white and of full red; by default the 2nd and 98th percentile of the slice.
    quantity
        What the values are, for colours on both sides of zero where it is signed.

    Raises
    ------
    InputError
        The slice is empty, or no particle in it has a value.

    """
    view = view or Slice()
    if np.shape(values) != (snapshot.n_particles,):
        raise InputError(
            f"{snapshot.source}: values have shape {list(np.shape(values))}; "
            f"expected one for each of {snapshot.n_particles} particles"
        )
    chosen = _particles(snapshot, values, view)
    shown, one = values[chosen], described(quantity)
    draw_discs(
        axes,
        snapshot,
        chosen,
        view=view,
        values=shown,
        cmap=colour_map(one),
        limits=limits or shared_limits([shown], signed=one.signed),
    )
    frame(axes, snapshot, view)
    scale_bar(axes)
    return axes


def map_figure(
    comparison: Comparison,
    *,
    quantity: str = PROPENSITY.name,
    times: Sequence[float] | None = None,
    view: Slice | None = None,
) -> "Figure":
    """Return maps of one slice side by side: a column a motion, a row a time.

    The simulation stands first, then the models in their order. Each row has one colour scale
    (see ``shared_limits``). Pearson correlation and mean squared error are those of all A
    particles (or AA bonds) of the snapshot, in the slice or not.

    Parameters
    ----------
    comparison
        The snapshot and its motions.
    quantity
        The name of what is shown, of particles or bonds; simulations that lack it are left out.
    times
        Rows; by default all that ``Comparison.times`` tells. A motion that lacks one has an empty
        panel there, which says so.
    view
        The slice; by default one length unit thick across the middle of z.

    Raises
    ------
    InputError
        There is no such quantity or motion, a model does not predict it, a time is in none of the
        motions, the times are too many for one picture, or the slice is empty.

    """
    view, one = view or Slice(), described(quantity)
    comparison = _telling(comparison, one)
    motions = list(comparison.motions())
    if not motions:
        raise InputError(f"{comparison.snapshot.source}: there is no motion to draw; name a model")
    rows = comparison.times(times)
    if len(rows) > _MOST_ROWS:
        raise InputError(
            f"{comparison.snapshot.source}: {len(rows)} times are too many for one picture; "
            f"choose up to {_MOST_ROWS} of them"
        )
    with style():
        width = PAGE if len(motions) > 2 else COLUMN
        across, up = view.extent(comparison.snapshot)
        panel = min((width - _MARGIN) / len(motions), PAGE * across / up)
        height = panel * up / across
        letters = max(_FEWEST_LETTERS, int(panel / _LETTER))
        figure = new_figure(width, len(rows) * (max(height, _LOWEST) + _TEXT))
        panels = figure.subplots(len(rows), len(motions), squeeze=False)
        for axes, (name, _) in zip(panels[0], motions, strict=True):
            axes.set_title(fill(name, letters), parse_math=False)
        for row, time in zip(panels, rows, strict=True):
            _draw_row(row, comparison, one, float(time), view, letters)
            row[0].set_ylabel(f"$t$ = {time_label(float(time))}")
        if height > _LOWEST:
            _close_up(figure)
    return figure


def _draw_row(
    row: Sequence["Axes"],
    comparison: Comparison,
    one: Quantity,
    time: float,
    view: Slice,
    letters: int,
) -> None:
    snapshot, known = comparison.snapshot, {}
    for axes, (name, motion) in zip(row, comparison.motions(), strict=True):
        index = time_index(motion, time)
        if index is None:
            _draw_blank(axes, snapshot, view, _absence(name, time))
        else:
            known[axes] = motion, index
        if motion is not comparison.measured:
            axes.set_xlabel(_lines(_scores(comparison, motion, one, time), letters))
    shown = [_shown(motion, t, one, view) for motion, t in known.values()]
    limits = shared_limits(shown, signed=one.signed)
    for axes, (motion, t) in known.items():
        if one.place == "bonds":
            draw_bonds(axes, motion, t, quantity=one.name, view=view, limits=limits)
            scale_bar(axes)
        else:
            values = motion[one.name][t]
            draw_map(axes, snapshot, values, view=view, limits=limits, quantity=one.name)
    _colour_bar(row, one, limits, shown)


def _shown(motion: Motion, t: int, one: Quantity, view: Slice) -> Values:
    """Return the values of what is drawn of the slice."""
    if one.place == "bonds":
        return bonds_shown(motion, t, one, view)[0]
    values: Values = motion[one.name][t][_particles(motion.snapshot, motion[one.name][t], view)]
    return values


def _colour_bar(
    row: Sequence["Axes"], one: Quantity, limits: Limits, shown: Sequence[Values]
) -> None:
    coloured = next(one for axes in row for one in axes.collections if one.get_array() is not None)
    below = any(values.min() < limits[0] for values in shown)
    above = any(values.max() > limits[1] for values in shown)
    ends = {(False, False): "neither", (True, False): "min", (False, True): "max"}
    row[0].figure.colorbar(
        coloured,
        ax=list(row),
        extend=ends.get((below, above), "both"),
        aspect=25,
        pad=0.015,
        label=axis_title(one),
    )


def _draw_blank(axes: "Axes", snapshot: Snapshot, view: Slice, text: str) -> None:
    frame(axes, snapshot, view)
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color="0.35")


def _absence(name: str, time: float) -> str:
    what = "not simulated" if name == SIMULATION else "no prediction"
    return f"{what}\nat $t$ = {time_label(time)}"


def _scores(comparison: Comparison, motion: Motion, one: Quantity, time: float) -> tuple[str, ...]:
    """Return correlation and squared error of A (or AA); none where one side lacks them."""
    measured, index = comparison.measured, time_index(motion, time)
    at = None if measured is None else time_index(measured, time)
    if measured is None or at is None or index is None:
        return ()
    values, _ = as_measured(measured, motion, one.name)
    for name, members in groups_of_motion(measured, one.name):
        x = values[index, members].astype(np.float64)
        y = measured[one.name][at, members].astype(np.float64)
        both = np.isfinite(x) & np.isfinite(y)
        if name == FIRST_GROUP[one.place] and both.any():
            told = correlation_in_words(pearson(x[both], y[both]))
            error = _number(float(np.mean((x[both] - y[both]) ** 2)))
            unit = f"\N{NO-BREAK SPACE}{unit_of(one)}²" if unit_of(one) else ""
            return f"{name}: Pearson {told}", f"squared error {error}{unit}"
    return ()


def _number(value: float) -> str:
    """Return two digits, with a power of ten where there would be many zeros."""
    if value == 0 or 1e-4 <= value < 99:
        return f"{value:.2g}"
    digits, power = f"{value:.1e}".split("e")
    raised = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    return f"{digits}×10{str(int(power)).translate(raised)}"


def _lines(parts: Sequence[str], letters: int) -> str:
    """Return the parts on one line if they fit, else each on its own."""
    line = ", ".join(parts)
    return line if len(line) <= letters else "\n".join(fill(part, letters) for part in parts)


def _particles(snapshot: Snapshot, values: Values, view: Slice) -> NDArray[np.int64]:
    """Return the particles of the slice that have a value, lowest first."""
    inside = view.particles(snapshot)
    chosen = inside[np.isfinite(values[inside])]
    if not len(chosen):
        raise InputError(
            f"{snapshot.source}: none of the {len(inside)} particle(s) in the slice has a value "
            "to draw; move or thicken the slice"
        )
    return chosen


def _telling(comparison: Comparison, one: Quantity) -> Comparison:
    """Return a comparison of motions that tell a quantity; refuse a model that does not."""
    for motion in comparison.predictions:
        known = [name for name, values in motion.values.items() if np.isfinite(values).any()]
        if one.name not in known:
            raise InputError(
                f"model {motion.source}: there is no {one.title} to draw; "
                f"the model predicts {', '.join(known) or 'nothing'}"
            )
    measured = comparison.measured
    return (
        comparison
        if measured is None or one.name in measured.values
        else replace(comparison, labels=None)
    )


def _close_up(figure: "Figure") -> None:
    """Move the panels, of fixed aspect, together, and take away the height that is left over."""
    figure.set_layout_engine("compressed")
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    figure.set_size_inches(figure.get_figwidth(), box.height + 0.06)
