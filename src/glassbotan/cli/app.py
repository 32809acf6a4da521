"""The commands, and what they have in common: help, examples, usage errors, volume."""

import re
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from glassbotan.cli.help import epilog
from glassbotan.cli.loading import group
from glassbotan.cli.volume import Quiet, Verbose, set_volume, start_log
from glassbotan.errors import InputError

COMMANDS = (
    "predict",
    "evaluate",
    "view",
    "dynamics",
    "report",
    "train",
    "convert",
    "models",
    "fetch",
)
"""Each a file of this folder with a function of that name and an EXAMPLE; in --help's order."""
FIGURES = ("rearrangement", "map", "curve", "bonds")
"""The same in the folder figure."""
SIMULATIONS = ("ensemble", "campaign", "equilibrate")
"""The same in the folder simulate."""

EXAMPLE = "glassbotan predict snapshot.extxyz --output prediction.npz --map map.png"
SIMULATE_EXAMPLE = "glassbotan simulate campaign configs/campaign-quick.yaml --workers 2"
FIGURE_EXAMPLE = "glassbotan figure map data/published/isoconfig_N4096T0.44_401_tc07.npz"

app = typer.Typer(
    name="glassbotan",
    cls=group("glassbotan.cli", COMMANDS),
    no_args_is_help=True,
    # Plain help is the same text on a terminal, in a pipe and without colour.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def run() -> None:
    """Run the command line.

    Raises
    ------
    InputError
        Wrong usage, or input that the command refuses.
    KeyboardInterrupt
        Ctrl-C.

    """
    if isinstance(sys.stdout, TextIOWrapper):
        # File names may hold what the terminal's encoding cannot show.
        sys.stdout.reconfigure(errors="backslashreplace")
    start_log()
    try:
        status = app(prog_name="glassbotan", standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except typer.TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(error.format_message(), err=True)
            sys.exit(2)
        raise _wrong_usage(error) from None
    finally:
        sys.stdout.flush()  # here, where a full disk can still be told
    if status == 130:  # what Typer makes of Ctrl-C
        raise KeyboardInterrupt
    if status:
        sys.exit(status)


def _wrong_usage(error: typer.TyperException) -> InputError:
    """Return what Typer refuses in the manner of this project: one line, with the way to help."""
    # Arguments in capitals, as --help has them.
    message = re.sub(
        r"argument '([^']+)'",
        lambda found: f"argument {found[1].upper()}",
        error.format_message().rstrip("."),
    )
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "glassbotan"
    return InputError(f"{message[0].lower()}{message[1:]} (see {path} --help)")


def _version(show: bool) -> None:  # noqa: FBT001 - Typer's way to call back
    if show:
        from glassbotan.provenance import package_version

        typer.echo(f"glassbotan {package_version()}")
        raise typer.Exit


@app.callback(epilog=epilog(EXAMPLE))
def options(
    *,
    quiet: Quiet = False,
    verbose: Verbose = False,
    version: Annotated[  # noqa: ARG001 - acts by its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Predict how a glass will move from one snapshot of its structure."""
    set_volume(quiet=quiet, verbose=verbose)


def _add_group(name: str, commands: tuple[str, ...], text: str, example: str) -> None:
    """Add the commands of a folder as one command with commands of its own."""

    def volume(*, quiet: Quiet = False, verbose: Verbose = False) -> None:
        set_volume(quiet=quiet, verbose=verbose)

    app.add_typer(
        typer.Typer(callback=volume, no_args_is_help=True),
        name=name,
        help=text,
        cls=group(f"glassbotan.cli.{name}", commands),
        epilog=epilog(example),
    )


_add_group(
    "figure",
    FIGURES,
    "Draw the pictures of the 2023 announcement as PNG, PDF or SVG.",
    FIGURE_EXAMPLE,
)
_add_group(
    "simulate",
    SIMULATIONS,
    "Make isoconfigurational ensembles: one snapshot, many trajectories.",
    SIMULATE_EXAMPLE,
)
