"""glassbotan convert: configurations, predictions and trajectories between file formats."""

from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from glassbotan import io
from glassbotan.cli.options import Edges, Frame, SpeciesNames, parse_box, parse_numbers
from glassbotan.dynamics import Motion
from glassbotan.errors import InputError
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
            show_default=False,
        ),
    ],
    target: Annotated[
        Path,
        typer.Argument(
            help="File to write; its suffix tells the format. A folder for what fills several.",
            show_default=False,
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
    moving = _Moving(from_format, box, parse_numbers(times, "--times"))
    if _is_store(target, to_format):
        _refuse_choice("trajectories", sources[0], species, frame)
        _into_store(sources, target, moving)
    elif len(sources) > 1:
        raise InputError(
            f"{target}: several sources go into one store, NAME.zarr; convert others one by one"
        )
    elif to_format is not None and _holds_trajectories(sources[0], to_format, moving):
        _refuse_choice("trajectories", sources[0], species, frame)
        _out_of_store(sources[0], target, to_format, moving)
    else:
        _file(Path(sources[0]), target, to_format, moving, species, frame)


class _Moving(NamedTuple):
    """What the options tell of sources that hold trajectories or propensities."""

    format: str | None
    box: list[float] | None
    times: list[float] | None


def _refuse_choice(what: str, source: object, species: dict[str, int] | None, frame: int) -> None:
    if species is not None or frame != -1:
        raise InputError(f"{source}: --species and --frame do not apply to {what}")


def _is_store(target: Path, to_format: str | None) -> bool:
    return to_format == "ensemble_store" or (to_format is None and target.suffix == ".zarr")


def _into_store(sources: list[str], target: Path, moving: _Moving) -> None:
    from glassbotan.datasets.public import resolve_all
    from glassbotan.io.ensemble_writer import check_free
    from glassbotan.io.store_import import Reading, import_store

    check_free(target)
    paths = resolve_all(sources)
    with shown() as progress:
        number = import_store(target, paths, reading=Reading(*moving), progress=progress)
    typer.echo(f"{_counted(number, 'snapshot')} -> {target}")


def _holds_trajectories(source: str, to_format: str, moving: _Moving) -> bool:
    """Tell whether a source is a store, or holds trajectories that the format is made of."""
    from glassbotan.io.ensemble_store import is_store, is_stored_snapshot
    from glassbotan.io.store_export import EXPORTS
    from glassbotan.io.store_import import Reading, holds_trajectories

    path = Path(source)
    if to_format not in EXPORTS:
        return False
    if is_store(path) or is_stored_snapshot(path):
        return True
    return holds_trajectories(path, Reading(*moving))


def _out_of_store(source: str, target: Path, to_format: str, moving: _Moving) -> None:
    from glassbotan.datasets.public import resolve
    from glassbotan.io.store_export import export
    from glassbotan.io.store_import import Reading

    with shown() as progress:
        files = export(
            resolve(source), target, to_format, reading=Reading(*moving), progress=progress
        )
    typer.echo(f"{_counted(len(files), 'file')} -> {target}")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _file(
    source: Path,
    target: Path,
    to_format: str | None,
    moving: _Moving,
    species: dict[str, int] | None,
    frame: int,
) -> None:
    """Convert a file that holds one configuration or prediction."""
    name = moving.format or io.detect_format(source)
    item: Snapshot | Motion
    if _as_motion(name, target, to_format):
        _refuse_choice("a prediction", source, species, frame)
        item = io.read_motion(source, format=name, box=moving.box, times=moving.times)
        origin = io.read_provenance(source)
    else:
        if moving.times is not None:
            raise InputError(f"{source}: --times does not apply, a configuration has none")
        item = io.read(
            source,
            format=name,
            box=moving.box,
            species=species,
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
