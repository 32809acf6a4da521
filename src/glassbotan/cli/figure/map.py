"""glassbotan figure map: a slice coloured by how far particles move, simulated and predicted."""

from pathlib import Path
from typing import Annotated

import typer

from glassbotan.cli.console import plain_warnings
from glassbotan.cli.options import (
    Box,
    ComparedModels,
    DataFiles,
    Frame,
    Picture,
    SliceAxis,
    SlicePosition,
    SliceThickness,
    SpeciesNames,
    compared_models,
    parse_numbers,
    parse_slice,
)
from glassbotan.progress_bar import shown

EXAMPLE = (
    "glassbotan figure map data/published/isoconfig_N4096T0.44_401_tc07.npz "
    "-m node-only -m botan -o map.png"
)


def map_(
    data: DataFiles,
    *,
    model: ComparedModels = None,
    times: Annotated[
        str | None,
        typer.Option(metavar="TIMES", help="One row each, such as 130,4120; default: all."),
    ] = None,
    axis: SliceAxis = "z",
    position: SlicePosition = None,
    thickness: SliceThickness = 1.0,
    box: Box = None,
    species: SpeciesNames = None,
    frame: Frame = -1,
    output: Picture = Path("map.png"),
) -> None:
    """Draw slices of one glass, simulated and predicted, coloured by propensity."""
    rows, view = parse_numbers(times, "--times"), parse_slice(axis, position, thickness)

    from glassbotan.evaluation.comparison import compare
    from glassbotan.figures.map import map_figure
    from glassbotan.figures.style import save_figure
    from glassbotan.provenance import provenance

    models = compared_models(model, data)
    with plain_warnings(), shown() as progress:
        comparison = compare(data, models, box=box, species=species, frame=frame, progress=progress)
    figure = map_figure(comparison, times=rows, view=view)
    save_figure(output, figure, provenance=provenance(data, model=models))
    typer.echo(f"map: {output}")
