"""Trajectories of a store, read one time after another."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassbotan import io
from glassbotan.dynamics.trajectories import Trajectories
from glassbotan.errors import InputError
from glassbotan.io import ensemble_store as store
from glassbotan.io.options import BoxOption
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray

if TYPE_CHECKING:
    import zarr


def open_trajectories(path: str | os.PathLike[str], *, box: BoxOption = None) -> Trajectories:
    """Return the trajectories from one snapshot, to be read one time after another.

    Those of a store stay on disk, and are there for as long as each of them ran; of other formats
    they are read now.

    Parameters
    ----------
    path
        A snapshot of a store (STORE.zarr/snapshots/0007), or a file as of ``io.read_ensemble``.
    box
        As of ``io.read_ensemble``.

    Raises
    ------
    InputError
        The format holds no trajectories, the store was made with averages only, is not finished
        or is damaged. Also raised while reading.

    """
    source = Path(path)
    if not store.is_stored_snapshot(source):
        return Trajectories.of(io.read_ensemble(source, box=box))
    group = store.with_trajectories(source)
    snapshot = store.read(source)
    times = _row(group, "times", source)
    counts = _row(group, "trajectories", source)
    moved: Any = group["displacements"]
    _check(snapshot, times, counts, moved)

    def displacements(time: int) -> FloatArray:
        count = int(counts[time])
        try:
            values: FloatArray = np.asarray(moved[time, :count], dtype=np.float64)
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            raise InputError(f"{source}: displacements cannot be read ({error})") from None
        if not np.all(np.isfinite(values)):
            raise InputError(
                f"{source}: displacements at time {time} are not finite for all {count} "
                "trajectories that reached it; the store is damaged"
            )
        return values

    return Trajectories(snapshot, times, displacements, _masses(source))


def _check(snapshot: Snapshot, times: FloatArray, counts: FloatArray, moved: Any) -> None:
    """Raise InputError where arrays of a store do not belong together."""
    shape, source = tuple(moved.shape), snapshot.source
    expected = (len(times), "R", *snapshot.positions.shape)
    if len(shape) != 4 or (shape[0], *shape[2:]) != (expected[0], *expected[2:]):
        raise InputError(
            f"{source}: displacements have shape {list(shape)}; expected [times, trajectories, "
            f"particles, dimensions] = {list(expected)}; the store is damaged"
        )
    if int(np.prod(shape[1:])) * moved.dtype.itemsize > store.LARGEST_ARRAY:
        raise InputError(f"{source}: displacements claim the shape {list(shape)}, too large")
    if not len(times) or not np.all(np.isfinite(times)) or times[0] <= 0:
        raise InputError(f"{source}: times {times.tolist()} must be positive")
    falling = counts.shape == times.shape and np.all(np.diff(counts) <= 0)
    if np.any(np.diff(times) <= 0) or not falling or not 1 <= counts[-1] <= counts[0] <= shape[1]:
        raise InputError(
            f"{source}: times must increase, and numbers of trajectories lie between {shape[1]} "
            "and 1 and not increase; the store is damaged"
        )


def _row(group: "zarr.Group", name: str, source: Path) -> FloatArray:
    values = store.stored_values(group, name, source)
    if values.ndim != 1:
        raise InputError(f"{source}: {name} has the shape {list(values.shape)}, expected [T]")
    return values.astype(np.float64)


def _masses(source: Path) -> FloatArray | None:
    """Return the masses that the store's protocol tells; None where it does not."""
    try:
        kept = store.read_attributes(source.parent.parent)["protocol"]["potential"]["masses"]
        masses = np.asarray(kept, dtype=np.float64)
    except (InputError, KeyError, TypeError, ValueError):
        return None
    known = masses.ndim == 1 and np.all(np.isfinite(masses)) and np.all(masses > 0)
    return masses if known else None
