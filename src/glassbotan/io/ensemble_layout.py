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

from glassbotan.dynamics.quantities import QUANTITIES
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

CUTOFF = 2.0
"""Of the graph of a snapshot without bonds of its own, length units."""

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
    trajectories: Sequence[int] | None = None,
    cutoff: float = CUTOFF,
) -> "zarr.Group":
    """Make a snapshot's group, not yet finished, with all that is known before any result.

    Numbers of trajectories that are not known yet are 0.
    """
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
    counts = [0] * len(times) if trajectories is None else trajectories
    put(group, "trajectories", np.array(counts, dtype=np.int32))
    return group


_DIMENSIONS = {
    "positions": ("particle", "dimension"),
    "species": ("particle",),
    "box": ("dimension",),
    "times": ("time",),
    "trajectories": ("time",),
    "bonds": ("end", "bond"),
    "energy": ("time", "trajectory"),
    "displacements": ("time", "trajectory", "particle", "dimension"),
}


def create_array(
    group: "zarr.Group",
    name: str,
    shape: tuple[int, ...],
    dtype: str = "float32",
    *,
    chunk: tuple[int, ...] | None = None,
) -> Any:
    """Make an array, NaN throughout, or 0 if of whole numbers; cut by time if large."""
    from zarr.codecs import BloscCodec

    if chunk is None:
        chunk = shape if np.prod(shape) <= LARGEST_CHUNK else (1, *shape[1:])
    quantity = QUANTITIES.get(name.removesuffix("_error").removesuffix("_split"))
    return group.create_array(
        name,
        shape=shape,
        dtype=dtype,
        # A box without bonds has no chunk either.
        chunks=tuple(max(size, 1) for size in chunk),
        fill_value=np.nan if np.dtype(dtype).kind == "f" else 0,
        dimension_names=("time", quantity.place.removesuffix("s"))
        if quantity
        else _DIMENSIONS[name],
        compressors=BloscCodec(
            typesize=np.dtype(dtype).itemsize, cname="zstd", clevel=9, shuffle="bitshuffle"
        ),
    )


def create_averages(group: "zarr.Group", name: str, shape: tuple[int, ...]) -> None:
    """Make the arrays [T, N] or [T, B] of one quantity's mean, error and split."""
    for suffix in ("", "_error", "_split"):
        create_array(group, name + suffix, shape)


def put(group: "zarr.Group", name: str, values: NDArray[Any]) -> None:
    """Make one of the arrays that hold no results, and fill it."""
    create_array(group, name, values.shape, values.dtype.name)[...] = values


def array(group: "zarr.Group", name: str) -> Any:
    """Return one of the arrays, to be read or written in part."""
    return group[name]
