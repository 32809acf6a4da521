"""The table of formats, and which of them a file has."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from glassbotan.dynamics import IsoconfigurationalEnsemble, Motion
from glassbotan.errors import InputError
from glassbotan.io import (
    botan_npz,
    ensemble_layout,
    ensemble_store,
    ensemble_writer,
    extxyz,
    glassbench_npz,
    gsd,
    lammps_data,
    lammps_dump,
    motion_csv,
    motion_npz,
    node_only_pickle,
)
from glassbotan.io.npz import member_names
from glassbotan.io.options import ReadOptions
from glassbotan.io.provenance import Provenance
from glassbotan.io.text import open_text
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray

Times = FloatArray | None


@dataclass(frozen=True)
class Format:
    """What one file format can do; None where it cannot.

    Attributes
    ----------
    suffixes
        Of file names; the format's usual one first.
    read, read_ensemble, read_motion
        Functions of (path, options) and, for the last two, of times that override the file's.
    write_snapshot, write_motion, write_ensemble
        Functions of (path, item, provenance).

    """

    suffixes: tuple[str, ...]
    read: Callable[[Path, ReadOptions], Snapshot] | None = None
    read_ensemble: Callable[[Path, ReadOptions, Times], IsoconfigurationalEnsemble] | None = None
    read_motion: Callable[[Path, ReadOptions, Times], Motion] | None = None
    write_snapshot: Callable[[Path, Snapshot, Provenance | None], None] | None = None
    write_motion: Callable[[Path, Motion, Provenance | None], None] | None = None
    write_ensemble: Callable[[Path, IsoconfigurationalEnsemble, Provenance | None], None] | None = (
        None
    )


FORMATS: dict[str, Format] = {
    "botan_npz": Format(
        (".npz",),
        read=botan_npz.read,
        read_ensemble=botan_npz.read_ensemble,
        write_ensemble=botan_npz.write,
    ),
    "node_only_pickle": Format(
        (".pickle", ".pkl"),
        read=node_only_pickle.read,
        read_ensemble=node_only_pickle.read_ensemble,
    ),
    "extxyz": Format(
        (".xyz", ".extxyz"),
        read=extxyz.read,
        write_snapshot=extxyz.write,
        write_motion=extxyz.write,
    ),
    "lammps_data": Format(
        (".data", ".lmp"), read=lammps_data.read, write_snapshot=lammps_data.write
    ),
    "lammps_dump": Format(
        (".dump", ".lammpstrj"),
        read=lammps_dump.read,
        write_snapshot=lammps_dump.write,
        write_motion=lammps_dump.write,
    ),
    "gsd": Format((".gsd",), read=gsd.read, write_snapshot=gsd.write, write_motion=gsd.write),
    "motion_npz": Format(
        (".npz",),
        read=motion_npz.read,
        read_motion=motion_npz.read_motion,
        write_motion=motion_npz.write,
    ),
    # After the project's own npz, which is meant where the suffix alone tells what to write.
    "glassbench_npz": Format(
        (".npz",),
        read=glassbench_npz.read,
        read_motion=glassbench_npz.read_motion,
        write_motion=glassbench_npz.write,
    ),
    "motion_csv": Format((".csv",), write_motion=motion_csv.write),
    "ensemble_store": Format(
        (ensemble_layout.SUFFIX,),
        read=ensemble_store.read,
        read_ensemble=ensemble_store.read_ensemble,
        read_motion=ensemble_store.read_motion,
        write_ensemble=ensemble_writer.write_ensemble,
    ),
}


def that_can(ability: str) -> list[str]:
    """Return the names of formats that have one of Format's functions."""
    return [name for name, entry in FORMATS.items() if getattr(entry, ability) is not None]


def named_format(name: str) -> Format:
    """Return a format by its name; InputError names those that there are."""
    if name not in FORMATS:
        raise InputError(f"there is no format {name!r}; there are {', '.join(FORMATS)}")
    return FORMATS[name]


def detect_format(path: Path) -> str:
    """Return the name of a file's format: by its contents, else by its suffix.

    Raises
    ------
    InputError
        The file is missing, empty or of no known format.

    """
    check_readable(path)
    if path.is_dir():
        return "ensemble_store"
    found = _by_content(path) or next(iter(by_suffix(path, "read")), None)
    if found is None:
        raise InputError(
            f"{path}: neither contents nor suffix tell its format; "
            f"give it as one of {', '.join(that_can('read'))}"
        )
    return found


def by_suffix(path: Path, ability: str) -> list[str]:
    """Return the names of formats with that suffix and that function."""
    name = path.name.lower()
    return [
        key
        for key in that_can(ability)
        if any(name.endswith((suffix, f"{suffix}.gz")) for suffix in FORMATS[key].suffixes)
    ]


def check_readable(path: Path) -> None:
    """Raise InputError if there is no file with anything in it."""
    if not path.exists():
        raise InputError(f"{path}: there is no such file")
    if ensemble_store.is_store(path):
        first = path / ensemble_layout.group_name(0)
        raise InputError(f"{path}: holds many snapshots; name one, such as {first}")
    if ensemble_store.is_stored_snapshot(path):
        return
    if not path.is_file():
        raise InputError(f"{path}: is not a file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: is empty")


def _by_content(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if start.startswith(b"PK") or path.suffix.lower() == ".npz":
        return _npz_kind(path)
    if start == gsd.MAGIC:
        return "gsd"
    # Pickles of protocol 2 and above start so; older ones are told by their suffix.
    if start[0] == 0x80 and len(start) > 1 and start[1] <= 5:
        return "node_only_pickle"
    return None if by_suffix(path, "read") in (["node_only_pickle"], ["gsd"]) else _text_kind(path)


def _npz_kind(path: Path) -> str:
    names = set(member_names(path))
    if "propensity" in names:
        return "motion_npz"
    if {"initial_positions", "positions"} <= names:
        return "botan_npz"
    if {"initial_positions", "types"} <= names:
        return "glassbench_npz"
    raise InputError(
        f"{path}: is an npz of another kind; it holds {', '.join(sorted(names))[:200] or 'nothing'}"
    )


def _text_kind(path: Path) -> str | None:
    with open_text(path) as file:
        # A line of a binary file may be as long as the file.
        lines = [line[:4096] for line in islice(iter(lambda: file.readline(2**20), ""), 40)]
    if lines[0].startswith("ITEM:"):
        return "lammps_dump"
    if len(lines) > 1 and extxyz.is_header(lines[0], lines[1]):
        return "extxyz"
    if any(re.match(r"\s*\d+\s+atoms\s*(#.*)?$", line) for line in lines):
        return "lammps_data"
    return None
