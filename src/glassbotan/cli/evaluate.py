"""glassbotan evaluate: scores against simulation."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glassbotan.cli.console import plain_warnings, show
from glassbotan.cli.options import Box, JsonFile, Models
from glassbotan.models import DEFAULT_MODEL
from glassbotan.progress_bar import shown

if TYPE_CHECKING:
    from glassbotan.evaluation import Scores

EXAMPLE = "glassbotan evaluate data/published --model botan --model linear --json scores.json"
STANDARD_OUTPUT = Path("-")


def evaluate(
    data: Annotated[
        list[str],
        typer.Argument(
            help="Files, folders, globs or parts of data sets (botan-small/validation).",
            show_default=False,
        ),
    ],
    model: Models = None,
    json: JsonFile = None,
    box: Box = None,
) -> None:
    """Score models on snapshots with measured motion."""
    from glassbotan.evaluation.protocol import evaluate as evaluate_models

    with plain_warnings(), shown() as progress:
        results = evaluate_models(data, model or [DEFAULT_MODEL], box=box, progress=progress)
    if json == STANDARD_OUTPUT:
        from glassbotan.evaluation.files import scores_json

        typer.echo(scores_json(results))
        return
    _show(results)
    if json is not None:
        from glassbotan.evaluation.files import write_scores

        write_scores(json, results)
        typer.echo(f"scores: {json}")


def _show(results: "list[Scores]") -> None:
    from glassbotan.evaluation.table import comparison_table, score_table

    for name in dict.fromkeys(name for scores in results for name in scores.quantities):
        told = [scores for scores in results if name in scores.quantities]
        for scores in told:
            show(score_table(scores, name))
        if len(told) > 1:
            show(comparison_table(told, name))
