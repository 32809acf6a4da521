"""The relaxation of a glass former against time: five quantities, a panel each."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glassbotan.dynamics.estimate import Estimate
from glassbotan.dynamics.summary import Relaxation, SpeciesRelaxation
from glassbotan.errors import InputError
from glassbotan.figures.style import PAGE, logarithmic_time, new_figure, note, panel_letter, style
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import IntArray

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

HEIGHT = 0.6 * PAGE
"""Of a figure, inches."""
LABELS = 0.5
"""What a panel's labels take of the figure's height, inches."""
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Of species A, B, ... (Okabe and Ito's, as in the style)."""
PALEST = 0.6
"""How much white is in the colours of the highest of several temperatures."""
GUIDE: dict[str, Any] = {"color": "0.35", "linewidth": 0.8, "zorder": 1}
DASHED = (0.0, (4.0, 2.0))
DOTTED = (0.0, (1.0, 1.5))
PARTS: dict[str, Any] = {"total": "-", "isoconfigurational": DASHED, "structural": DOTTED}
"""Lines of the parts of chi_4."""
DIFFUSIVE = (0.8, 1.2)
"""d ln MSD / d ln t between which the guide of diffusion is drawn."""
LEVEL = float(np.exp(-1))


QUANTITIES = {
    "scattering": r"$F_\mathrm{s}(q, t)$",
    "squared_displacement": r"$\langle |\Delta\mathbf{r}(t)|^2 \rangle$ ($\sigma^2$)",
    "non_gaussian": r"$\alpha_2(t)$",
    "overlap": "$Q(t)$",
    "susceptibility": r"$\chi_4(t)$",
}
"""What is drawn, in the order of the panels, with the titles of their axes."""


def draw_relaxation(axes: "Axes", results: Sequence[Relaxation], quantity: str) -> "Axes":
    """Draw one of ``QUANTITIES`` against time, for every species and temperature.

    With ``scattering`` stand 1/e, and tau_alpha where it is reached; with
    ``squared_displacement`` the guides of ballistic flight d T t^2 / m where the temperature is
    known, and of diffusion, through the last point, where the curve is nearly as steep. Of
    ``susceptibility`` the total is solid, the isoconfigurational part dashed and the structural
    part dotted, each as far as it is known.

    Parameters
    ----------
    axes
        To draw on.
    results
        One for each temperature.
    quantity
        Its name.

    """
    for colour, result, species in _curves(results):
        estimate = getattr(species, quantity)
        known = _known_parts(species) if quantity == "susceptibility" else ["total"]
        for part in known:
            shown = estimate if isinstance(estimate, Estimate) else getattr(estimate, part)
            # More than one band of a colour could not be told apart.
            band = part == known[0]
            _draw_estimate(axes, result.times, shown, colour, line=PARTS[part], band=band)
    if not axes.lines:
        text = "not known from one trajectory"
        axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes)
    if quantity == "scattering":
        _mark_relaxation(axes, results)
    elif quantity == "squared_displacement":
        _draw_guides(axes, results)
    elif quantity == "overlap":
        axes.set_ylim(0, 1.03)
    else:
        axes.axhline(0, color="0.6", linewidth=0.5, zorder=0)
    logarithmic_time(axes, *_span(results))
    axes.set_ylabel(QUANTITIES[quantity])
    return axes


def relaxation_figure(results: Sequence[Relaxation]) -> "Figure":
    """Return all five quantities as a figure of a page's width.

    A colour is a species. Of several temperatures the highest is the palest. Bands are one
    standard error.

    Parameters
    ----------
    results
        Of ``dynamics.relaxation_of``: one for each temperature.

    Raises
    ------
    InputError
        There are no results.

    """
    if not results:
        raise InputError("there is no relaxation to draw")
    with style():
        figure = new_figure(PAGE, HEIGHT)
        panels = list(figure.subplots(2, 3).flat)
        for axes, quantity, letter in zip(panels, QUANTITIES, "abcde", strict=False):
            draw_relaxation(axes, results, quantity)
            panel_letter(axes, letter)
        key = _draw_key(panels[5], results)
        # Many temperatures take more than a panel's height: all panels grow with their key.
        lines = key.get_window_extent().height / figure.dpi
        figure.set_figheight(max(HEIGHT, 2 * (lines + LABELS)))
    return figure


def _curves(
    results: Sequence[Relaxation],
) -> Iterator[tuple[tuple[float, float, float], Relaxation, SpeciesRelaxation]]:
    """Return every species of every temperature with its colour."""
    from matplotlib.colors import to_rgb

    for k, result in enumerate(results):
        white = PALEST * k / max(len(results) - 1, 1)
        for s, species in enumerate(result.species):
            red, green, blue = (
                (1 - white) * part + white for part in to_rgb(COLOURS[s % len(COLOURS)])
            )
            yield (red, green, blue), result, species


def _draw_estimate(
    axes: "Axes",
    times: FloatArray,
    estimate: Estimate,
    colour: Any,
    *,
    line: Any = "-",
    band: bool = True,
) -> None:
    """Draw a curve, with points where they are few, and a band of its standard error."""
    marker = "o" if len(times) < 8 and line == "-" else ""
    axes.plot(times, estimate.value, color=colour, linestyle=line, marker=marker, zorder=3)
    if band:
        low, high = estimate.value - estimate.error, estimate.value + estimate.error
        axes.fill_between(times, low, high, color=colour, alpha=0.25, linewidth=0, zorder=2)


def _known_parts(species: SpeciesRelaxation) -> list[str]:
    """Return the names of the parts of chi_4 that are known."""
    parts = vars(species.susceptibility)
    return [part for part in PARTS if np.isfinite(parts[part].value).any()]


def _mark_relaxation(axes: "Axes", results: Sequence[Relaxation]) -> None:
    """Draw 1/e, and where curves fall to it."""
    axes.axhline(LEVEL, linestyle=DASHED, **GUIDE)
    _name_guide(axes, r"$1/\mathrm{e}$", 1, LEVEL, ("axes fraction", "data"))
    for colour, _, species in _curves(results):
        tau = float(species.tau_alpha.value)
        if np.isfinite(tau):
            axes.plot([tau, tau], [0, LEVEL], color=colour, linewidth=0.7, linestyle=DOTTED)
            axes.plot(tau, LEVEL, "o", color=colour, markerfacecolor="white", zorder=5)
    lowest = min(float(np.min(s.scattering.value)) for _, _, s in _curves(results))
    axes.set_ylim(min(0.0, lowest - 0.03), 1.03)


def _draw_guides(axes: "Axes", results: Sequence[Relaxation]) -> None:
    axes.set(xscale="log", yscale="log")
    low, high = axes.get_ylim()
    _draw_diffusive(axes, results)
    axes.set_ylim(low, max(high, 1.5 * axes.dataLim.y1))
    _draw_ballistic(axes, results)


def _draw_ballistic(axes: "Axes", results: Sequence[Relaxation]) -> None:
    """Draw d T t^2 / m within the panel, and say at the fastest what it is."""
    speeds = {
        result.dimension * result.temperature / species.mass
        for result in results
        for species in result.species
        if result.temperature is not None
    }
    low, high = axes.get_ylim()
    for speed in speeds:
        heights = np.array([low, high])
        axes.plot(np.sqrt(heights / speed), heights, linestyle=DASHED, **GUIDE)
    if speeds:
        height = low * (high / low) ** 0.8
        _name_guide(axes, r"$d\,T t^2/m$", np.sqrt(height / max(speeds)), height)


def _draw_diffusive(axes: "Axes", results: Sequence[Relaxation]) -> None:
    """Draw a line of slope 1 above the end of the highest curve, where that is as steep."""
    _, result, species = max(
        _curves(results), key=lambda curve: float(curve[2].squared_displacement.value[-1])
    )
    times, moved = result.times, species.squared_displacement.value
    recent = times >= times[-1] / 3
    if np.sum(recent) < 2 or not np.all(moved[recent] > 0):
        return
    slope = np.polyfit(np.log(times[recent]), np.log(moved[recent]), 1)[0]
    if DIFFUSIVE[0] < slope < DIFFUSIVE[1]:
        ends = np.array([times[-1] / 10, times[-1]])
        heights = 2 * moved[-1] * ends / times[-1]
        axes.plot(ends, heights, linestyle=DOTTED, **GUIDE)
        middle = np.sqrt(ends.prod()), np.sqrt(heights.prod())
        _name_guide(axes, r"$\propto t$", *middle)


def _name_guide(axes: "Axes", name: str, time: float, height: float, *place: Any) -> None:
    note(axes, name, (time, height), (-3, 2), *place, ha="right", color=GUIDE["color"])


def _span(results: Sequence[Relaxation]) -> tuple[float, float]:
    """Return the first and last time, half a decade farther where there is one time only."""
    first = min(float(result.times[0]) for result in results)
    last = max(float(result.times[-1]) for result in results)
    return (first, last) if last > first else (first / 10**0.5, last * 10**0.5)


def _draw_key(axes: "Axes", results: Sequence[Relaxation]) -> "Legend":
    """Explain colours and bands, with tau_alpha, in the place of a panel."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    axes.set_axis_off()
    nothing = Line2D([], [], linestyle="none")
    entries: list[tuple[str, Artist]] = []
    told: Relaxation | None = None
    for colour, result, species in _curves(results):
        if result is not told:
            entries.append((_heading(result), nothing))
            told = result
        tau = species.tau_alpha_text
        equals = " = " if tau[0].isdigit() else " "
        label = rf"{species.name}, $q$ = {species.wave_number:g}: $\tau_\alpha${equals}{tau}"
        entries.append((label, Line2D([], [], color=colour)))
    known = {part for _, _, species in _curves(results) for part in _known_parts(species)}
    for part, line in PARTS.items():
        if part in known:
            label = rf"$\chi_4$, {part}"
            entries.append((label, Line2D([], [], color="0.2", linestyle=line)))
    entries.append(("one standard error", Patch(color="0.2", alpha=0.25, linewidth=0)))
    key = axes.legend(
        [handle for _, handle in entries],
        [label for label, _ in entries],
        loc="upper left",
        bbox_to_anchor=(-0.18, 1),
        borderaxespad=0,
        borderpad=0,
    )
    key.set_in_layout(False)
    return key


def _heading(result: Relaxation) -> str:
    """Return the temperature, and how much was averaged over."""
    known = result.temperature is not None
    what = f"$T$ = {result.temperature:g}" if known else "temperature not known"
    trajectories = _number(result.trajectories, "trajectory", "trajectories")
    snapshots = _number(result.snapshots, "snapshot", "snapshots")
    return f"{what} ({trajectories} of {snapshots})"


def _number(counts: IntArray, one: str, several: str) -> str:
    least, most = int(counts.min()), int(counts.max())
    numbers = str(most) if least == most else f"{least} to {most}"
    return f"{numbers} {one if most == 1 else several}"
