"""glassbotan evaluate: scores against simulation."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from glassbotan.cli.console import console, plain_warnings
from glassbotan.cli.options import parse_box

if TYPE_CHECKING:
    from glassbotan.evaluation import Scores


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
        typer.Option(help="Scores as JSON: one object, or a list of them with several models."),
    ] = None,
    box: Annotated[str | None, typer.Option(help="Edge lengths, for files without.")] = None,
) -> None:
    """Score models on snapshots with measured motion."""
    import numpy as np

    from glassbotan.evaluation import evaluate as evaluate_models

    edges = parse_box(box)
    terminal = Console(stderr=True)
    with (
        plain_warnings(),
        Progress(
            "predicting",
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=terminal,
            transient=True,
            disable=not terminal.is_terminal,
        ) as bar,
    ):
        task = bar.add_task("predicting", total=None)
        results = evaluate_models(
            data,
            model or ["botan"],
            box=None if edges is None else np.array(edges),
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    _show(results)
    if json is not None:
        _save(json, results)
        typer.echo(f"scores: {json}")


def _show(results: "list[Scores]") -> None:
    from glassbotan.evaluation.table import comparison_table, score_table

    output = console()
    for part in ("particles", "bonds"):
        shown = [s for s in results if getattr(s, part)]
        for scores in shown:
            output.print(score_table(scores, part=part))
        if len(shown) > 1:
            output.print(comparison_table(shown, part=part))


def _save(path: Path, results: "list[Scores]") -> None:
    from json import dumps

    from glassbotan.io.atomic import atomic_output

    content = [scores.model_dump(mode="json") for scores in results]
    with atomic_output(path) as temporary:
        temporary.write_text(
            dumps(content[0] if len(content) == 1 else content, indent=2) + "\n", encoding="utf-8"
        )
