"""The command line: one file a command, no physics and no learning."""

import logging
import os
import sys
from contextlib import suppress
from io import TextIOWrapper

import typer
from rich.console import Console

from glassbotan.cli.convert import convert
from glassbotan.cli.evaluate import evaluate
from glassbotan.cli.fetch import fetch
from glassbotan.cli.models import models
from glassbotan.cli.predict import predict
from glassbotan.cli.train import train
from glassbotan.errors import GlassbotanError

app = typer.Typer(
    name="glassbotan",
    help="Predict how a glass will move from one snapshot of its structure.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (predict, evaluate, train, convert, models, fetch):
    app.command()(command)


@app.callback()
def options(
    *,
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Say only results and errors."),
) -> None:
    """Predict how a glass will move from one snapshot of its structure."""
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("glassbotan").setLevel(logging.WARNING if quiet else logging.INFO)


def main() -> None:
    """Run the command line; exit status 2 for bad input, 1 for a failed run, 130 for Ctrl-C."""
    try:
        _run()
    except GlassbotanError as error:
        _say(str(error))
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        _say("interrupted")
        sys.exit(130)
    except BrokenPipeError:
        _discard_output()  # its reader has gone (`| head`)
        sys.exit(1)
    except MemoryError:
        _say("not enough memory for this job")
        sys.exit(1)
    except OSError as error:
        _say(f"{error.filename or 'input or output'}: {error.strerror or error}")
        if error.filename is None:
            _discard_output()
        sys.exit(1)


def _run() -> None:
    if isinstance(sys.stdout, TextIOWrapper):
        # File names may hold what the terminal's encoding cannot show.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app()
    finally:
        sys.stdout.flush()  # here, where a full disk can still be told


def _discard_output() -> None:
    """Keep Python from failing once more at exit, when it flushes standard output."""
    with suppress(OSError):  # a standard output that is no file has no number
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(message: str) -> None:
    line = " ".join(part.strip() for part in message.splitlines())
    Console(stderr=True, soft_wrap=True, highlight=False).print(
        f"glassbotan: error: {line}", markup=False
    )
