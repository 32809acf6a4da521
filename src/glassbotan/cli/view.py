"""glassbotan view: a glass to turn, slice and colour in a browser."""

from pathlib import Path
from typing import Annotated

import typer

from glassbotan.cli.console import plain_warnings
from glassbotan.cli.options import (
    Box,
    DataFiles,
    Frame,
    Page,
    SpeciesNames,
    complete_model,
)
from glassbotan.errors import InputError
from glassbotan.models import DEFAULT_MODEL
from glassbotan.progress_bar import shown

EXAMPLE = (
    "glassbotan view data/published/isoconfig_N4096T0.44_401_tc07.npz "
    "-m botan -m node-only --descriptors -o view.html"
)
NONE = "none"


def view(
    data: DataFiles,
    *,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            help="Bundled name, file or folder; may be repeated; none for no prediction. "
            "Default: botan; none for a stored prediction.",
            autocompletion=complete_model,
        ),
    ] = None,
    descriptors: Annotated[
        bool,
        typer.Option(
            "--descriptors",
            help="Colours by energy, neighbours, local density and bond order too.",
        ),
    ] = False,
    title: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Heading of the page; default: the file's name."),
    ] = None,
    box: Box = None,
    species: SpeciesNames = None,
    frame: Frame = -1,
    output: Page = Path("view.html"),
) -> None:
    """Write one HTML file in which a glass is turned, sliced and coloured."""
    named = _models(model)

    from glassbotan import io
    from glassbotan.evaluation.comparison import compare
    from glassbotan.figures.viewer import view_page
    from glassbotan.provenance import provenance

    if named is None:
        stored = io.read_provenance(data[0]).get("model") is not None
        named = [] if stored else [DEFAULT_MODEL]
    with plain_warnings(), shown() as progress:
        comparison = compare(data, named, box=box, species=species, frame=frame, progress=progress)
    page = view_page(
        comparison,
        descriptors=descriptors,
        provenance=provenance(data, model=named),
        title=title,
    )
    with io.atomic_output(output) as temporary:
        temporary.write_text(page, encoding="utf-8")
    typer.echo(f"view: {output}")


def _models(given: list[str] | None) -> list[str] | None:
    """Return the models asked for; None where nothing was said of them.

    Raises
    ------
    InputError
        "none" stands beside a model.

    """
    if not given or NONE not in given:
        return given or None
    if len(given) > 1:
        raise InputError("--model none: means no prediction; leave it out, or the other models")
    return []
