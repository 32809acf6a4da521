"""glassbotan evaluate: scores against simulation."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glassbotan.cli.console import console, plain_warnings
from glassbotan.cli.options import parse_box
from glassbotan.cli.progress import progress
from glassbotan.errors import InputError

if TYPE_CHECKING:
    from glassbotan.evaluation import Scores

EXAMPLE = "glassbotan evaluate data/published --model botan --model linear --json scores.json"
STANDARD_OUTPUT = Path("-")


def evaluate(
    data: Annotated[
        list[str],
        typer.Argument(
            help="Files, folders, globs or parts of data sets (botan-small/validation)."
        ),
    ],
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="Bundled name, file or folder; may be repeated."),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(
            help="Scores as JSON, for figures and reports; - prints it in place of the tables."
        ),
    ] = None,
    box: Annotated[str | None, typer.Option(help="Edge lengths, for files without.")] = None,
) -> None:
    """Score models on snapshots with measured motion."""
    import numpy as np

    from glassbotan.evaluation.protocol import evaluate as evaluate_models

    edges = parse_box(box)
    _check_folder(json)
    with plain_warnings(), progress("predicting") as tell:
        results = evaluate_models(
            data,
            model or ["botan"],
            box=None if edges is None else np.array(edges),
            progress=tell,
        )
    if json == STANDARD_OUTPUT:
        from glassbotan.evaluation.files import scores_json

        typer.echo(scores_json(results))
        return
    _show(results)
    if json is not None:
        from glassbotan.evaluation.files import write_scores

        write_scores(json, results)
        typer.echo(f"scores: {json}")


def _check_folder(json: Path | None) -> None:
    """Refuse a file that cannot be written before anything is computed for it."""
    if json is not None and not json.parent.is_dir():
        raise InputError(f"{json}: cannot be written, there is no folder {json.parent}")


def _show(results: "list[Scores]") -> None:
    from glassbotan.evaluation.table import comparison_table, score_table

    output = console()
    for part in ("particles", "bonds"):
        shown = [s for s in results if getattr(s, part)]
        for scores in shown:
            output.print(score_table(scores, part=part))
        if len(shown) > 1:
            output.print(comparison_table(shown, part=part))
