"""The report as one HTML page, with nothing outside of it."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING, Any

from glassbotan.dynamics.motion import time_label
from glassbotan.evaluation.scores import Row, Scores

if TYPE_CHECKING:
    from glassbotan.figures.report.content import Report

FORM = 1
"""Counts up when the record for machines changes."""
MANY = 16
"""Files beyond which a list is folded."""
NOTHING = "–"
_FIGURE_SPACE, _POINT_SPACE = "\u2007", "\u2008"


@dataclass(frozen=True)
class Column:
    """A column of a table of scores."""

    heading: str
    cell: Callable[[Row, Scores], str]


@dataclass(frozen=True)
class Group:
    """The rows of one species."""

    label: str
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Table:
    """Scores of particles or of bonds."""

    title: str
    headings: Sequence[str]
    groups: Sequence[Group]


def report_page(report: "Report") -> str:
    """Return the page: HTML with its style, pictures and, as JSON, all that is in it.

    The JSON is in ``<script type="application/json" id="glassbotan-report">``. Every text is
    escaped, wherever it came from.
    """
    from jinja2 import Environment

    page = files("glassbotan.figures.report").joinpath("page.html").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"dois": _dois, "time": time_label, "seconds": seconds}
    tables = [
        score_table(report, part) for part in ("particles", "bonds") if _any(report.results, part)
    ]
    return environment.from_string(page).render(
        report=report,
        tables=tables,
        makings=_makings(report),
        record=record(report),
        many=MANY,
        nothing=NOTHING,
    )


def record(report: "Report") -> dict[str, Any]:
    """Return what the page says as plain JSON values, without the pictures."""
    plain = {
        "form": FORM,
        "title": report.title,
        "verdict": report.verdict,
        "notes": report.notes,
        "results": [scores.model_dump(mode="json") for scores in report.results],
        "models": {
            model.name: None if model.card is None else model.card.model_dump(mode="json")
            for model in report.models
        },
        "recipes": report.recipes,
        "pictures": [{"name": p.name, "caption": p.caption} for p in report.pictures],
        "training": None if report.history is None else asdict(report.history),
        "files": [
            {"name": f.name, "sha256": f.sha256, "purpose": f.purpose, "problem": f.problem}
            for f in report.files
        ],
        "versions": report.versions,
        "commands": report.commands,
        "provenance": report.provenance,
    }
    loaded: dict[str, Any] = json.loads(json.dumps(plain, default=str))
    return loaded


def score_table(report: "Report", part: str) -> Table:
    """Return the rows of all models by species and time; ``part`` is "particles" or "bonds"."""
    results = [scores for scores in report.results if getattr(scores, part)]
    columns = _columns(report, results, part)
    pairs = [(row, scores) for scores in results for row in getattr(scores, part)]
    order = {id(scores): k for k, scores in enumerate(results)}
    pairs.sort(key=lambda pair: (pair[0].species, pair[0].time, order[id(pair[1])]))
    cells = zip(
        *(aligned([column.cell(*pair) for pair in pairs]) for column in columns), strict=True
    )
    by_species = groupby(zip(pairs, cells, strict=True), key=lambda item: item[0][0].species)
    return Table(
        title="Particles: propensity" if part == "particles" else "Bonds: extension",
        headings=[column.heading for column in columns],
        groups=[
            Group(f"{species} {part}", [cells for _, cells in items])
            for species, items in by_species
        ],
    )


def aligned(cells: Sequence[str]) -> list[str]:
    """Fill numbers at the right with blanks of a figure's width, so that their points align."""
    tails = [_tail(cell) for cell in cells]
    longest = max(map(len, tails), default=0)
    return [
        cell + "".join(_blank(c) for c in _padding(tail, longest))
        for cell, tail in zip(cells, tails, strict=True)
    ]


def seconds(value: float) -> str:
    """Return a duration as a person says it: 0.41 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if value < 10:
        return f"{value:.2g} s"
    whole = round(value)
    if whole < 120:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 120:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _columns(report: "Report", results: Sequence[Scores], part: str) -> list[Column]:
    firsts = {(row.time, row.species): row.mse for row in getattr(results[0], part)}
    columns = [Column("t", lambda row, _: time_label(row.time))]
    several = len(report.results) > 1
    if several:
        columns.append(Column("model", lambda _, scores: scores.model))
    columns += [
        Column("Pearson", lambda row, _: _with_error(row)),
        Column("pooled", lambda row, _: _three(row.pearson_pooled)),
        Column("squared error", lambda row, _: significant(row.mse)),
    ]
    if several and report.comparable:
        columns.append(
            Column("ratio", lambda row, _: _ratio(row.mse, firsts.get((row.time, row.species))))
        )
    columns.append(Column("ceiling", lambda row, _: _three(row.ceiling)))
    if any(row.coverage is not None for scores in results for row in getattr(scores, part)):
        columns.append(Column("coverage", lambda row, _: _three(row.coverage)))
    return [
        *columns,
        Column("n", lambda row, _: str(row.snapshots)),
    ]


def significant(value: float, digits: int = 3) -> str:
    """Return a number with so many significant figures, never in powers of ten."""
    if value == 0:
        return "0"
    from math import floor, log10

    places = max(digits - 1 - floor(log10(abs(value))), 0)
    return f"{value:.{min(places, 12)}f}"


def _with_error(row: Row) -> str:
    if row.pearson_mean is None:
        return NOTHING
    return _three(row.pearson_mean) + (
        "" if row.pearson_sem is None else f"\u00a0±\u00a0{row.pearson_sem:.3f}"
    )


def _three(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3f}".replace("-", "−")


def _ratio(value: float, first: float | None) -> str:
    return NOTHING if not first else f"{value / first:.2f}"


def _tail(cell: str) -> str:
    """Return what stands right of a number's last digit before the point."""
    found = re.fullmatch(r"−?\d+(\.\d+)?", cell)
    return (found[1] or "") if found else ""


def _padding(tail: str, longest: int) -> str:
    missing = longest - len(tail)
    return "." + "0" * (missing - 1) if missing and not tail else "0" * missing


def _blank(character: str) -> str:
    return _POINT_SPACE if character == "." else _FIGURE_SPACE


def _makings(report: "Report") -> list[tuple[str, dict[str, Any]]]:
    """Return provenance records of models, scores and report, each with its name."""
    models = [
        (f"model {model.name}", model.card.provenance)
        for model in report.models
        if model.card is not None and model.card.provenance
    ]
    scores = [(f"scores of {s.model}", s.provenance) for s in report.results if s.provenance]
    return [*models, *scores, ("this report", report.provenance)]


def _any(results: Sequence[Scores], part: str) -> bool:
    return any(getattr(scores, part) for scores in results)


def _dois(text: str) -> Any:
    """Return a citation with its doi as a link."""
    from markupsafe import Markup, escape

    pieces = re.split(r"(doi:10\.\d{4,9}/[\w.()/:;-]+)", text)
    return Markup("").join(
        Markup('<a href="https://doi.org/{}">{}</a>').format(piece.removeprefix("doi:"), piece)
        if k % 2
        else escape(piece)
        for k, piece in enumerate(pieces)
    )
