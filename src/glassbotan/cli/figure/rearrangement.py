"""glassbotan figure rearrangement: a slice before, its displacements, and after."""

from pathlib import Path
from typing import Annotated

import typer

from glassbotan.cli.drawing import keep
from glassbotan.cli.options import (
    Box,
    Picture,
    SliceAxis,
    SliceThickness,
    TrajectoryFile,
    parse_slice,
)

EXAMPLE = (
    "glassbotan figure rearrangement data/published/isoconfig_N4096T0.44_401_tc07.npz "
    "--trajectory 5 -o rearrangement.png"
)


def rearrangement(
    data: TrajectoryFile,
    *,
    trajectory: Annotated[
        int | None,
        typer.Option(metavar="N", help="Which one, counted from 0; default: the mean over all."),
    ] = None,
    time: Annotated[
        float | None,
        typer.Option(metavar="NUMBER", help="Lennard-Jones units; default: the longest."),
    ] = None,
    fraction: Annotated[
        float,
        typer.Option(
            metavar="NUMBER",
            help="The most mobile region is the largest cluster of this fastest part.",
        ),
    ] = 0.05,
    axis: SliceAxis = "z",
    position: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="Middle of the slice along the axis; default: through the most mobile region.",
        ),
    ] = None,
    thickness: SliceThickness = 1.0,
    output: Picture = Path("rearrangement.png"),
    box: Box = None,
) -> None:
    """Draw a slice before, its particles' displacements, and the same particles after."""
    view = parse_slice(axis, position, thickness)

    from glassbotan import io
    from glassbotan.figures.rearrangement import rearrangement_figure

    figure = rearrangement_figure(
        io.read_ensemble(data, box=box),
        time=time,
        trajectory=trajectory,
        fraction=fraction,
        view=view,
    )
    keep(figure, output, "rearrangement", [data])
