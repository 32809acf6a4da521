"""The report as one HTML page, with nothing outside of it."""

import json
import math
import re
from dataclasses import asdict
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from glassbotan.dynamics.motion import time_label
from glassbotan.dynamics.quantities import QUANTITIES, Quantity
from glassbotan.figures.report.verdict import NOTHING, three, with_error

if TYPE_CHECKING:
    from glassbotan.figures.report.content import Report

FORM = 1
"""Counts up when the record for machines changes."""
MANY = 16
"""Files beyond which a list is folded."""
Table = dict[str, list[dict[str, str]]]
"""By species: rows, each with its cells by heading."""


def report_page(report: "Report") -> str:
    """Return the page: HTML with its style, pictures and, as JSON, all that is in it.

    The JSON is in ``<script type="application/json" id="glassbotan-report">``. Every text is
    escaped, wherever it came from.
    """
    from jinja2 import Environment

    page = files("glassbotan.figures.report").joinpath("page.html").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"dois": _dois, "time": time_label, "seconds": seconds}
    tables = {
        f"{one.place.capitalize()}: {one.title}": score_table(report, one)
        for one in QUANTITIES.values()
    }
    return environment.from_string(page).render(
        report=report,
        tables={title: table for title, table in tables.items() if table},
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


def score_table(report: "Report", one: Quantity) -> Table:
    """Return the rows of all models, of one quantity, by species and time."""
    name = one.name
    pairs = [(row, scores) for scores in report.results for row in scores.quantities.get(name, ())]
    if not pairs:
        return {}
    firsts = {(row.time, row.species): row.mse for row in pairs[0][1].quantities[name]}
    several = len(report.results) > 1
    coverage = any(row.coverage is not None for row, _ in pairs)
    table: Table = {}
    # Models keep their order within a time.
    for row, scores in sorted(pairs, key=lambda pair: (pair[0].species, pair[0].time)):
        cells = {"t": time_label(row.time)}
        if several:
            cells["model"] = scores.model
        cells["Pearson"] = with_error(row)
        cells["pooled"] = three(row.pearson_pooled)
        cells["squared error"] = significant(row.mse)
        if several and report.comparable:
            first = firsts.get((row.time, row.species))
            cells["ratio"] = f"{row.mse / first:.2f}" if first else NOTHING
        cells["ceiling"] = three(row.ceiling)
        if coverage:
            cells["coverage"] = three(row.coverage)
        cells["n"] = str(row.snapshots)
        table.setdefault(f"{row.species} {one.place}", []).append(cells)
    return table


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


def significant(value: float, digits: int = 3) -> str:
    """Return a number with so many significant figures, never in powers of ten."""
    if value == 0:
        return "0"
    places = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    return f"{value:.{min(places, 12)}f}"


def _makings(report: "Report") -> list[tuple[str, dict[str, Any]]]:
    """Return provenance records of models, scores and report, each with its name."""
    models = [
        (f"model {model.name}", model.card.provenance)
        for model in report.models
        if model.card is not None and model.card.provenance
    ]
    scores = [(f"scores of {s.model}", s.provenance) for s in report.results if s.provenance]
    return [*models, *scores, ("this report", report.provenance)]


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
