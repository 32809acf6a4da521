"""glassbotan convert: a configuration or a prediction from one file format to another."""

from pathlib import Path
from typing import Annotated

import typer

from glassbotan import io
from glassbotan.cli.options import Frame, SpeciesNames, parse_box, parse_species
from glassbotan.dynamics import Motion
from glassbotan.errors import InputError
from glassbotan.provenance import provenance
from glassbotan.structure import Snapshot
from glassbotan.structure.snapshot import species_name


def _complete_format(incomplete: str) -> list[str]:
    return [name for name in io.FORMATS if name.startswith(incomplete)]


EXAMPLE = "glassbotan convert data/published/isoconfig_N4096T0.44_401_tc07.npz glass.extxyz"


def convert(
    source: Annotated[Path, typer.Argument(help="File to read.", show_default=False)],
    target: Annotated[
        Path,
        typer.Argument(
            help="File to write; its suffix tells the format.",
            show_default=False,
        ),
    ],
    *,
    box: Annotated[
        str | None,
        typer.Option(
            metavar="LENGTHS",
            help="Edges, 15.05658 or 10,10,12.",
            show_default="the file's",
        ),
    ] = None,
    species: SpeciesNames = None,
    frame: Frame = -1,
    from_format: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FORMAT",
            help="Format of SOURCE.",
            show_default="found out",
            autocompletion=_complete_format,
        ),
    ] = None,
    to_format: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="FORMAT",
            help="Format of TARGET.",
            show_default="by its suffix",
            autocompletion=_complete_format,
        ),
    ] = None,
) -> None:
    """Convert a configuration or a prediction to another file format.

    A prediction (.npz) keeps its propensity in .xyz, .dump, .gsd and .csv.
    """
    name = from_format or io.detect_format(source)
    item: Snapshot | Motion
    if _as_motion(name, target, to_format):
        if species is not None or frame != -1:
            raise InputError(f"{source}: --species and --frame do not apply to a prediction")
        item = io.read_motion(source, format=name, box=parse_box(box))
        origin = io.read_provenance(source)
    else:
        item = io.read(
            source,
            format=name,
            box=parse_box(box),
            species=parse_species(species),
            frame=frame,
        )
        origin = {}
    io.write(target, item, format=to_format, provenance=origin or provenance([source]))
    typer.echo(f"{_summary(item)} -> {target}")


def _as_motion(source_format: str, target: Path, target_format: str | None) -> bool:
    """Tell whether propensity is to be carried along: always if the target can hold nothing else.

    GlassBench's files are snapshots first: their times may not be known.
    """
    if source_format not in io.FORMATS or io.FORMATS[source_format].read_motion is None:
        return False
    if not io.writable(target, Motion, format=target_format):
        return False
    return source_format == "motion_npz" or not io.writable(target, Snapshot, format=target_format)


def _summary(item: Snapshot | Motion) -> str:
    snapshot = item.snapshot if isinstance(item, Motion) else item
    counts = ", ".join(
        f"{round(fraction * snapshot.n_particles)} {species_name(species)}"
        for species, fraction in snapshot.composition.items()
    )
    edges = " x ".join(f"{edge:g}" for edge in snapshot.box)
    times = f", {len(item.times)} times" if isinstance(item, Motion) else ""
    return f"{snapshot.n_particles} particles ({counts}), box {edges}{times}"
