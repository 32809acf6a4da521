"""Maps: a slice of a glass, each particle a disc coloured by how far it moves."""

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics import Motion
from glassbotan.dynamics.ceiling import pearson
from glassbotan.dynamics.motion import time_label
from glassbotan.errors import InputError
from glassbotan.evaluation.comparison import SIMULATION, Comparison, time_index
from glassbotan.figures.slices import Slice, draw_discs, frame, scale_bar
from glassbotan.figures.style import (
    COLUMN,
    PAGE,
    PROPENSITY,
    correlation_in_words,
    new_figure,
    style,
)
from glassbotan.structure import Snapshot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Values = NDArray[np.floating]
Limits = tuple[float, float]

FIRST_SPECIES = 0
"""A, of which correlation and error are told."""

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
    shown = values[chosen]
    draw_discs(
        axes,
        snapshot,
        chosen,
        view=view,
        values=shown,
        cmap=PROPENSITY,
        limits=limits or shared_limits([shown]),
    )
    frame(axes, snapshot, view)
    scale_bar(axes)
    return axes


def map_figure(
    comparison: Comparison, *, times: Sequence[float] | None = None, view: Slice | None = None
) -> "Figure":
    """Return maps of one slice side by side: a column a motion, a row a time.

    The simulation stands first, then the models in their order. Each row has one colour scale
    (see ``shared_limits``). Pearson correlation and mean squared error are those of all A
    particles of the snapshot, in the slice or not.

    Parameters
    ----------
    comparison
        The snapshot and its motions.
    times
        Rows; by default all that ``Comparison.times`` tells. A motion that lacks one has an empty
        panel there, which says so.
    view
        The slice; by default one length unit thick across the middle of z.

    Raises
    ------
    InputError
        There is no motion, a model predicts no particle, a time is in none of the motions, the
        times are too many for one picture, or the slice is empty.

    """
    view = view or Slice()
    motions = list(comparison.motions())
    if not motions:
        raise InputError(f"{comparison.snapshot.source}: there is no motion to draw; name a model")
    _check_particles(comparison)
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
            _draw_row(row, comparison, float(time), view, letters)
            row[0].set_ylabel(f"$t$ = {time_label(float(time))}")
        if height > _LOWEST:
            _close_up(figure)
    return figure


def shared_limits(shown: Sequence[Values]) -> Limits:
    """Return the ends of one colour scale for several panels of a slice.

    They are the 2nd and 98th percentile of the first, the simulation where there is one, so that
    what is measured spans the colours. Where a model's level is off so far that half of its
    particles would lie beyond, the scale is lengthened towards their median, on either side by
    its own length at most: the offset shows, and both patterns stay visible.
    """
    low, high = np.percentile(shown[0], [2, 98])
    span = high - low
    medians = [np.median(values) for values in shown]
    bottom, top = max(low - span, min(medians)), min(high + span, max(medians))
    return float(min(low, bottom)), float(max(high, top))


def _draw_row(
    row: Sequence["Axes"], comparison: Comparison, time: float, view: Slice, letters: int
) -> None:
    snapshot, known = comparison.snapshot, {}
    for axes, (name, motion) in zip(row, comparison.motions(), strict=True):
        index = time_index(motion, time)
        if index is None:
            _draw_blank(axes, snapshot, view, _absence(name, time))
        else:
            known[axes] = motion.propensity[index]
    shown = [values[_particles(snapshot, values, view)] for values in known.values()]
    limits = shared_limits(shown)
    for axes, values in known.items():
        draw_map(axes, snapshot, values, view=view, limits=limits)
    for axes, (_, motion) in zip(row, comparison.motions(), strict=True):
        if motion is not comparison.measured:
            axes.set_xlabel(_lines(_scores(comparison, motion, time), letters))
    _colour_bar(row, next(iter(known)), limits, shown)


def _colour_bar(
    row: Sequence["Axes"], drawn: "Axes", limits: Limits, shown: Sequence[Values]
) -> None:
    below = any(values.min() < limits[0] for values in shown)
    above = any(values.max() > limits[1] for values in shown)
    ends = {(False, False): "neither", (True, False): "min", (False, True): "max"}
    drawn.figure.colorbar(
        drawn.collections[0],
        ax=list(row),
        extend=ends.get((below, above), "both"),
        aspect=25,
        pad=0.015,
        label="propensity (σ)",
    )


def _draw_blank(axes: "Axes", snapshot: Snapshot, view: Slice, text: str) -> None:
    frame(axes, snapshot, view)
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color="0.35")


def _absence(name: str, time: float) -> str:
    what = "not simulated" if name == SIMULATION else "no prediction"
    return f"{what}\nat $t$ = {time_label(time)}"


def _scores(comparison: Comparison, motion: Motion, time: float) -> tuple[str, ...]:
    """Return correlation and squared error of A at that time; none where one side lacks it."""
    measured, index = comparison.measured, time_index(motion, time)
    at = None if measured is None else time_index(measured, time)
    if measured is None or at is None or index is None:
        return ()
    first = comparison.snapshot.species == FIRST_SPECIES
    x = motion.propensity[index, first].astype(np.float64)
    y = measured.propensity[at, first].astype(np.float64)
    both = np.isfinite(x) & np.isfinite(y)
    if not both.any():
        return ()
    correlation, error = pearson(x[both], y[both]), float(np.mean((x[both] - y[both]) ** 2))
    told = correlation_in_words(correlation)
    return f"A: Pearson {told}", f"squared error {_number(error)}\N{NO-BREAK SPACE}σ²"


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


def _check_particles(comparison: Comparison) -> None:
    for motion in comparison.predictions:
        if not np.isfinite(motion.propensity).any():
            raise InputError(
                f"model {motion.source}: there is no propensity to draw; "
                "the model predicts no particle"
            )


def _close_up(figure: "Figure") -> None:
    """Move the panels, of fixed aspect, together, and take away the height that is left over."""
    figure.set_layout_engine("compressed")
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    figure.set_size_inches(figure.get_figwidth(), box.height + 0.06)
