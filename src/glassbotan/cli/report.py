"""glassbotan report: one page on a model, a run or results."""

from pathlib import Path
from typing import Annotated

import typer

from glassbotan.cli.options import Box, Page, model_option
from glassbotan.progress_bar import shown

EXAMPLE = "glassbotan report botan --model node-only --data data/published -o report.html"


def report(
    run_or_results: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN_OR_RESULTS...",
            help="Folder of a training run; a model (bundled name or folder); or result files of "
            "evaluate --json.",
        ),
    ],
    *,
    output: Page = Path("report.html"),
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DATA",
            help="File, folder, glob or part of a data set; may be repeated. Default: what was "
            "scored, or the recipe's validation data.",
        ),
    ] = None,
    model: Annotated[list[str] | None, model_option(", to compare with; may be repeated.")] = None,
    box: Box = None,
) -> None:
    """Write one HTML page: scores, pictures, recipe, data, timings and versions.

    A run or a model is scored on the validation data of its recipe. The page needs no other file
    and no network; it prints well.
    """
    from glassbotan.figures.report import gather, report_page
    from glassbotan.io.atomic import atomic_output

    with shown() as progress:
        gathered = gather(
            run_or_results, data=data or (), models=model or (), box=box, progress=progress
        )
    with atomic_output(output) as temporary:
        temporary.write_text(report_page(gathered), encoding="utf-8")
    for note in gathered.notes:
        typer.echo(f"warning: {note}", err=True)
    typer.echo(f"report: {output}")
