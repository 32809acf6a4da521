"""Correlation of predicted with simulated motion against time, a curve a model."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassbotan.datasets.groups import FIRST_GROUP
from glassbotan.dynamics.motion import listed_times
from glassbotan.dynamics.quantities import QUANTITIES, Quantity
from glassbotan.dynamics.quantities import quantity as described
from glassbotan.errors import InputError
from glassbotan.evaluation.reported import Reported
from glassbotan.evaluation.scores import Row, Scores
from glassbotan.figures.marks import Mark, model_marks
from glassbotan.figures.style import COLUMN, logarithmic_time, new_figure, note, style
from glassbotan.structure.periodic import FloatArray

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

    Handle = Artist | ErrorbarContainer
    Entry = tuple[str, Handle]

LOGGER = logging.getLogger("glassbotan")

HEIGHT = 0.66 * COLUMN
"""Of a figure without its legend, inches."""
SAME_CEILING = 0.002
"""Ceilings that differ by less are one line."""
DASHES = (0.0, (4.0, 2.0))
LONGEST_LABEL = 56
DODGE = 5.0
"""Points between single values of several models at one time."""
REPORTED_MARKERS = ("D", "v", "P", "X", "<", ">", "h")
REPORTED_GREYS = ("0.35", "0.5", "0.62")


def draw_curve(
    axes: "Axes",
    results: Sequence[Scores],
    *,
    quantity: str = "propensity",
    species: str | None = None,
    reported: Sequence[Reported] = (),
    tau_alpha: float | None = None,
) -> "Axes":
    """Draw the Pearson correlation (mean over snapshots) against time.

    Models with several times are lines with a band of one standard error of the mean over
    snapshots; models with one time are points with error bars, set a little apart where they
    share it. The noise ceiling, where it is known, is a dashed line, or a dash at a single time;
    results of other data have another one. The legend stands above the axes.

    Parameters
    ----------
    axes
        To draw on.
    results
        One or more models' scores, as ``evaluate`` or ``read_scores`` returns them.
    quantity, species
        Which rows: the quantity's name, and "A", "B" ... of particles, "AA", "AB" ... of bonds;
        by default A or AA.
    reported
        Published correlations, drawn as open markers.
    tau_alpha
        Structural relaxation time, Lennard-Jones units, to be marked by a vertical line.

    Raises
    ------
    InputError
        There is no such quantity, or no result has such rows; says which there are.

    """
    one = described(quantity)
    species = species or FIRST_GROUP[one.place]
    curves = _curves(results, quantity, species)
    entries = [(curve.name, _draw_model(axes, curve)) for curve in curves]
    entries += _draw_ceilings(axes, curves)
    entries += _draw_reported(axes, reported)
    _scale(axes, curves, reported, tau_alpha)
    if tau_alpha is not None:
        _mark_time(axes, tau_alpha)
    axes.set_ylabel(f"Pearson correlation, {_subject(one, species)}")
    _add_legend(axes, entries, above=11 if tau_alpha is not None else 3)
    return axes


def curve_figure(
    results: Sequence[Scores],
    *,
    quantity: str = "propensity",
    species: str | None = None,
    reported: Sequence[Reported] = (),
    tau_alpha: float | None = None,
) -> "Figure":
    """Return ``draw_curve`` as a figure of a column's width.

    Raises
    ------
    InputError
        As of ``draw_curve``.

    """
    with style():
        figure = new_figure(COLUMN, HEIGHT)
        axes = draw_curve(
            figure.subplots(),
            results,
            quantity=quantity,
            species=species,
            reported=reported,
            tau_alpha=tau_alpha,
        )
        legend = axes.get_legend()
        assert legend is not None
        # The legend takes its room from the figure, not from the axes.
        figure.set_figheight(HEIGHT + legend.get_window_extent().height / figure.dpi)
    return figure


@dataclass(frozen=True)
class _Curve:
    name: str
    rows: Sequence[Row]
    mark: Mark
    shift: float
    """Points by which a single value stands beside its time."""

    @property
    def ceilings(self) -> dict[float, float]:
        return {row.time: row.ceiling for row in self.rows if row.ceiling is not None}


def _subject(quantity: Quantity, species: str) -> str:
    """Return "A particles" of the quantity that stands first among those of particles."""
    first = next(one for one in QUANTITIES.values() if one.place == quantity.place)
    what = f"{species} {quantity.place}"
    return what if quantity is first else f"{quantity.title} of {what}"


def _curves(results: Sequence[Scores], quantity: str, species: str) -> list[_Curve]:
    found, lacking = [], []
    for scores in results:
        rows = [row for row in _known_rows(scores, quantity) if row.species == species]
        if rows:
            found.append((scores.model, sorted(rows, key=lambda row: row.time)))
        else:
            lacking.append(f"model {scores.model!r} has {_groups(scores)}")
    wanted = f"{quantity} {species}"
    if not found:
        there_is = "; ".join(lacking) or "there are no results"
        raise InputError(f"no correlation of {wanted} to draw: {there_is}")
    for model in lacking:
        LOGGER.warning("warning: left out, no correlation of %s: %s", wanted, model)
    names = _numbered([name for name, _ in found])
    marks = model_marks(names)
    shifts = _shifts([rows for _, rows in found])
    return [
        _Curve(name, rows, marks[name], shift)
        for name, (_, rows), shift in zip(names, found, shifts, strict=True)
    ]


def _numbered(names: Sequence[str]) -> list[str]:
    """Return names with (2), (3) ... behind those that came before."""
    counts = [list(names[:k]).count(name) + 1 for k, name in enumerate(names)]
    return [
        name if count == 1 else f"{name} ({count})"
        for name, count in zip(names, counts, strict=True)
    ]


def _known_rows(scores: Scores, quantity: str) -> list[Row]:
    return [row for row in scores.quantities.get(quantity, ()) if row.pearson_mean is not None]


def _groups(scores: Scores) -> str:
    """Return "propensity A, B at t = 0.13, 4120; bond_extension AA at t = 4120"."""
    found = []
    for name in scores.quantities:
        rows = _known_rows(scores, name)
        if rows:
            species = ", ".join(sorted({row.species for row in rows}))
            times = listed_times(sorted({row.time for row in rows}))
            found.append(f"{name} {species} at t = {times}")
    return "; ".join(found) or "no correlations"


def _shifts(curves: Sequence[Sequence[Row]]) -> list[float]:
    """Set single values of one time side by side about it."""
    single = [rows[0].time if len(rows) == 1 else None for rows in curves]
    shifts = []
    for k, time in enumerate(single):
        same = [j for j, other in enumerate(single) if time is not None and other == time]
        shifts.append(DODGE * (same.index(k) - 0.5 * (len(same) - 1)) if same else 0.0)
    return shifts


def _draw_model(axes: "Axes", curve: _Curve) -> "Handle":
    from matplotlib.transforms import ScaledTranslation

    times, means, errors = _columns(curve.rows)
    look: dict[str, Any] = {"color": curve.mark.colour, "marker": curve.mark.marker, "zorder": 4}
    if len(times) > 1:
        (line,) = axes.plot(times, means, markeredgewidth=0, **look)
        low, high = means - errors, means + errors
        axes.fill_between(times, low, high, color=curve.mark.colour, alpha=0.22, lw=0, zorder=2)
        return line
    aside = ScaledTranslation(curve.shift / 72, 0, _root(axes).dpi_scale_trans)
    return axes.errorbar(
        times,
        means,
        yerr=errors if errors.any() else None,
        linestyle="none",
        markersize=4,
        elinewidth=1.0,
        capsize=1.8,
        capthick=1.0,
        transform=axes.transData + aside,
        **look,
    )


def _columns(rows: Sequence[Row]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return times, mean correlations, and standard errors (0 where there is none)."""
    return (
        np.array([row.time for row in rows]),
        np.array([row.pearson_mean for row in rows], dtype=float),
        np.array([row.pearson_sem or 0.0 for row in rows]),
    )


def _draw_ceilings(axes: "Axes", curves: Sequence[_Curve]) -> "list[Entry]":
    """Draw the noise ceiling, once where results agree on it."""
    from matplotlib.lines import Line2D

    lines: list[dict[float, float]] = []
    for ceilings in (curve.ceilings for curve in curves if curve.ceilings):
        same = next((line for line in lines if _agree(line, ceilings)), None)
        if same is None:
            lines.append(dict(ceilings))
        else:
            same.update(ceilings)
    for line in lines:
        _draw_ceiling(axes, line)
    if not lines:
        return []
    dashed = any(len(line) > 1 for line in lines)
    handle = Line2D([], [], color="black", linewidth=1.0, linestyle=DASHES if dashed else "-")
    return [("noise ceiling" if len(lines) == 1 else "noise ceilings", handle)]


def _agree(one: dict[float, float], other: dict[float, float]) -> bool:
    return all(abs(one[time] - other[time]) < SAME_CEILING for time in one.keys() & other.keys())


def _draw_ceiling(axes: "Axes", ceilings: dict[float, float]) -> None:
    times = sorted(ceilings)
    look: dict[str, Any] = {"linewidth": 1.0, "linestyle": DASHES}
    if len(times) == 1:
        look = {"linestyle": "none", "marker": "_", "markersize": 14, "markeredgewidth": 1.0}
    axes.plot(times, [ceilings[time] for time in times], color="black", zorder=3, **look)


def _draw_reported(axes: "Axes", reported: Sequence[Reported]) -> "list[Entry]":
    by_method: dict[str, list[Reported]] = {}
    for row in reported:
        by_method.setdefault(row.method, []).append(row)
    entries: list[Entry] = []
    for k, (method, rows) in enumerate(by_method.items()):
        rows.sort(key=lambda row: row.time)
        (line,) = axes.plot(
            [row.time for row in rows],
            [row.pearson_A for row in rows],
            color=REPORTED_GREYS[k % len(REPORTED_GREYS)],
            linewidth=0.5,
            linestyle=":",
            marker=REPORTED_MARKERS[k % len(REPORTED_MARKERS)],
            markersize=3.6,
            markerfacecolor="white",
            markeredgewidth=0.7,
            zorder=2.5,
        )
        entries.append((f"{method}, reported", line))
    return entries


def _scale(
    axes: "Axes", curves: Sequence[_Curve], reported: Sequence[Reported], tau_alpha: float | None
) -> None:
    times = [t for curve in curves for t in _columns(curve.rows)[0]]
    times += [row.time for row in reported] + ([] if tau_alpha is None else [tau_alpha])
    lows = [row.pearson_A for row in reported]
    for curve in curves:
        _, means, errors = _columns(curve.rows)
        lows.append(float(np.min(means - errors)))
    # At least a decade on both sides of a single time.
    margin = max(0.3, 0.5 * (2 - np.log10(max(times) / min(times))))
    logarithmic_time(axes, min(times) * 10**-margin, max(times) * 10**margin)
    axes.set_ylim(0.0 if min(lows) > 0.02 else min(lows) - 0.05, 1.02)


def _mark_time(axes: "Axes", time: float) -> None:
    axes.axvline(time, color="0.5", linewidth=0.7, linestyle=(0, (1, 1.5)), zorder=1)
    note(axes, r"$\tau_\alpha$", (time, 1), (0, 2), ("data", "axes fraction"))


def _add_legend(axes: "Axes", entries: "Sequence[Entry]", *, above: float) -> "Legend":
    """Set a legend so many points above the axes, in as many columns as fit."""
    from matplotlib.transforms import ScaledTranslation

    room = 1.08 * axes.get_window_extent().width
    up = ScaledTranslation(0, above / 72, _root(axes).dpi_scale_trans)
    for columns in (4, 3, 2, 1):
        legend = axes.legend(
            [handle for _, handle in entries],
            [str(k) for k in range(len(entries))],
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            bbox_transform=axes.transAxes + up,
            borderaxespad=0.0,
            ncols=columns,
            borderpad=0.1,
            labelspacing=0.3,
            columnspacing=1.2,
        )
        for text, (label, _) in zip(legend.get_texts(), entries, strict=True):
            # Names are shown as they are, whatever $ and _ mean to Matplotlib.
            text.set_parse_math(False)
            text.set_text(_short(label))
        if legend.get_window_extent().width <= room:
            break
    return legend


def _root(axes: "Axes") -> "Figure":
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure


def _short(label: str) -> str:
    label = " ".join(label.split())
    if len(label) <= LONGEST_LABEL:
        return label
    return f"{label[: LONGEST_LABEL // 2]}…{label[-LONGEST_LABEL // 2 + 1 :]}"
