"""Texts of the command line as values."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glassbotan.cli.console import check_folder, check_page
from glassbotan.dynamics.quantities import QUANTITIES, quantity
from glassbotan.errors import InputError
from glassbotan.io.species import parse_species
from glassbotan.models import DEFAULT_MODEL

if TYPE_CHECKING:
    from glassbotan.figures.slices import Slice


class Edges(list[float]):
    """Edge lengths of a box; Typer takes a plain list for an option that may be repeated."""


def parse_box(text: str) -> Edges:
    """Return the edge lengths of "LX,LY,LZ" or of one number.

    Raises
    ------
    InputError
        The text is not one to three positive numbers.

    """
    edges = Edges(_positive(text))
    if not 1 <= len(edges) <= 3:
        raise InputError(
            f"--box {text!r}: expected one positive edge length, or as many as dimensions, "
            'such as "15.05658" or "12,12,20"'
        )
    return edges


def parse_numbers(text: str | None, option: str) -> list[float] | None:
    """Return the positive numbers of "0.13,4120"; None for None.

    Raises
    ------
    InputError
        One is not a positive number; names the option.

    """
    if text is None:
        return None
    numbers = _positive(text)
    if not numbers:
        raise InputError(
            f'{option} {text!r}: expected positive numbers with commas, such as "0.13,4120"'
        )
    return numbers


def _positive(text: str) -> list[float]:
    """Return positive numbers with commas between them; none where something else stands."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        return []
    return numbers if all(0 < number < math.inf for number in numbers) else []


def checked_by(check: Callable[[Path], None]) -> Callable[[typer.Context, Path | None], Any]:
    """Return the callback of an option that refuses a file before anything is computed for it."""

    def callback(context: typer.Context, target: Path | None) -> Path | None:
        # Not while a shell completes the words.
        if target is not None and not context.resilient_parsing:
            check(target)
        return target

    return callback


def output_option(
    metavar: str, text: str, check: Callable[[Path], None] | None = None, **more: Any
) -> Any:
    """Return the option --output for a file that ``check`` refuses before anything is computed."""
    callback = None if check is None else checked_by(check)
    return typer.Option("--output", "-o", metavar=metavar, help=text, callback=callback, **more)


def model_option(text: str) -> Any:
    """Return the option --model, which takes a bundled name, a file or a folder."""
    return typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help=f"Bundled name, file or folder{text}",
        autocompletion=complete_model,
    )


def check_picture(target: Path) -> None:
    """Refuse a picture's name of another suffix than .png, .pdf, .svg, or without a folder."""
    from glassbotan.figures.style import check_suffix

    check_suffix(target)
    check_folder(target)


def complete_model(incomplete: str) -> list[str]:
    """Return the bundled models whose names begin so, for a shell that completes --model."""
    from importlib.resources import files

    # By their folders: the registry would load PyTorch while somebody waits at the prompt.
    bundled = (entry.name for entry in (files("glassbotan") / "models" / "bundled").iterdir())
    return sorted(name for name in bundled if name.startswith(incomplete))


def known_quantity(name: str) -> str:
    """Return the name of a quantity; InputError names those that there are."""
    return quantity(name).name


QuantityName = Annotated[
    str,
    typer.Option(
        "--quantity",
        parser=known_quantity,
        metavar="NAME",
        help=f"What is shown of particles or bonds: {', '.join(QUANTITIES)}.",
    ),
]
DataFiles = Annotated[
    list[Path],
    typer.Argument(
        metavar="DATA...",
        help="File with measured motion, a snapshot, or a stored prediction; several where they "
        "hold motion of one snapshot at different times.",
    ),
]
TrajectoryFile = Annotated[
    Path, typer.Argument(metavar="DATA", help="File with trajectories from one snapshot.")
]
OneModel = Annotated[str, model_option(".")]
Models = Annotated[list[str] | None, model_option("; may be repeated.")]
ComparedModels = Annotated[
    list[str] | None,
    model_option(
        "; may be repeated; none for no prediction. "
        f"Default: {DEFAULT_MODEL}; none for a stored prediction."
    ),
]
JsonFile = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="FILE",
        help='All values as JSON; "-" for standard output.',
        callback=checked_by(check_folder),
    ),
]
Box = Annotated[
    Edges | None,
    typer.Option(
        "--box",
        parser=parse_box,
        metavar="LENGTHS",
        help="Edges, for files without: 15.05658 or 10,10,12.",
    ),
]
SpeciesNames = Annotated[
    dict[str, int] | None,
    typer.Option(
        "--species",
        parser=parse_species,
        metavar="NAMES",
        help="Species of the file's names, such as Ni:0,P:1.",
    ),
]
Frame = Annotated[
    int,
    typer.Option(
        "--frame", metavar="N", help="Frame of a file with several; negative from the end."
    ),
]
PICTURE = output_option("FILE", "Picture: .png, .pdf or .svg.", check_picture)
Picture = Annotated[Path, PICTURE]
Page = Annotated[Path, output_option("FILE", "Page: .html.", check_page)]
SliceAxis = Annotated[str, typer.Option("--axis", metavar="x|y|z", help="Normal of the slice.")]
SlicePosition = Annotated[
    float | None,
    typer.Option(
        "--position",
        metavar="NUMBER",
        help="Middle of the slice along the axis; default: of the box.",
    ),
]
SliceThickness = Annotated[
    float, typer.Option("--thickness", metavar="NUMBER", help="Of the slice, length units.")
]


def parse_slice(axis: str, position: float | None, thickness: float) -> "Slice":
    """Return the slice that --axis, --position and --thickness name.

    Raises
    ------
    InputError
        No such axis, or a number that cannot be.

    """
    from glassbotan.figures.slices import AXES, Slice

    if axis not in list(AXES):
        raise InputError(f"--axis {axis!r}: expected x, y or z")
    if position is not None and not math.isfinite(position):
        raise InputError(f"--position {position}: expected a finite length")
    if not 0 < thickness < float("inf"):
        raise InputError(f"--thickness {thickness}: expected a positive length")
    return Slice(AXES.index(axis), position, thickness)
