"""What the commands that draw have in common: what is compared, and how a picture is kept."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from glassbotan.cli.console import plain_warnings
from glassbotan.errors import InputError
from glassbotan.io.options import BoxOption
from glassbotan.models import DEFAULT_MODEL
from glassbotan.progress_bar import shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from glassbotan.evaluation.comparison import Comparison


def compared(
    data: Sequence[Path],
    models: list[str] | None,
    *,
    box: BoxOption = None,
    species: Mapping[str, int] | None = None,
    frame: int = -1,
) -> "tuple[Comparison, list[str]]":
    """Return a snapshot's motions and the models that predicted it: those that --model names.

    Without any it is the default model, and none for a stored prediction.

    Raises
    ------
    InputError
        "none" stands beside a model, or as of ``compare``.

    """
    from glassbotan import io
    from glassbotan.evaluation.comparison import compare

    if not models:
        stored = io.read_provenance(data[0]).get("model") is not None
        models = [] if stored else [DEFAULT_MODEL]
    elif "none" in models:
        if len(models) > 1:
            raise InputError("--model none: means no prediction; leave it out, or the other models")
        models = []
    with plain_warnings(), shown() as progress:
        comparison = compare(data, models, box=box, species=species, frame=frame, progress=progress)
    return comparison, models


def keep(figure: "Figure", output: Path, name: str, inputs: Sequence[Path], **made: object) -> None:
    """Write a picture with its origin, files and what else made it, and say where it is."""
    from glassbotan.figures.style import save_figure
    from glassbotan.provenance import provenance

    save_figure(output, figure, provenance=provenance(inputs, seed=None, **made))
    typer.echo(f"{name}: {output}")
