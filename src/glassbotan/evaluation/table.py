"""Scores as tables for a terminal."""

from collections.abc import Sequence

from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from glassbotan.dynamics.quantities import quantity
from glassbotan.evaluation.scores import Row, Scores


def score_table(scores: Scores, name: str) -> Table:
    """Return the rows of one model and one quantity."""
    title = f"{scores.model}: {quantity(name).title}"
    table = Table(box=SIMPLE, title=escape(title), title_justify="left")
    rows = scores.quantities[name]
    # Few models tell how far they may be off.
    coverage = ["coverage"] * any(row.coverage is not None for row in rows)
    headings = ["t", "species", "Pearson", "pooled", "squared error", "ceiling", *coverage]
    for heading in (*headings, "snapshots"):
        table.add_column(heading, justify="right")
    for row in rows:
        error = "" if row.pearson_sem is None else f" ± {row.pearson_sem:.3f}"
        table.add_row(
            f"{row.time:g}",
            row.species,
            _number(row.pearson_mean) + error,
            _number(row.pearson_pooled),
            f"{row.mse:.5f}",
            _number(row.ceiling),
            *(_number(row.coverage) for _ in coverage),
            str(row.snapshots),
        )
    return table


def comparison_table(results: Sequence[Scores], name: str) -> Table:
    """Return models side by side, with squared errors as ratios to the first model's."""
    title = f"{quantity(name).title}: Pearson, squared error (ratio to {results[0].model})"
    table = Table(box=SIMPLE, title=escape(title), title_justify="left")
    table.add_column("t", justify="right")
    table.add_column("species", justify="right")
    for scores in results:
        table.add_column(escape(scores.model), justify="right")
    table.add_column("ceiling", justify="right")
    rows = [{(r.time, r.species): r for r in s.quantities[name]} for s in results]
    for key in sorted({key for by_key in rows for key in by_key}):
        found = [by_key.get(key) for by_key in rows]
        ceilings = [r.ceiling for r in found if r is not None]
        table.add_row(
            f"{key[0]:g}", key[1], *(_cell(r, found[0]) for r in found), _number(ceilings[0])
        )
    return table


def _cell(row: Row | None, first: Row | None) -> str:
    if row is None:
        return "-"
    ratio = "" if first is None or first.mse == 0 else f" ({row.mse / first.mse:.2f})"
    return f"{_number(row.pearson_mean)}  {row.mse:.5f}{ratio}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
