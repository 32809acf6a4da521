"""The layout of a Zarr 3 store of ensembles: its groups, its arrays and how they are compressed.

Group ``snapshots/0007``: ``positions`` [N, d], ``species`` [N], ``box`` [d], ``times`` [T],
``trajectories`` [T] (their number at each time; 0 where it is not known), ``energy`` [T, R] (total,
NaN where a trajectory had ended or nobody told it), and

- with targets: ``bonds`` [2, B] (each once, i < j), and of each quantity (propensity [T, N],
  bond_extension [T, B], bond_breaking [T, N] ...) the mean (by that name), the standard error
  (``..._error``) and the mean over even trajectories minus that over odd ones (``..._split``);
  where targets come from another's data set, only those that it has, errors and splits NaN;
- with positions: ``displacements`` [T, R, N, d] from ``positions``, NaN where a trajectory had
  ended.

The group's attribute ``finished`` is set last. Attributes of the store: ``glassbotan`` with
``form``, ``name``, ``protocol`` (what the campaign does; none where trajectories were read from
other files), ``snapshots`` (file, temperature and checksum of each) and ``provenance``.
"""

import errno
import json
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics.quantities import Place
from glassbotan.errors import InputError, RunError
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import fingerprint

if TYPE_CHECKING:
    import zarr

FORM = 1
"""Counts up when the store's form changes."""

SUFFIX = ".zarr"
GROUP_FILE = "zarr.json"
SNAPSHOTS = "snapshots"

LARGEST_CHUNK = 2**24
"""Numbers; arrays of targets beyond it are cut by time."""

Attributes = dict[str, Any]


def group_name(index: int) -> str:
    """Return the path of a snapshot's group in its store."""
    return f"{SNAPSHOTS}/{index:04d}"


def open_group(path: Path, mode: Literal["r", "r+"] = "r") -> "zarr.Group":
    """Open a group; InputError where there is none."""
    import zarr

    try:
        return zarr.open_group(path, mode=mode)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: cannot be read as a Zarr group ({error})") from None


@contextmanager
def new_store(path: Path) -> Iterator[Path]:
    """Yield a folder beside ``path`` that takes its place when the block succeeds.

    So that a store has all its groups or is not there. When the block fails, nothing is left.

    Raises
    ------
    InputError
        There is no such folder, or nothing may be written there.
    RunError
        The disk is full.

    """
    if not path.parent.is_dir():
        raise InputError(f"{path}: cannot be written, there is no folder {path.parent}")
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with disk_errors(path, "nothing is kept"):
            yield beside
            beside.replace(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def disk_errors(path: Path, outcome: str) -> Iterator[None]:
    """Turn what a full or failing disk raises into one line for people, with what becomes of it."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise InputError(f"{path}: cannot be written ({error.strerror})") from None
        raise RunError(f"{path}: not written ({error.strerror or error}); {outcome}") from None


def create_store(
    path: Path,
    *,
    name: str,
    snapshots: Sequence[Attributes],
    provenance: Mapping[str, object],
    protocol: Attributes | None = None,
) -> "zarr.Group":
    """Make a store without groups; ``snapshots`` as of :func:`snapshot_record`."""
    import zarr

    kept: Attributes = {"form": FORM, "name": name}
    if protocol is not None:
        kept["protocol"] = protocol
    kept["snapshots"] = list(snapshots)
    kept["provenance"] = json.loads(json.dumps(dict(provenance), default=str))
    return zarr.create_group(path, attributes={"glassbotan": kept})


def snapshot_record(snapshot: Snapshot, file: str) -> Attributes:
    """Return what the store's attributes say of a snapshot that was read from a file."""
    return {
        "file": Path(file).name,
        "temperature": snapshot.temperature,
        "sha256": fingerprint(snapshot),
    }


def create_snapshot(
    root: "zarr.Group",
    index: int,
    snapshot: Snapshot,
    *,
    file: str,
    times: Sequence[float] | FloatArray,
    trajectories: Sequence[int],
    cutoff: float,
) -> "zarr.Group":
    """Make a snapshot's group, not yet finished, with all that is known before any result."""
    attributes = {
        "temperature": snapshot.temperature,
        "source": Path(file).name,
        "cutoff": cutoff,
        "finished": False,
    }
    group = root.create_group(group_name(index), attributes=attributes)
    put(group, "positions", snapshot.positions)
    put(group, "species", snapshot.species.astype(np.int32))
    put(group, "box", snapshot.box)
    put(group, "times", np.array(times, dtype=np.float64))
    put(group, "trajectories", np.array(trajectories, dtype=np.int32))
    return group


def create_energy(group: "zarr.Group", n_times: int, n_trajectories: int) -> None:
    """Make the array of total energies, NaN throughout."""
    shape = (n_times, n_trajectories)
    _create(group, "energy", shape, ("time", "trajectory"), dtype="float64")


def create_displacements(
    group: "zarr.Group", shape: tuple[int, int, int, int], *, together: int
) -> None:
    """Make the array [T, R, N, d], NaN throughout, in chunks of the trajectories run together."""
    dimensions = ("time", "trajectory", "particle", "dimension")
    chunk = (1, together, *shape[2:])
    _create(group, "displacements", shape, dimensions, chunk=chunk)


def create_averages(group: "zarr.Group", name: str, n_times: int, size: int, place: Place) -> None:
    """Make the arrays [T, size] of one quantity's mean, error and split, NaN throughout."""
    for suffix in ("", "_error", "_split"):
        _create(group, name + suffix, (n_times, size), ("time", place.removesuffix("s")))


_DIMENSIONS = {
    "positions": ("particle", "dimension"),
    "species": ("particle",),
    "box": ("dimension",),
    "times": ("time",),
    "trajectories": ("time",),
    "bonds": ("end", "bond"),
}


def put(group: "zarr.Group", name: str, values: NDArray[Any]) -> None:
    """Make one of the arrays that hold no results, and fill it."""
    array = _create(group, name, values.shape, _DIMENSIONS[name], dtype=values.dtype.name)
    array[...] = values


def _create(
    group: "zarr.Group",
    name: str,
    shape: tuple[int, ...],
    dimensions: tuple[str, ...],
    *,
    dtype: str = "float32",
    chunk: tuple[int, ...] | None = None,
) -> "zarr.Array[Any]":
    from zarr.codecs import BloscCodec

    if chunk is None:
        chunk = shape if np.prod(shape) <= LARGEST_CHUNK else (1, *shape[1:])
    return group.create_array(
        name,
        shape=shape,
        dtype=dtype,
        # A box without bonds has no chunk either.
        chunks=tuple(max(size, 1) for size in chunk),
        fill_value=np.nan if np.dtype(dtype).kind == "f" else 0,
        dimension_names=dimensions,
        compressors=BloscCodec(
            typesize=np.dtype(dtype).itemsize, cname="zstd", clevel=9, shuffle="bitshuffle"
        ),
    )
