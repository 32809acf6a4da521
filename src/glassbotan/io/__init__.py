"""Files in and out: one pair of doors, one module a format."""

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
from glassbotan.io.formats import FORMATS, NAMES, Format, Item, detect_format
from glassbotan.io.options import BoxOption, ReadOptions
from glassbotan.io.species import parse_species
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray

__all__ = [
    "FORMATS",
    "Format",
    "atomic_output",
    "detect_format",
    "holds",
    "read",
    "read_ensemble",
    "read_motion",
    "read_provenance",
    "writable",
    "write",
]

AnyPath = str | os.PathLike[str]
Times = float | Sequence[float] | FloatArray | None


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
    mapping = parse_species(species) if isinstance(species, str) else species
    return _formats.read_item(Path(path), Snapshot, ReadOptions(box, mapping, frame, format=format))


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
    options = ReadOptions(box, times=_times(times, path), format=format)
    return _formats.read_item(Path(path), IsoconfigurationalEnsemble, options)


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
    options = ReadOptions(box, times=_times(times, path), format=format)
    return _formats.read_item(Path(path), Motion, options)


def read_provenance(path: AnyPath) -> dict[str, object]:
    """Return what a prediction tells of its origin; empty for every other format."""
    source, name = Path(path), detect_format(path)
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
    kind = next(kind for kind in NAMES if isinstance(item, kind))
    found = [format] if format is not None else _formats.by_suffix(target, "write", kind)
    writers = [_formats.named_format(name).write.get(kind) for name in found]
    if not writers or writers[0] is None:
        able = [f"{n} ({FORMATS[n].suffixes[0]})" for n in _formats.formats_that("write", kind)]
        raise InputError(
            f"{target}: {NAMES[kind][0]} not written in that format; choose {', '.join(able)}"
        )
    writers[0](target, item, provenance or {})


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
        return kind in _formats.named_format(format).write
    return bool(_formats.by_suffix(Path(path), "write", kind))


def holds(path: AnyPath, kind: type[Item], *, format: str | None = None) -> bool:  # noqa: A002 - the word that users know
    """Tell whether a snapshot, a motion or trajectories can be read from a file.

    Raises
    ------
    InputError
        The file is missing, empty or of no known format.

    """
    name = format or detect_format(path)
    if name == "ensemble_store" and kind is not Snapshot:
        return (kind is Motion) == _ensemble_store.holds_targets(Path(path))
    return name in FORMATS and kind in FORMATS[name].read


def _times(times: Times, path: AnyPath) -> FloatArray | None:
    if times is None:
        return None
    try:
        return np.atleast_1d(np.asarray(times, dtype=np.float64))
    except (TypeError, ValueError):
        raise InputError(f"{path}: the times {times!r} are not numbers") from None
