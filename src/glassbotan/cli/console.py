"""How results and warnings look, on a terminal and in a file or pipe."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 120
"""Columns of a table that goes to a file or pipe, which has no width of its own."""


def console() -> "Console":
    """Return the console for standard output."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=WIDTH)


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
