"""glassbotan figure bonds: bond extensions, true and predicted."""

from pathlib import Path
from typing import Annotated

import typer

from glassbotan.cli.drawing import compared, keep
from glassbotan.cli.options import (
    Box,
    OneModel,
    Picture,
    SliceAxis,
    SlicePosition,
    SliceThickness,
    TrajectoryFile,
    parse_slice,
)
from glassbotan.models import DEFAULT_MODEL

EXAMPLE = (
    "glassbotan figure bonds data/published/isoconfig_N4096T0.44_401_tc07.npz "
    "--model botan -o bonds.png"
)


def bonds(
    data: TrajectoryFile,
    *,
    model: OneModel = DEFAULT_MODEL,
    time: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER", help="Lennard-Jones units; default: the longest of data and model."
        ),
    ] = None,
    axis: SliceAxis = "z",
    position: SlicePosition = None,
    thickness: SliceThickness = 1.0,
    output: Picture = Path("bonds.png"),
    box: Box = None,
) -> None:
    """Draw bond extensions in a slice, true and predicted, and the scatter of both."""
    view = parse_slice(axis, position, thickness)

    from glassbotan.figures.bonds import bonds_figure

    comparison, _ = compared([data], [model], box=box)
    keep(bonds_figure(comparison, time=time, view=view), output, "bonds", [data], model=model)
