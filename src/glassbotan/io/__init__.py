"""Files in and out: one pair of doors, one module a format."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from glassbotan.dynamics import IsoconfigurationalEnsemble, Motion
from glassbotan.errors import InputError
from glassbotan.io import ensemble_store as _ensemble_store
from glassbotan.io import formats as _formats
from glassbotan.io import motion_npz as _motion_npz
from glassbotan.io.atomic import atomic_output
from glassbotan.io.formats import FORMATS, Format
from glassbotan.io.options import BoxOption, ReadOptions
from glassbotan.io.species import parse_species
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray

__all__ = [
    "FORMATS",
    "MOTION_FORMATS",
    "Format",
    "atomic_output",
    "detect_format",
    "holds_trajectories",
    "read",
    "read_ensemble",
    "read_motion",
    "read_provenance",
    "writable",
    "write",
]

LOGGER = logging.getLogger("glassbotan")

MOTION_FORMATS = frozenset(_formats.that_can("read_motion"))
"""The formats that tell how every particle moves, as read_motion reads it."""

AnyPath = str | os.PathLike[str]
Times = float | Sequence[float] | FloatArray | None
Item = Snapshot | Motion | IsoconfigurationalEnsemble

_WRITTEN: dict[type[Item], tuple[str, str]] = {
    Snapshot: ("write_snapshot", "a snapshot is"),
    Motion: ("write_motion", "a motion is"),
    IsoconfigurationalEnsemble: ("write_ensemble", "trajectories are"),
}
"""What can be written: by which of Format's functions, and its name in a message."""


def read(
    path: AnyPath,
    *,
    format: str | None = None,  # noqa: A002 - the word that users know
    box: BoxOption = None,
    species: Mapping[str, int] | str | None = None,
    frame: int = -1,
) -> Snapshot:
    """Read one configuration from a file of any known format.

    Parameters
    ----------
    path
        The file.
    format
        Its format, a name of ``FORMATS``; found out by default.
    box
        Edge lengths, or one for all, in length units; the file's own by default.
    species
        Species (0 = A, 1 = B, ...) by the symbol or type in the file: {"Ni": 0, "P": 1} or
        "Ni:0,P:1". By default letters are species, and LAMMPS's types 1, 2, ... are A, B, ...
    frame
        Which one of a trajectory, from 0, or from the end if negative; the last by default.

    Raises
    ------
    InputError
        The file is missing, damaged or not a periodic orthorhombic configuration.

    """
    source, name, entry = _entry(path, format)
    if entry.read is None:
        raise InputError(f"{source}: format {name} is written only, not read")
    return entry.read(source, ReadOptions(box=box, species=_mapping(species), frame=frame))


def read_ensemble(
    path: AnyPath,
    *,
    format: str | None = None,  # noqa: A002 - the word that users know
    box: BoxOption = None,
    times: Times = None,
) -> IsoconfigurationalEnsemble:
    """Read a snapshot with the trajectories that leave it.

    ``times`` (shape [T], Lennard-Jones units) override those of the file or its name.

    Raises
    ------
    InputError
        The format holds no trajectories, the file is damaged, or its times are not known.

    """
    source, name, entry = _entry(path, format)
    if entry.read_ensemble is None:
        holding = " and ".join(_formats.that_can("read_ensemble"))
        raise InputError(f"{source}: format {name} holds no trajectories; {holding} do")
    return entry.read_ensemble(source, ReadOptions(box=box), _times(times, source))


def read_motion(
    path: AnyPath,
    *,
    format: str | None = None,  # noqa: A002 - the word that users know
    box: BoxOption = None,
    times: Times = None,
) -> Motion:
    """Read how every particle moves: a prediction of this project, or GlassBench's measurement.

    ``times`` (shape [T], Lennard-Jones units) override those of the file or its name.

    Raises
    ------
    InputError
        The format holds no motion, or the file is damaged.

    """
    source, name, entry = _entry(path, format)
    if entry.read_motion is None:
        holding = " and ".join(_formats.that_can("read_motion"))
        raise InputError(f"{source}: format {name} holds no propensity; {holding} do")
    return entry.read_motion(source, ReadOptions(box=box), _times(times, source))


def read_provenance(path: AnyPath) -> dict[str, object]:
    """Return what a prediction tells of its origin; empty for every other format."""
    source, name, _ = _entry(path, None)
    return _motion_npz.read_provenance(source) if name == "motion_npz" else {}


def write(
    path: AnyPath,
    item: Item,
    *,
    format: str | None = None,  # noqa: A002 - the word that users know
    provenance: Mapping[str, object] | None = None,
) -> None:
    """Write a snapshot, a motion or trajectories; a file is replaced whole, or not at all.

    Parameters
    ----------
    path
        The file; its suffix tells the format.
    item
        Fields of a snapshot go along where the format has a place for them. A motion goes whole
        to .npz, and as columns of propensity and its error to .xyz, .dump, .gsd and .csv.
        Trajectories go to .npz as the published code reads them (one time a file), and to .zarr, a
        new store.
    format
        A name of ``FORMATS``, where the suffix tells too little.
    provenance
        Where the item came from, kept in the file where it has a place for remarks.

    Raises
    ------
    InputError
        The format cannot hold the item, or the file cannot be written there.
    RunError
        The disk is full.

    """
    target = Path(path)
    ability = _ability(type(item))
    entry = _formats.named_format(format or _format_to_write(target, ability))
    if isinstance(item, Snapshot) and entry.write_snapshot is not None:
        entry.write_snapshot(target, item, provenance)
    elif isinstance(item, Motion) and entry.write_motion is not None:
        entry.write_motion(target, item, provenance)
    elif isinstance(item, IsoconfigurationalEnsemble) and entry.write_ensemble is not None:
        entry.write_ensemble(target, item, provenance)
    else:
        raise InputError(f"{target}: {_cannot_hold(ability)}")


def writable(
    path: AnyPath,
    kind: type[Item],
    *,
    format: str | None = None,  # noqa: A002 - the word that users know
) -> bool:
    """Tell whether a file of that suffix (or format) can hold one of these.

    Raises
    ------
    InputError
        There is no format of that name.

    """
    if format is not None:
        return getattr(_formats.named_format(format), _ability(kind)) is not None
    return bool(_suffix_formats(Path(path), _ability(kind)))


def detect_format(path: AnyPath) -> str:
    """Return the name of a file's format, by its contents where they tell, else by its suffix.

    Raises
    ------
    InputError
        The file is missing, empty or of no known format.

    """
    return _formats.detect_format(Path(path))


def holds_trajectories(path: AnyPath) -> bool:
    """Tell whether read_ensemble can read a file.

    Raises
    ------
    InputError
        The file is missing, empty or of no known format.

    """
    source, name, entry = _entry(path, None)
    if name == "ensemble_store":
        return not _ensemble_store.holds_targets(source)
    return entry.read_ensemble is not None


def _entry(path: AnyPath, format_name: str | None) -> tuple[Path, str, Format]:
    source = Path(path)
    if format_name is not None:
        entry = _formats.named_format(format_name)
        _formats.check_readable(source)
        LOGGER.debug("reading %s as %s", source, format_name)
        return source, format_name, entry
    name = _formats.detect_format(source)
    LOGGER.debug("reading %s, found to be %s", source, name)
    return source, name, FORMATS[name]


def _ability(kind: type[Item]) -> str:
    return next(ability for known, (ability, _) in _WRITTEN.items() if issubclass(kind, known))


def _format_to_write(target: Path, ability: str) -> str:
    found = _suffix_formats(target, ability)
    if not found:
        raise InputError(f"{target}: {_cannot_hold(ability)}")
    return found[0]


def _suffix_formats(target: Path, ability: str) -> list[str]:
    """Return the formats that write that suffix; none writes compressed files."""
    return [] if target.name.lower().endswith(".gz") else _formats.by_suffix(target, ability)


def _cannot_hold(ability: str) -> str:
    what = dict(_WRITTEN.values())[ability]
    able = [f"{name} ({FORMATS[name].suffixes[0]})" for name in _formats.that_can(ability)]
    return f"{what} not written in that format; choose {', '.join(able)}"


def _mapping(species: Mapping[str, int] | str | None) -> Mapping[str, int] | None:
    return parse_species(species) if isinstance(species, str) else species


def _times(times: Times, source: Path) -> FloatArray | None:
    if times is None:
        return None
    try:
        return np.atleast_1d(np.asarray(times, dtype=np.float64))
    except (TypeError, ValueError):
        raise InputError(f"{source}: the times {times!r} are not numbers") from None
