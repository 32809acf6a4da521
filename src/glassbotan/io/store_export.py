"""Published file formats written from stores, and from other files with trajectories."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glassbotan import io
from glassbotan.dynamics import (
    IsoconfigurationalEnsemble,
    Motion,
    Trajectories,
    bond_breaking,
    propensity,
)
from glassbotan.errors import InputError
from glassbotan.io import botan_npz, glassbench_npz
from glassbotan.io.ensemble_store import file_name, is_stored_snapshot
from glassbotan.io.npz import member_names, read_members, write_members
from glassbotan.io.options import PLAIN, ReadOptions
from glassbotan.io.store_import import holds_trajectories, trajectories_of
from glassbotan.progress import Progress, silent
from glassbotan.provenance import provenance

_NUMBER = re.compile(
    r"(?:isoconfig_)?(?:N\d+)?(?:T\d[\d.e+-]*)?_(\d{1,9})(?:_tc?\d[\d.e+-]*)?\.npz"
)
"""Of a snapshot, in the names of published files and of this project's."""


Output = tuple[str, dict[str, NDArray[np.generic]], Path]
"""A file's name, its arrays and what they come from."""

Outputs = Callable[[Path, int, ReadOptions], Iterator[Output]]


def export(
    sources: Sequence[Path],
    target: Path,
    format: str,  # noqa: A002 - the word that users know
    *,
    reading: ReadOptions = PLAIN,
    progress: Progress = silent,
) -> list[Path]:
    """Write snapshots with their trajectories or averages as published data sets have them.

    Parameters
    ----------
    sources
        Snapshots of one store, or a file with trajectories.
    target
        A folder, for files of published names, which is made where it is not there; or a file
        NAME.npz, if all goes into one. A file is replaced, but in a folder nothing is written over
        (what is there already with the same content is left as it is).
    format
        One of ``EXPORTS``.
    reading
        What the caller knows better than the file.
    progress
        Told the number of sources done.

    Returns
    -------
    list of Path
        The files, all there now.

    Raises
    ------
    InputError
        A source holds no trajectories (which botan_npz needs), or is damaged or not finished; a
        file of that name has other content, or one file would have to hold several times.
    RunError
        The disk is full.

    """
    numbers = _numbers(sources)
    of_source = EXPORTS[format]

    def outputs() -> Iterator[Output]:
        for done, (path, number) in enumerate(zip(sources, numbers, strict=True)):
            progress(done, len(sources), "converting", unit="snapshots")
            yield from of_source(path, number, reading)

    if target.suffix.lower() == ".npz" and not target.is_dir():
        found = list(islice(outputs(), 2))
        if len(found) > 1:
            raise InputError(
                f"{target}: is one file, and there are several to write ({found[0][0]}, "
                f"{found[1][0]} ...); name a folder"
            )
        _write(target, *found[0][1:])
        return [target]
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{target}: this folder cannot be made ({error.strerror})") from None
    written: list[Path] = []
    for name, arrays, source in outputs():
        path = target / name
        if not _is_there(path, arrays):
            _write(path, arrays, source)
        written.append(path)
    return written


def _botan(path: Path, number: int, reading: ReadOptions) -> Iterator[Output]:
    trajectories = trajectories_of(path, reading)
    snapshot = trajectories.snapshot
    for ensemble in _time_by_time(trajectories):
        name = botan_npz.file_name(
            snapshot.n_particles, snapshot.temperature, number, float(ensemble.times[0])
        )
        yield name, botan_npz.arrays_of(ensemble), path


def _glassbench(path: Path, number: int, reading: ReadOptions) -> Iterator[Output]:
    if holds_trajectories(path, reading):
        motion = _averages(trajectories_of(path, reading), path)
    else:
        motion = io.read_motion(path)
    snapshot = motion.snapshot
    name = glassbench_npz.file_name(snapshot.n_particles, snapshot.temperature, number)
    yield name, glassbench_npz.arrays_of(motion), path


EXPORTS: dict[str, Outputs] = {"botan_npz": _botan, "glassbench_npz": _glassbench}
"""By format, the files that become of a snapshot with a number."""


def _time_by_time(trajectories: Trajectories) -> Iterator[IsoconfigurationalEnsemble]:
    snapshot = trajectories.snapshot
    for t, time in enumerate(trajectories.times):
        positions = snapshot.positions + trajectories.displacements(t)
        yield IsoconfigurationalEnsemble(snapshot, np.array([time]), positions[np.newaxis])


def _averages(trajectories: Trajectories, path: Path) -> Motion:
    rows = [(propensity(e)[0], bond_breaking(e)[0]) for e in _time_by_time(trajectories)]
    means, broken = (np.stack(values) for values in zip(*rows, strict=True))
    values = {"propensity": means, "bond_breaking": broken}
    return Motion(trajectories.snapshot, trajectories.times, values, source=str(path))


def _numbers(sources: Sequence[Path]) -> list[int]:
    """Return the snapshots' numbers: those of their files' names, else their places in the store.

    Of the names' only if they tell all snapshots of a temperature apart.
    """
    told = [_NUMBER.fullmatch(file_name(p) if is_stored_snapshot(p) else p.name) for p in sources]
    if not all(is_stored_snapshot(path) for path in sources):
        return [int(found[1]) if found else k for k, found in enumerate(told)]
    snapshots = [io.read(path) for path in sources]
    keys = {
        (snapshot.n_particles, snapshot.temperature, int(found[1]))
        for snapshot, found in zip(snapshots, told, strict=True)
        if found
    }
    if len(keys) == len(sources):
        return [int(found[1]) for found in told if found]
    return [int(path.name) if path.name.isdecimal() else k for k, path in enumerate(sources)]


def _write(path: Path, arrays: Mapping[str, NDArray[np.generic]], source: Path) -> None:
    write_members(path, arrays, provenance([source]))


def _is_there(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> bool:
    """Tell whether a file holds these arrays; InputError where it is there and holds others."""
    if not path.exists():
        return False
    try:
        found = read_members(path, [n for n in member_names(path) if n != "provenance"])
    except InputError:
        found = {}
    if found.keys() == arrays.keys() and all(np.array_equal(found[k], arrays[k]) for k in found):
        return True
    raise InputError(
        f"{path}: is there already with other content and is not written over; name another folder"
    )
