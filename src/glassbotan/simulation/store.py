"""The Zarr 3 store that ensembles are written to, one group a snapshot.

Group ``snapshots/0007``: ``positions`` [N, d], ``species`` [N], ``box`` [d], ``times`` [T],
``trajectories`` [T] (their number at each time), ``energy`` [T, R] (total, NaN where a trajectory
had ended), and

- with targets: ``bonds`` [2, E / 2] (each once, i < j), and of propensity [T, N], bond_extension
  [T, E / 2] and bond_breaking [T, N] each the mean (by that name), the standard error
  (``..._error``) and the mean over even trajectories minus that over odd ones (``..._split``);
- with positions: ``displacements`` [T, R, N, d] from ``positions``, NaN where a trajectory had
  ended.

The group's attribute ``finished`` is set last. What is under way lies in the folder ``.work``.
"""

import errno
import json
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import InputError, RunError
from glassbotan.io.ensemble_store import (
    FORM,
    Attributes,
    group_name,
    open_group,
    read_attributes,
    read_snapshot,
)
from glassbotan.simulation.plan import Block, Plan, Protocol
from glassbotan.simulation.targets import QUANTITIES, Averages, Reduction, averages, rounded
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import fingerprint

if TYPE_CHECKING:
    import zarr

WORK = ".work"

LARGEST_CHUNK = 2**24
"""Numbers; arrays of targets beyond it are cut by time."""


@dataclass(frozen=True)
class Store:
    """A store on disk, and what was asked of it; cheap to open anywhere.

    Attributes
    ----------
    path
        The folder.
    protocol
        What is done with every snapshot.
    snapshots
        Their number.

    """

    path: Path
    protocol: Protocol
    snapshots: int

    @classmethod
    def open(cls, path: Path) -> "Store":
        """Open a store.

        Raises
        ------
        InputError
            There is none, or it is damaged.

        """
        kept = read_attributes(path)
        try:
            return cls(path, Protocol.from_json(kept["protocol"]), len(kept["snapshots"]))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: its campaign is damaged ({error})") from None

    def snapshot(self, index: int) -> Snapshot:
        """Return a snapshot with the temperature that it is run at."""
        return read_snapshot(self.group_path(index))

    def group_path(self, index: int) -> Path:
        """Return the folder of a snapshot's group."""
        return self.path / group_name(index)

    def is_finished(self, index: int) -> bool:
        """Tell whether a snapshot's data are complete."""
        return bool(open_group(self.group_path(index)).attrs.get("finished", False))

    def work(self, block: Block) -> Path:
        """Return the folder of a block that is under way; the first call makes it."""
        folder = self.path / WORK / f"{block.snapshot:04d}" / f"{block.number:03d}"
        with disk_errors(self.path):
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def keep_displacements(self, block: Block, time: int, displacements: FloatArray) -> None:
        """Write the displacements [R, N, d] of a block at the time of that index."""
        chosen = slice(block.trajectories.start, block.trajectories.stop)
        with disk_errors(self.path):
            array = _array(self._group(block.snapshot), "displacements")
            array[time, chosen] = displacements.astype(np.float32)

    def finish(
        self, index: int, energies: FloatArray, sums: Sequence[Mapping[str, Sequence[FloatArray]]]
    ) -> None:
        """Write a snapshot's averages, mark it as finished and forget how it was made.

        Parameters
        ----------
        index
            The snapshot's.
        energies
            Total energies, shape [T, R].
        sums
            For each time, by quantity, the sums [3, X] of all blocks; nothing with positions.

        """
        group = self._group(index)
        with disk_errors(self.path):
            _array(group, "energy")[...] = energies
            if sums:
                self._write_averages(group, sums)
            for left in self.group_path(index).rglob("*.partial"):
                left.unlink()
            group.attrs["finished"] = True
            shutil.rmtree(self.path / WORK / f"{index:04d}", ignore_errors=True)

    def _write_averages(
        self, group: "zarr.Group", sums: Sequence[Mapping[str, Sequence[FloatArray]]]
    ) -> None:
        protocol = self.protocol
        for name in QUANTITIES:
            rows: list[Averages] = [
                averages(at_time[name], count)
                for at_time, count in zip(sums, protocol.trajectories, strict=True)
            ]
            for part, suffix in (("mean", ""), ("error", "_error"), ("split", "_split")):
                values = np.stack([getattr(row, part) for row in rows])
                _array(group, name + suffix)[...] = rounded(values, protocol.resolution)

    def _group(self, index: int) -> "zarr.Group":
        return open_group(self.group_path(index), mode="r+")


def prepare(path: Path, plan: Plan, provenance: Mapping[str, object]) -> Store:
    """Make the store of a plan, or open it where it is there already.

    Raises
    ------
    InputError
        There is a store of another campaign (names the difference), or something else.
    RunError
        The disk is full.

    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        _check_same(path, plan)
        return Store.open(path)
    if not path.parent.is_dir():
        raise InputError(f"{path}: cannot be written, there is no folder {path.parent}")
    # Made beside and renamed, so that a store has all its groups or is not there.
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with disk_errors(path):
            _make(beside, plan, provenance)
            beside.replace(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return Store.open(path)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what a full or failing disk raises into one line for people."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise InputError(f"{path}: cannot be written ({error.strerror})") from None
        raise RunError(
            f"{path}: not written ({error.strerror or error}); what is finished is kept, and the "
            "same command goes on from there"
        ) from None


def _make(path: Path, plan: Plan, provenance: Mapping[str, object]) -> None:
    import zarr

    root = zarr.create_group(path, attributes=_attributes(plan, provenance))
    for index, snapshot in enumerate(plan.snapshots):
        attributes = {
            "temperature": snapshot.temperature,
            "source": Path(plan.files[index]).name,
            "cutoff": plan.protocol.cutoff,
            "finished": False,
        }
        group = root.create_group(group_name(index), attributes=attributes)
        _put(group, "positions", snapshot.positions)
        _put(group, "species", snapshot.species.astype(np.int32))
        _put(group, "box", snapshot.box)
        _put(group, "times", np.array(plan.protocol.times))
        _put(group, "trajectories", np.array(plan.protocol.trajectories, dtype=np.int32))
        _make_results(group, snapshot, plan.protocol)


def _make_results(group: "zarr.Group", snapshot: Snapshot, protocol: Protocol) -> None:
    n_times, most = len(protocol.times), protocol.trajectories[0]
    n, d = snapshot.positions.shape
    _create(group, "energy", (n_times, most), ("time", "trajectory"), dtype="float64")
    if protocol.keep == "positions":
        dimensions = ("time", "trajectory", "particle", "dimension")
        shape = (n_times, most, n, d)
        # Whole blocks, each written by the one worker that runs it.
        chunk = (1, min(protocol.block, most), n, d)
        _create(group, "displacements", shape, dimensions, chunk=chunk)
        return
    bonds = Reduction(snapshot, protocol.cutoff).bonds
    _put(group, "bonds", np.stack([bonds.first, bonds.second]).astype(np.int32))
    for name in QUANTITIES:
        size, what = (n, "particle") if name != "bond_extension" else (len(bonds.first), "bond")
        for suffix in ("", "_error", "_split"):
            _create(group, name + suffix, (n_times, size), ("time", what))


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


_DIMENSIONS = {
    "positions": ("particle", "dimension"),
    "species": ("particle",),
    "box": ("dimension",),
    "times": ("time",),
    "trajectories": ("time",),
    "bonds": ("end", "bond"),
}


def _put(group: "zarr.Group", name: str, values: NDArray[Any]) -> None:
    array = _create(group, name, values.shape, _DIMENSIONS[name], dtype=values.dtype.name)
    array[...] = values


def _array(group: "zarr.Group", name: str) -> Any:
    return group[name]


def _attributes(plan: Plan, provenance: Mapping[str, object]) -> Attributes:
    return {
        "glassbotan": {
            "form": FORM,
            "name": plan.name,
            "protocol": plan.protocol.to_json(),
            "snapshots": _snapshots(plan),
            "provenance": json.loads(json.dumps(dict(provenance), default=str)),
        }
    }


def _snapshots(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "file": Path(file).name,
            "temperature": snapshot.temperature,
            "sha256": fingerprint(snapshot),
        }
        for file, snapshot in zip(plan.files, plan.snapshots, strict=True)
    ]


def _check_same(path: Path, plan: Plan) -> None:
    """Raise InputError, with the difference, unless the store is this plan's."""
    if not path.is_dir():
        raise InputError(f"{path}: is a file; a store is a folder")
    kept = read_attributes(path)
    here = json.loads(json.dumps(plan.protocol.to_json()))
    there: dict[str, Any] = kept.get("protocol", {})
    found = f"{path}: was made by another campaign"
    advice = "change the campaign back, or write to another store"
    for key in [*here, *there]:
        if here.get(key) != there.get(key):
            what = _difference(key, there.get(key), here.get(key))
            raise InputError(f"{found}: {what}; {advice}")
    old, new = kept.get("snapshots", []), _snapshots(plan)
    for index, (one, other) in enumerate(zip(old, new, strict=False)):
        if one.get("temperature") != other["temperature"]:
            raise InputError(
                f"{found}: the temperature of snapshot {index} is {one.get('temperature')} there "
                f"and {other['temperature']} here; {advice}"
            )
        if one.get("sha256") != other["sha256"]:
            raise InputError(
                f"{found}: its snapshot {index} is {one.get('file')}, and here it is "
                f"{other['file']} with other positions, box or species; {advice}"
            )
    if len(old) != len(new):
        raise InputError(f"{found}: it has {len(old)} snapshots, here are {len(new)}; {advice}")


def _difference(key: str, there: Any, here: Any) -> str:
    if isinstance(there, dict) and isinstance(here, dict):
        for inner in here:
            if there.get(inner) != here[inner]:
                return _difference(f"{key}.{inner}", there.get(inner), here[inner])
    return f"{key} is {there} there and {here} here"


def clean(path: Path) -> None:
    """Remove the folder of work under way, once all is finished."""
    with suppress(OSError):
        shutil.rmtree(path / WORK)
