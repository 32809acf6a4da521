"""Stores of ensembles that come from elsewhere than a campaign: from files, from Python."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics import IsoconfigurationalEnsemble, Motion
from glassbotan.dynamics.quantities import QUANTITIES
from glassbotan.dynamics.trajectories import Trajectories
from glassbotan.errors import InputError
from glassbotan.io import ensemble_layout as layout
from glassbotan.io.provenance import Provenance
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray

if TYPE_CHECKING:
    import zarr

CUTOFF = 2.0
"""Of the graph of a snapshot without bonds of its own, length units."""


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
    group = _create(root, index, snapshot, times, file)
    counts: list[int] = []
    for t, time in enumerate(times):
        moved = trajectories.displacements(t)
        if not counts:
            _create_results(group, len(times), moved.shape)
        elif len(moved) > counts[-1]:
            raise InputError(
                f"{snapshot.source}: has {len(moved)} trajectories at t = {time:g} but "
                f"{counts[-1]} at t = {times[t - 1]:g}; in a store their number must not grow "
                "with time: make a store of each"
            )
        _array(group, "displacements")[t, : len(moved)] = _single(moved, snapshot.source)
        counts.append(len(moved))
    _array(group, "trajectories")[...] = np.array(counts, dtype=np.int32)
    group.attrs["finished"] = True


def add_averages(root: "zarr.Group", index: int, motion: Motion, *, file: str) -> None:
    """Write a snapshot's group with averages over particles, and mark it as finished."""
    group = _create(root, index, motion.snapshot, motion.times, file)
    for name, values in motion.values.items():
        n_times, size = values.shape
        layout.create_averages(group, name, n_times, size, QUANTITIES[name].place)
        _array(group, name)[...] = _single(values, motion.source)
    group.attrs["finished"] = True


def _create(
    root: "zarr.Group", index: int, snapshot: Snapshot, times: FloatArray, file: str
) -> "zarr.Group":
    """Make a group whose numbers of trajectories are not known yet."""
    return layout.create_snapshot(
        root,
        index,
        snapshot,
        file=file,
        times=times,
        trajectories=[0] * len(times),
        cutoff=CUTOFF,
    )


def _create_results(group: "zarr.Group", n_times: int, shape: tuple[int, ...]) -> None:
    """Make the arrays of ``n_times`` times of displacements [R, N, d]."""
    most, n, d = shape
    layout.create_energy(group, n_times, most)
    together = max(1, min(most, layout.LARGEST_CHUNK // (n * d)))
    layout.create_displacements(group, (n_times, most, n, d), together=together)


def _single(values: NDArray[np.floating], source: str) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    if not np.all(np.isfinite(single)):
        raise InputError(f"{source}: positions are too large for single precision")
    return single


def _array(group: "zarr.Group", name: str) -> Any:
    return group[name]
