"""How results and warnings look, on a terminal and in a file or pipe."""

import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from glassbotan.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDTH = 120
"""Columns of a table that goes to a file or pipe, which has no width of its own."""


def console(*, stderr: bool = False) -> "Console":
    """Return the console for standard output or standard error.

    Under NO_COLOR nothing is coloured, bold or italic either (https://no-color.org).
    """
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
        width=None if stream.isatty() else WIDTH,
    )


def numbers_table(title: str, headings: Iterable[str]) -> "Table":
    """Return a table without rows whose columns are numbers, which are never broken."""
    from rich.box import SIMPLE
    from rich.table import Column, Table

    columns = (Column(heading, justify="right", no_wrap=True) for heading in headings)
    return Table(*columns, box=SIMPLE, title=title, title_justify="left")


def show(table: "Table") -> None:
    """Print a table; in a file or pipe its rules are hyphens."""
    from rich.box import Box
    from rich.measure import Measurement

    if not sys.stdout.isatty():
        table.box = Box("    \n    \n -- \n    \n    \n -- \n    \n    \n", ascii=True)
    output = console()
    # On a narrow terminal lines may run over, but no number is cut.
    least = Measurement.get(output, output.options.update(width=WIDTH), table).minimum
    output.width = max(output.width, least)
    output.print(table)


def write_json(target: Path, content: Any) -> None:
    """Write content as JSON to a file, whole or not at all, or to standard output for "-"."""
    from json import dumps

    from glassbotan.io.atomic import atomic_output

    text = dumps(content, indent=2) + "\n"
    if str(target) == "-":
        typer.echo(text, nl=False)
        return
    with atomic_output(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def check_folder(target: Path) -> None:
    """Refuse a file that cannot be written, before anything is computed for it.

    Raises
    ------
    InputError
        Its folder does not exist.

    """
    if not target.parent.is_dir():
        raise InputError(f"{target}: cannot be written, there is no folder {target.parent}")


def check_page(target: Path) -> None:
    """Refuse an HTML page's name before anything is computed for it.

    Raises
    ------
    InputError
        Another suffix than that of HTML, or its folder does not exist.

    """
    if target.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{target}: unknown suffix; use .html")
    check_folder(target)


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Show each warning of the block as one line on standard error, without a place in the code."""
    from glassbotan.models.predictor import OutOfDomainWarning

    def show(message: Warning | str, *_: object, **__: object) -> None:
        typer.echo(f"warning: {' '.join(str(message).split())}", err=True)

    with warnings.catch_warnings():
        # Python shows a text once; here a second snapshot or model is worth a second line.
        warnings.simplefilter("always", OutOfDomainWarning)
        warnings.showwarning = show
        yield
