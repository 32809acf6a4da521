"""The report's figures, embedded, each with what it shows in words."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from glassbotan import io
from glassbotan.datasets.groups import FIRST_GROUP
from glassbotan.dynamics import IsoconfigurationalEnsemble
from glassbotan.dynamics.motion import time_label
from glassbotan.dynamics.quantities import PROPENSITY, QUANTITIES
from glassbotan.evaluation.comparison import Comparison, time_index
from glassbotan.evaluation.reported import published_tau_alpha, reported_beside
from glassbotan.evaluation.scores import Scores
from glassbotan.figures.bonds import bonds_figure
from glassbotan.figures.curve import curve_figure
from glassbotan.figures.map import map_figure
from glassbotan.figures.rearrangement import rearrangement, rearrangement_figure
from glassbotan.figures.report.history import History
from glassbotan.figures.report.training import training_figure
from glassbotan.figures.slices import Slice
from glassbotan.figures.style import style
from glassbotan.structure.periodic import FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LARGEST_SVG = 400_000
"""Bytes; a picture of more lines is embedded as PNG."""
PNG_DPI = 200
ROWS = 3
"""Times that the map shows at most."""


@dataclass(frozen=True)
class Picture:
    """A figure in the page.

    Attributes
    ----------
    name, title
        For the machine, and for people.
    caption
        What is seen, of which data, and how many.
    alternative
        For those who cannot see it.
    source
        Data URI.
    width
        Inches, at which its text has the size of a journal's.

    """

    name: str
    title: str
    caption: str
    alternative: str
    source: str
    width: float


def embed(figure: "Figure") -> str:
    """Return a figure as data URI: SVG with text as outlines, or PNG where that is smaller."""
    import matplotlib as mpl

    vector, pixels = BytesIO(), BytesIO()
    with style():  # the layout is found once, not for each file
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    # Text as outlines looks the same where the style's font is not installed.
    with style(), mpl.rc_context({"svg.fonttype": "path"}):
        figure.savefig(vector, format="svg", dpi=PNG_DPI, metadata={"Date": None, "Creator": None})
        if vector.tell() < LARGEST_SVG:
            return f"data:image/svg+xml;base64,{b64encode(vector.getvalue()).decode()}"
        figure.savefig(pixels, format="png", dpi=PNG_DPI)
    return f"data:image/png;base64,{b64encode(pixels.getvalue()).decode()}"


def _picture(name: str, title: str, figure: "Figure", caption: str, alternative: str) -> Picture:
    return Picture(name, title, caption, alternative, embed(figure), figure.get_figwidth())


def map_picture(comparison: Comparison) -> Picture | None:
    """Return simulated and predicted propensity in a slice, at up to three times.

    Where no model predicts it, another quantity of particles; None where all predict bonds alone.
    """
    for one in QUANTITIES.values():
        told = [(m, m.values.get(one.name)) for m in comparison.predictions]
        able = [m for m, values in told if values is not None and np.isfinite(values).any()]
        if able and one.place == "particles":
            break
    else:
        return None
    comparison = replace(comparison, predictions=able)
    times = _times_to_map(comparison)
    names = _listed([m.source for m in able])
    shown = len(Slice().particles(comparison.snapshot))
    when = "t = " + _listed([time_label(float(t)) for t in times])
    truth = comparison.measured
    measured = "by simulation and " if truth is not None and one.name in truth.values else ""
    return _picture(
        "map",
        f"Maps of {one.title}",
        map_figure(comparison, quantity=one.name, times=list(times)),
        f"{one.title.capitalize()} {measured}predicted by {names}, at {when}, of the {shown} "
        f"particles {_slice_words(comparison)} (of {comparison.snapshot.n_particles} in snapshot "
        f"{_name(comparison)}). Discs stand at the initial positions with the radius of "
        f"their species, coloured by {one.title}, on one scale in each row; below them, "
        "correlation and squared error over all A particles of the snapshot.",
        f"Maps of a slice of the glass, side by side: {measured}{names}, at {when}.",
    )


def curve_picture(results: Sequence[Scores]) -> Picture | None:
    """Return the correlation of each model against time, with the noise ceiling."""
    for one in QUANTITIES.values():
        species = FIRST_GROUP[one.place]
        told = [row for scores in results for row in scores.quantities.get(one.name, ())]
        rows = [row for row in told if row.species == species]
        if rows:
            break
    else:
        return None
    reported = reported_beside(results, None) if one is PROPENSITY else []
    what = f"{one.title} of {species} {one.place}"
    names = _listed([scores.model for scores in results])
    most = max(row.snapshots for row in rows)
    extras = (
        " Open grey symbols: reported values, on other snapshots of this liquid."
        if reported
        else ""
    )
    return _picture(
        "curve",
        "Correlation against time",
        curve_figure(
            results,
            quantity=one.name,
            reported=reported,
            tau_alpha=published_tau_alpha(results),
        ),
        f"Pearson correlation of predicted with simulated {what} against time, by {names}: mean "
        f"over n = {most} snapshot{'s' * (most > 1)}"
        f"{' with standard error' if most > 1 else ''}, and the noise ceiling, the highest that "
        f"any predictor can reach.{extras}",
        f"Curves of the Pearson correlation against time for {names}, with the noise ceiling.",
    )


def bonds_picture(comparison: Comparison) -> Picture | None:
    """Return bond extensions of a slice and the scatter, for the first model that knows bonds."""
    able = [m for m in comparison.predictions if m.bond_extension is not None]
    measured = comparison.measured
    if not able or measured is None or measured.bond_extension is None:
        return None
    return _picture(
        "bonds",
        "Bonds",
        bonds_figure(comparison, model=able[0].source),
        f"Above: bonds {_slice_words(comparison)} of snapshot {_name(comparison)}, "
        f"coloured by their mean extension, simulated and predicted by {able[0].source}. Below: "
        f"predicted against simulated propensity of all {comparison.snapshot.n_particles} "
        "particles, and extension of all bonds shorter than 1.35; each point is one particle or "
        "bond, the dashed line is a perfect prediction.",
        f"Bond extensions in a slice by simulation and by {able[0].source}, and scatter plots of "
        "predicted against simulated values.",
    )


def rearrangement_picture(path: Path, box: Sequence[float] | None) -> Picture | None:
    """Return a slice before, its displacements and after; None for a file without trajectories."""
    if not io.holds(path, IsoconfigurationalEnsemble):
        return None
    ensemble = io.read_ensemble(path, box=box)
    moved = rearrangement(ensemble)
    return _picture(
        "rearrangement",
        "What rearranges",
        rearrangement_figure(ensemble),
        f"A slice of snapshot {path.name} before, its particles' displacements "
        f"until t = {time_label(moved.time)} ({moved.source}), and after. Marked: the most mobile "
        f"region, {len(moved.cluster)} of {moved.before.n_particles} particles, the largest "
        f"cluster among the fastest {100 * moved.fraction:g} %.",
        "A slice of the glass before, displacement arrows, and after; the most mobile region is "
        "marked.",
    )


def training_picture(history: History) -> Picture:
    """Return the curves of a training run."""
    stages = len(history.stages)
    parted = f" in {stages} stages, parted by a dotted line" if stages > 1 else ""
    return _picture(
        "training",
        "Training",
        training_figure(history),
        f"Loss (a) and correlation of A propensity, mean over times (b), against epoch, on "
        f"training and on validation snapshots; {history.epochs} "
        f"epoch{'s' * (history.epochs > 1)}{parted}.",
        "Curves of loss and Pearson correlation against epoch, for training and validation.",
    )


def _times_to_map(comparison: Comparison) -> FloatArray:
    """Return times that some model predicts of those measured: first, last and between."""
    times = comparison.times()
    predicted = [any(time_index(m, t) is not None for m in comparison.predictions) for t in times]
    times = times[predicted] if any(predicted) else times
    chosen = np.linspace(0, len(times) - 1, min(ROWS, len(times)))
    return np.array(times[np.rint(chosen).astype(int)])


def _name(comparison: Comparison) -> str:
    return Path(comparison.snapshot.source).name


def _slice_words(comparison: Comparison) -> str:
    if comparison.snapshot.dimension == 2:
        return "of the whole configuration"
    return "in a slice one length unit thick across the middle of the box"


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
