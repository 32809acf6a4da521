"""Stores of ensembles made from published files."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from glassbotan import io
from glassbotan.dynamics import IsoconfigurationalEnsemble, Motion, Trajectories
from glassbotan.errors import InputError
from glassbotan.io import ensemble_layout as layout
from glassbotan.io.ensemble_store import file_name, is_stored_snapshot
from glassbotan.io.ensemble_writer import add_averages, add_trajectories, check_free
from glassbotan.io.formats import read_item
from glassbotan.io.options import PLAIN, ReadOptions
from glassbotan.io.stored_trajectories import open_trajectories
from glassbotan.progress import Progress, silent
from glassbotan.provenance import provenance
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray

if TYPE_CHECKING:
    import zarr


@dataclass(frozen=True, eq=False)
class _Entry:
    """A snapshot of the store to be, and the files that hold it at different times."""

    snapshot: Snapshot
    trajectories: bool
    files: list[Path]


def import_store(
    path: Path,
    sources: Sequence[Path],
    *,
    reading: ReadOptions = PLAIN,
    progress: Progress = silent,
) -> int:
    """Make a store of files with trajectories, or of GlassBench's with averages.

    Files of one snapshot at several times become one snapshot of the store; its trajectories are
    taken to be the same, in the same order, in all of them.

    Parameters
    ----------
    path
        The store; nothing may lie there yet.
    sources
        Files, or snapshots of stores.
    reading
        What the caller knows better than the files.
    progress
        Told the number of snapshots done.

    Returns
    -------
    int
        The number of its snapshots.

    Raises
    ------
    InputError
        Something lies at ``path``; a source cannot be read or holds neither trajectories nor
        GlassBench's averages; two sources hold the same positions with different boxes or species,
        or the same time twice.
    RunError
        The disk is full.

    """
    check_free(path)
    entries = _entries(sources, reading)
    record = provenance(sources)
    with layout.new_store(path) as beside:
        root = layout.create_store(
            beside,
            name=path.stem,
            snapshots=[layout.snapshot_record(e.snapshot, _source(e.files[0])) for e in entries],
            provenance=record,
        )
        for index, entry in enumerate(entries):
            progress(index, len(entries), "converting", unit="snapshots")
            _add(root, index, entry, reading)
    return len(entries)


def trajectories_of(path: Path, reading: ReadOptions) -> Trajectories:
    """Return the trajectories in a file or in a snapshot of a store.

    Raises
    ------
    InputError
        There are none, or box or times are given for a store, which has its own.

    """
    if is_stored_snapshot(path):
        if reading.box is not None or reading.times is not None:
            raise InputError(f"{path}: a store has its own box and times; give none")
        return open_trajectories(path)
    return Trajectories.of(read_item(path, IsoconfigurationalEnsemble, reading))


def holds_trajectories(path: Path, reading: ReadOptions) -> bool:
    """Tell whether :func:`trajectories_of` has something to read."""
    format_name = None if is_stored_snapshot(path) else reading.format
    return io.holds(path, IsoconfigurationalEnsemble, format=format_name)


def _entries(sources: Sequence[Path], reading: ReadOptions) -> list[_Entry]:
    entries: list[_Entry] = []
    by_positions: dict[bytes, list[_Entry]] = {}
    for path in sources:
        trajectories = holds_trajectories(path, reading)
        if not trajectories and (reading.format or io.detect_format(path)) != "glassbench_npz":
            raise InputError(
                f"{path}: holds no trajectories; a store is made from files with trajectories or "
                "from GlassBench's"
            )
        snapshot = read_item(path, Snapshot, reading)
        key = hashlib.sha256(snapshot.positions.tobytes()).digest()
        alike = by_positions.setdefault(key, [])
        entry = next((e for e in alike if _is_same(snapshot, e.snapshot)), None)
        if entry is None:
            entry = _Entry(replace(snapshot, fields={}), trajectories, [])
            entries.append(entry)
            alike.append(entry)
        elif not (trajectories and entry.trajectories):
            raise InputError(
                f"{path}: holds the same snapshot as {entry.files[0]}; only files with "
                "trajectories can be joined, leave one of the two out"
            )
        entry.files.append(path)
    return entries


def _is_same(snapshot: Snapshot, known: Snapshot) -> bool:
    """Tell whether snapshots of the same positions are one, or the same at two temperatures."""
    ours, theirs = snapshot.temperature, known.temperature
    if not np.array_equal(snapshot.box, known.box):
        difference = f"the box is {snapshot.box.tolist()} here and {known.box.tolist()} there"
    elif not np.array_equal(snapshot.species, known.species):
        difference = "species differ"
    elif (ours is None) != (theirs is None):
        difference = f"the temperature is {_told(ours)} here and {_told(theirs)} there"
    else:
        return ours == theirs
    raise InputError(
        f"{snapshot.source}: holds the same positions as {known.source}, but {difference}"
    )


def _told(temperature: float | None) -> str:
    return "not told" if temperature is None else f"{temperature:g}"


def _add(root: "zarr.Group", index: int, entry: _Entry, reading: ReadOptions) -> None:
    file = _source(entry.files[0])
    # The box is known by now; that a format has none need not be said a second time.
    boxed = replace(reading, box=entry.snapshot.box)
    if entry.trajectories:
        parts = [
            trajectories_of(path, reading if is_stored_snapshot(path) else boxed)
            for path in entry.files
        ]
        add_trajectories(root, index, _joined(parts), file=file)
    else:
        add_averages(root, index, read_item(entry.files[0], Motion, boxed), file=file)


def _joined(parts: Sequence[Trajectories]) -> Trajectories:
    """Return one snapshot's trajectories at the times of all parts."""
    order = sorted(
        (float(time), number, t)
        for number, part in enumerate(parts)
        for t, time in enumerate(part.times)
    )
    for (one, first, _), (other, second, _) in pairwise(order):
        if one == other:
            raise InputError(
                f"{parts[second].snapshot.source}: holds the same snapshot as "
                f"{parts[first].snapshot.source} at the same time, t = {one:g}; leave one of the "
                "two out"
            )

    def displacements(index: int) -> FloatArray:
        _, number, t = order[index]
        return parts[number].displacements(t)

    return Trajectories(
        parts[0].snapshot, np.array([time for time, _, _ in order]), displacements, parts[0].masses
    )


def _source(path: Path) -> str:
    """Return the name of the file that a snapshot was first read from."""
    return file_name(path) if is_stored_snapshot(path) else path.name
