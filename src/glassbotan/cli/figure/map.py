"""glassbotan figure map: a slice coloured by how far particles move, simulated and predicted."""

from pathlib import Path
from typing import Annotated

import typer

from glassbotan.cli.drawing import compared, keep
from glassbotan.cli.options import (
    Box,
    ComparedModels,
    DataFiles,
    Frame,
    Picture,
    QuantityName,
    SliceAxis,
    SlicePosition,
    SliceThickness,
    SpeciesNames,
    parse_numbers,
    parse_slice,
)
from glassbotan.dynamics.quantities import PROPENSITY

EXAMPLE = (
    "glassbotan figure map data/published/isoconfig_N4096T0.44_401_tc07.npz "
    "-m node-only -m botan -o map.png"
)


def map_(
    data: DataFiles,
    *,
    model: ComparedModels = None,
    quantity: QuantityName = PROPENSITY.name,
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
    """Draw slices of one glass, simulated and predicted, coloured by a quantity."""
    rows, view = parse_numbers(times, "--times"), parse_slice(axis, position, thickness)

    from glassbotan.figures.map import map_figure

    comparison, models = compared(data, model, box=box, species=species, frame=frame)
    figure = map_figure(comparison, quantity=quantity, times=rows, view=view)
    keep(figure, output, "map", data, model=models)
