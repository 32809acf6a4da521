"""How much the command line says: --quiet and --verbose, before or after a command's name."""

import functools
import inspect
import logging
import time
from collections.abc import Callable
from typing import Annotated, Any

import typer

from glassbotan.errors import InputError

LOGGER = logging.getLogger("glassbotan")

Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say only results, warnings and errors.")
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say what is read, computed and written, and when.")
]


class _Lines(logging.Handler):
    """Writes each record as one line on standard error, also above a bar that is drawn there."""

    def __init__(self) -> None:
        super().__init__()
        self.start = time.time()

    def emit(self, record: logging.LogRecord) -> None:
        when = f"[{record.created - self.start:.2f} s] " * (record.levelno <= logging.DEBUG)
        typer.echo(f"{when}{record.getMessage()}", err=True)


def start_log() -> None:
    """Send the package's remarks to standard error, unless the caller has set up logging."""
    logging.basicConfig(handlers=[_Lines()])
    LOGGER.setLevel(logging.INFO)


def set_volume(*, quiet: bool, verbose: bool) -> None:
    """Obey --quiet or --verbose; without either, leave things as they are.

    Raises
    ------
    InputError
        Both are asked for.

    """
    if quiet and verbose:
        raise InputError("--quiet and --verbose exclude each other; give one of them")
    if quiet or verbose:
        LOGGER.setLevel(logging.WARNING if quiet else logging.DEBUG)


def with_volume(command: Callable[..., None]) -> Callable[..., None]:
    """Return a Typer command that takes --quiet and --verbose as well."""

    @functools.wraps(command)
    def run(*, quiet: bool, verbose: bool, **arguments: Any) -> None:
        set_volume(quiet=quiet, verbose=verbose)
        command(**arguments)
        LOGGER.debug("done")

    own = inspect.signature(command)
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
        for name, kind in (("quiet", Quiet), ("verbose", Verbose))
    ]
    # Typer reads the options from the signature.
    run.__signature__ = own.replace(  # type: ignore[attr-defined]
        parameters=[*own.parameters.values(), *options]
    )
    return run
