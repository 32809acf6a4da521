"""glassbotan view: a glass to turn, slice and colour in a browser."""

from pathlib import Path
from typing import Annotated

import typer

from glassbotan.cli.drawing import compared
from glassbotan.cli.options import (
    Box,
    ComparedModels,
    DataFiles,
    Frame,
    Page,
    QuantityName,
    SpeciesNames,
)
from glassbotan.dynamics.quantities import PROPENSITY

EXAMPLE = (
    "glassbotan view data/published/isoconfig_N4096T0.44_401_tc07.npz "
    "-m botan -m node-only --descriptors -o view.html"
)


def view(
    data: DataFiles,
    *,
    model: ComparedModels = None,
    quantity: QuantityName = PROPENSITY.name,
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
    from glassbotan import io
    from glassbotan.figures.viewer import view_page
    from glassbotan.provenance import provenance

    comparison, models = compared(data, model, box=box, species=species, frame=frame)
    page = view_page(
        comparison,
        quantity=quantity,
        descriptors=descriptors,
        provenance=provenance(data, model=models),
        title=title,
    )
    with io.atomic_output(output) as temporary:
        temporary.write_text(page, encoding="utf-8")
    typer.echo(f"view: {output}")
