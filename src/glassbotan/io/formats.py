"""The table of formats, and which of them a file has."""

import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeVar

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
from glassbotan.io.tables import open_text
from glassbotan.structure import Snapshot

LOGGER = logging.getLogger("glassbotan")

Item = Snapshot | Motion | IsoconfigurationalEnsemble
Kind = TypeVar("Kind", Snapshot, Motion, IsoconfigurationalEnsemble)
Reader = Callable[[Path, ReadOptions], Any]
Writer = Callable[[Path, Any, Provenance], None]

NAMES: dict[type[Item], tuple[str, str]] = {
    Snapshot: ("a snapshot is", "configuration"),
    Motion: ("a motion is", "propensity"),
    IsoconfigurationalEnsemble: ("trajectories are", "trajectories"),
}
"""What can be written and read, in words."""


class Start:
    """What the contents of a file tell of its format, each read when it is asked for.

    Attributes
    ----------
    path
        The file.
    bytes
        Its first eight.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self.bytes = file.read(8)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None

    @cached_property
    def arrays(self) -> frozenset[str]:
        """Names of the arrays in an npz archive; none in any other file."""
        archive = self.bytes.startswith(b"PK") or self.path.suffix.lower() == ".npz"
        return frozenset(member_names(self.path)) if archive else frozenset()

    @cached_property
    def lines(self) -> list[str]:
        """The first forty lines of a text, each cut after 4096 characters; none of other files."""
        try:
            with open_text(self.path) as file:
                # A line of a binary file may be as long as the file.
                parts = islice(iter(lambda: file.readline(2**20), ""), 40)
                return [line[:4096] for line in parts]
        except InputError:
            return []


@dataclass(frozen=True)
class Format:
    """What one file format can do.

    Attributes
    ----------
    suffixes
        Of file names; the format's usual one first.
    read
        Functions of (path, options) by the kind of item that they return.
    write
        Functions of (path, item, provenance) by the kind of item that they write.
    recognise
        Tells from the contents whether a file has this format; where none does, suffixes tell.
    frames
        Whether a file may hold several frames.

    """

    suffixes: tuple[str, ...]
    read: Mapping[type[Item], Reader] = field(default_factory=dict)
    write: Mapping[type[Item], Writer] = field(default_factory=dict)
    recognise: Callable[[Start], bool] = lambda _: False
    frames: bool = False


FORMATS: dict[str, Format] = {
    "botan_npz": Format(
        (".npz",),
        read={
            Snapshot: botan_npz.read,
            IsoconfigurationalEnsemble: botan_npz.read_ensemble,
        },
        write={IsoconfigurationalEnsemble: botan_npz.write},
        recognise=lambda start: {"initial_positions", "positions"} <= start.arrays,
    ),
    "node_only_pickle": Format(
        (".pickle", ".pkl"),
        read={
            Snapshot: node_only_pickle.read,
            IsoconfigurationalEnsemble: node_only_pickle.read_ensemble,
        },
        # Pickles of protocol 2 and above start so; older ones are told by their suffix.
        recognise=lambda start: start.bytes[0] == 0x80 and start.bytes[1:2] <= b"\5",
    ),
    "extxyz": Format(
        (".xyz", ".extxyz"),
        read={Snapshot: extxyz.read},
        write={Snapshot: extxyz.write, Motion: extxyz.write},
        recognise=lambda start: extxyz.is_header(start.lines),
        frames=True,
    ),
    "lammps_data": Format(
        (".data", ".lmp"),
        read={Snapshot: lammps_data.read},
        write={Snapshot: lammps_data.write},
        recognise=lambda start: any(
            re.match(r"\s*\d+\s+atoms\s*(#.*)?$", line) for line in start.lines
        ),
    ),
    "lammps_dump": Format(
        (".dump", ".lammpstrj"),
        read={Snapshot: lammps_dump.read},
        write={Snapshot: lammps_dump.write, Motion: lammps_dump.write},
        recognise=lambda start: start.bytes.startswith(b"ITEM:"),
        frames=True,
    ),
    "gsd": Format(
        (".gsd",),
        read={Snapshot: gsd.read},
        write={Snapshot: gsd.write, Motion: gsd.write},
        recognise=lambda start: start.bytes == gsd.MAGIC,
        frames=True,
    ),
    "motion_npz": Format(
        (".npz",),
        read={Snapshot: motion_npz.read, Motion: motion_npz.read_motion},
        write={Motion: motion_npz.write},
        recognise=lambda start: {"species", "positions"} <= start.arrays,
    ),
    # After the other npz: the project's own is meant where the suffix alone tells what to write.
    "glassbench_npz": Format(
        (".npz",),
        read={Snapshot: glassbench_npz.read, Motion: glassbench_npz.read_motion},
        write={Motion: glassbench_npz.write},
        recognise=lambda start: {"initial_positions", "types"} <= start.arrays,
    ),
    "motion_csv": Format((".csv",), write={Motion: motion_csv.write}),
    "ensemble_store": Format(
        (ensemble_layout.SUFFIX,),
        read={
            Snapshot: ensemble_store.read,
            IsoconfigurationalEnsemble: ensemble_store.read_ensemble,
            Motion: ensemble_store.read_motion,
        },
        write={IsoconfigurationalEnsemble: ensemble_writer.write_ensemble},
    ),
}


def formats_that(way: Literal["read", "write"], kind: type[Item]) -> list[str]:
    """Return the names of formats that read or write a kind of item."""
    return [name for name, entry in FORMATS.items() if kind in getattr(entry, way)]


def named_format(name: str) -> Format:
    """Return a format by its name; InputError names those that there are."""
    if name not in FORMATS:
        raise InputError(f"there is no format {name!r}; there are {', '.join(FORMATS)}")
    return FORMATS[name]


def read_item(path: Path, kind: type[Kind], options: ReadOptions) -> Kind:
    """Return an item of a kind from a file.

    Raises
    ------
    InputError
        The format cannot give it, the file is damaged, or ``options`` do not fit it.

    """
    name = options.format or detect_format(path)
    entry = named_format(name)
    check_readable(path)
    LOGGER.debug("reading %s%s %s", path, " as" if options.format else ", found to be", name)
    if not entry.read:
        raise InputError(f"{path}: format {name} is written only, not read")
    if kind not in entry.read:
        able = " and ".join(formats_that("read", kind))
        raise InputError(f"{path}: format {name} holds no {NAMES[kind][1]}; {able} do")
    if not entry.frames and options.frame not in (0, -1):
        raise InputError(f"{path}: holds one frame (0); frame {options.frame} was asked for")
    item: Kind = entry.read[kind](path, options)
    return item


def detect_format(path: str | os.PathLike[str]) -> str:
    """Return the name of a file's format, by its contents where they tell, else by its suffix.

    Raises
    ------
    InputError
        The file is missing, empty or of no known format.

    """
    path = Path(path)
    check_readable(path)
    if path.is_dir():
        return "ensemble_store"
    start = Start(path)
    found = [name for name, entry in FORMATS.items() if entry.recognise(start)]
    if not found and (start.arrays or path.suffix.lower() == ".npz"):
        names = ", ".join(sorted(start.arrays))[:200] or "nothing"
        raise InputError(f"{path}: is an npz of another kind; it holds {names}")
    found += by_suffix(path, "read", Snapshot)
    if not found:
        raise InputError(
            f"{path}: neither contents nor suffix tell its format; "
            f"give it as one of {', '.join(formats_that('read', Snapshot))}"
        )
    return found[0]


def by_suffix(path: Path, way: Literal["read", "write"], kind: type[Item]) -> list[str]:
    """Return the names of formats with that suffix that read or write a kind of item.

    None writes compressed files.
    """
    name = path.name.lower().removesuffix(".gz" if way == "read" else "")
    return [key for key in formats_that(way, kind) if name.endswith(FORMATS[key].suffixes)]


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
