"""Stores of ensembles that come from elsewhere than a campaign: from files, from Python."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics import IsoconfigurationalEnsemble, Motion
from glassbotan.dynamics.trajectories import Trajectories
from glassbotan.errors import InputError
from glassbotan.io import ensemble_layout as layout
from glassbotan.io.provenance import Provenance

if TYPE_CHECKING:
    import zarr


def write_ensemble(
    path: Path, ensemble: IsoconfigurationalEnsemble, provenance: Provenance | None
) -> None:
    """Write a store of one snapshot's trajectories; one that is there is never written over."""
    check_free(path)
    snapshot = ensemble.snapshot
    with layout.new_store(path) as beside:
        root = layout.create_store(
            beside,
            name=path.stem,
            snapshots=[layout.snapshot_record(snapshot, snapshot.source)],
            provenance=provenance or {},
        )
        add_trajectories(root, 0, Trajectories.of(ensemble), file=snapshot.source)


def check_free(path: Path) -> None:
    """Refuse the name of a new store where something lies already.

    Raises
    ------
    InputError
        It is there, or does not end as the name of a store must.

    """
    if path.suffix != layout.SUFFIX:
        raise InputError(f"{path}: the name of a store must end in {layout.SUFFIX}")
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise InputError(f"{path}: is there already and is not written over; name another store")


def add_trajectories(
    root: "zarr.Group", index: int, trajectories: Trajectories, *, file: str
) -> None:
    """Write a snapshot's group with displacements, and mark it as finished.

    Raises
    ------
    InputError
        A later time has more trajectories than an earlier one.

    """
    snapshot, times = trajectories.snapshot, trajectories.times
    group = layout.create_snapshot(root, index, snapshot, file=file, times=times)
    counts: list[int] = []
    for t, time in enumerate(times):
        moved = trajectories.displacements(t)
        if not counts:
            most, n, d = moved.shape
            together = max(1, min(most, layout.LARGEST_CHUNK // (n * d)))
            layout.create_array(group, "energy", (len(times), most), "float64")
            layout.create_array(
                group, "displacements", (len(times), most, n, d), chunk=(1, together, n, d)
            )
        elif len(moved) > counts[-1]:
            raise InputError(
                f"{snapshot.source}: has {len(moved)} trajectories at t = {time:g} but "
                f"{counts[-1]} at t = {times[t - 1]:g}; in a store their number must not grow "
                "with time: make a store of each"
            )
        layout.array(group, "displacements")[t, : len(moved)] = _single(moved, snapshot.source)
        counts.append(len(moved))
    layout.array(group, "trajectories")[...] = np.array(counts, dtype=np.int32)
    group.attrs["finished"] = True


def add_averages(root: "zarr.Group", index: int, motion: Motion, *, file: str) -> None:
    """Write a snapshot's group with averages over particles, and mark it as finished."""
    group = layout.create_snapshot(root, index, motion.snapshot, file=file, times=motion.times)
    for name, values in motion.values.items():
        layout.create_averages(group, name, values.shape)
        layout.array(group, name)[...] = _single(values, motion.source)
    group.attrs["finished"] = True


def _single(values: NDArray[np.floating], source: str) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    if not np.all(np.isfinite(single)):
        raise InputError(f"{source}: positions are too large for single precision")
    return single
