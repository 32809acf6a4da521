"""glassbotan convert: configurations, predictions and trajectories between file formats."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from glassbotan import io
from glassbotan.cli.options import Edges, Frame, SpeciesNames, parse_box, parse_numbers
from glassbotan.dynamics import Motion
from glassbotan.errors import InputError
from glassbotan.io.ensemble_store import is_store, is_stored_snapshot
from glassbotan.io.ensemble_writer import check_free
from glassbotan.io.formats import read_item
from glassbotan.io.options import ReadOptions
from glassbotan.io.store_export import EXPORTS, export
from glassbotan.io.store_import import holds_trajectories, import_store
from glassbotan.progress_bar import shown
from glassbotan.provenance import provenance
from glassbotan.structure import Snapshot
from glassbotan.structure.snapshot import species_name


def _complete_format(incomplete: str) -> list[str]:
    return [name for name in io.FORMATS if name.startswith(incomplete)]


EXAMPLE = "glassbotan convert data/published/isoconfig_N4096T0.44_401_tc07.npz glass.extxyz"


def convert(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="File to read; several, folders and parts of data sets go into one store.",
        ),
    ],
    target: Annotated[
        Path,
        typer.Argument(
            help="File to write; its suffix tells the format. A folder for what fills several."
        ),
    ],
    *,
    box: Annotated[
        Edges | None,
        typer.Option(
            parser=parse_box,
            metavar="LENGTHS",
            help="Edges, 15.05658 or 10,10,12.",
            show_default="the file's",
        ),
    ] = None,
    times: Annotated[
        str | None,
        typer.Option(
            metavar="TIMES",
            help="Of trajectories or propensities, with commas.",
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
    """Convert a configuration, a prediction or trajectories to another file format.

    A prediction (.npz) keeps its propensity in .xyz, .dump, .gsd and .csv. Trajectories go into a
    store (.zarr), and out of it with --to botan_npz or --to glassbench_npz.
    """
    numbers = parse_numbers(times, "--times")
    chosen = None if numbers is None else np.array(numbers)
    source, reading = sources[0], ReadOptions(box, species, frame, chosen, from_format)
    if to_format == "ensemble_store" or (to_format is None and target.suffix == ".zarr"):
        _refuse_choice("trajectories", source, reading)
        _into_store(sources, target, reading)
    elif len(sources) > 1:
        raise InputError(
            f"{target}: several sources go into one store, NAME.zarr; convert others one by one"
        )
    elif to_format in EXPORTS and _holds_trajectories(Path(source), reading):
        _refuse_choice("trajectories", source, reading)
        _out_of_store(source, target, to_format, reading)
    else:
        _file(Path(source), target, to_format, reading)


def _refuse_choice(what: str, source: object, reading: ReadOptions) -> None:
    if reading.species is not None or reading.frame != -1:
        raise InputError(f"{source}: --species and --frame do not apply to {what}")


def _into_store(sources: list[str], target: Path, reading: ReadOptions) -> None:
    from glassbotan.datasets.public import resolve_all

    check_free(target)
    paths = resolve_all(sources)
    with shown() as progress:
        number = import_store(target, paths, reading=reading, progress=progress)
    typer.echo(f"{number} snapshot{'s' * (number != 1)} -> {target}")


def _holds_trajectories(path: Path, reading: ReadOptions) -> bool:
    """Tell whether a source is a store, or holds trajectories."""
    return is_store(path) or is_stored_snapshot(path) or holds_trajectories(path, reading)


def _out_of_store(source: str, target: Path, to_format: str, reading: ReadOptions) -> None:
    from glassbotan.datasets.public import resolve

    with shown() as progress:
        files = export(resolve(source), target, to_format, reading=reading, progress=progress)
    typer.echo(f"{len(files)} file{'s' * (len(files) != 1)} -> {target}")


def _file(source: Path, target: Path, to_format: str | None, reading: ReadOptions) -> None:
    """Convert a file that holds one configuration or prediction."""
    reading = replace(reading, format=reading.format or io.detect_format(source))
    item: Snapshot | Motion
    origin: dict[str, object] = {}
    if _as_motion(source, reading.format, target, to_format):
        _refuse_choice("a prediction", source, reading)
        item = read_item(source, Motion, reading)
        origin = io.read_provenance(source)
    elif reading.times is not None:
        raise InputError(f"{source}: --times does not apply, a configuration has none")
    else:
        item = read_item(source, Snapshot, reading)
    io.write(target, item, format=to_format, provenance=origin or provenance([source]))
    typer.echo(f"{_summary(item)} -> {target}")


def _as_motion(
    source: Path, source_format: str | None, target: Path, target_format: str | None
) -> bool:
    """Tell whether propensity is to be carried along: always if the target can hold nothing else.

    GlassBench's files are snapshots first: their times may not be known.
    """
    if not io.holds(source, Motion, format=source_format):
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
