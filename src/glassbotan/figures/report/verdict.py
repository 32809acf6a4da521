"""The scores in one sentence."""

from collections.abc import Sequence

from glassbotan.datasets.groups import FIRST_GROUP
from glassbotan.dynamics.motion import time_label
from glassbotan.dynamics.quantities import QUANTITIES
from glassbotan.evaluation.scores import Row, Scores
from glassbotan.figures.report.inputs import recorded_inputs
from glassbotan.figures.report.subject import Subject

NOTHING = "–"
"""Stands where a number is not known."""


def verdict(results: Sequence[Scores]) -> str:
    """Say which model reaches the highest correlation of A, when, and how far the ceiling is."""
    for name, one in QUANTITIES.items():
        species = FIRST_GROUP[one.place]
        found = [
            (scores, row)
            for scores in results
            for row in scores.quantities.get(name, ())
            if row.species == species and row.pearson_mean is not None
        ]
        if found:
            scores, row = max(found, key=lambda pair: pair[1].pearson_mean or 0.0)
            others = [_at(other, name, row) for other in results if other is not scores]
            known = [text for text in others if text]
            first = "" if len(results) == 1 else " best"
            limit = "" if row.ceiling is None else f", where noise allows {row.ceiling:.3f} at most"
            return (
                f"{scores.model} predicts the {one.title} of {species} {one.place}{first} at "
                f"t\u00a0=\u00a0{time_label(row.time)}: Pearson correlation "
                f"{_correlation(row)}{limit}"
                + (f". At that time, {'; '.join(known)}." if known else ".")
            )
    return "No correlation could be computed." if results else ""


def same_data(results: Sequence[Scores]) -> bool:
    """Tell whether all were scored on the same files."""
    return len({tuple(sorted(recorded_inputs(s.provenance))) for s in results}) <= 1


def progress_verdict(subject: Subject) -> str:
    """Say how far an unfinished run is, and the best validation so far."""
    assert subject.history is not None
    history, total = subject.history, sum(subject.planned)
    words = (
        f"Unfinished: {history.epochs} of {total} epochs are complete, in stage "
        f"{len(history.stages)} of {len(subject.planned)}"
    )
    best = history.stages[-1].best(subject.monitored) if history.stages else None
    if best is None:
        return f"{words}; nothing has been validated yet in this stage."
    epoch, value = best
    name = subject.monitored.removeprefix("validation/")
    figure = "Pearson correlation of A" if name == "pearson_A" else name.replace("_", " ")
    return f"{words}; best validation {figure} so far {value:.4g}, after epoch {epoch}."


def with_error(row: Row) -> str:
    """Return a mean correlation and its standard error, as far as they are known."""
    if row.pearson_mean is None:
        return NOTHING
    error = "" if row.pearson_sem is None else f"\u00a0±\u00a0{row.pearson_sem:.3f}"
    return three(row.pearson_mean) + error


def three(value: float | None) -> str:
    """Return a number, if known, with three decimals and a minus that is as wide as a figure."""
    return NOTHING if value is None else f"{value:.3f}".replace("-", "−")


def _at(scores: Scores, name: str, best: Row) -> str:
    for row in scores.quantities.get(name, ()):
        if (row.time, row.species) == (best.time, best.species) and row.pearson_mean is not None:
            number = row.snapshots != best.snapshots
            return f"{scores.model} reaches {_correlation(row, number=number)}"
    return ""


def _correlation(row: Row, *, number: bool = True) -> str:
    plural = "s" if row.snapshots > 1 else ""
    return with_error(row) + (f" over {row.snapshots} snapshot{plural}" if number else "")
