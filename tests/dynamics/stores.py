"""Stores of ensembles, written array by array as docs/simulate.md describes them."""

from pathlib import Path

import numpy as np
import zarr

import glassbotan as gb


def write_store(
    path: Path,
    ensembles: list[gb.IsoconfigurationalEnsemble],
    *,
    counts: tuple[int, ...] | None = None,
    finished: bool = True,
) -> Path:
    """Write trajectories of several snapshots; ``counts`` of them reach each of the times."""
    told = {
        "form": 1,
        "protocol": {"potential": {"masses": [1.0, 2.0]}},
        "snapshots": [{"file": e.snapshot.source} for e in ensembles],
    }
    root = zarr.create_group(path, attributes={"glassbotan": told})
    for index, ensemble in enumerate(ensembles):
        snapshot = ensemble.snapshot
        reached = counts or (ensemble.n_trajectories,) * len(ensemble.times)
        moved = (ensemble.positions - snapshot.positions).astype(np.float32)
        for t, count in enumerate(reached):
            moved[t, count:] = np.nan
        group = root.create_group(
            f"snapshots/{index:04d}",
            attributes={"temperature": snapshot.temperature, "finished": finished},
        )
        arrays = {
            "positions": snapshot.positions,
            "species": snapshot.species.astype(np.int32),
            "box": snapshot.box,
            "times": ensemble.times,
            "trajectories": np.array(reached, dtype=np.int32),
        }
        for name, values in arrays.items():
            group.create_array(name, data=values)
        stored = group.create_array(
            "displacements",
            shape=moved.shape,
            chunks=(1, 2, *moved.shape[2:]),
            dtype="float32",
            fill_value=np.nan,
        )
        stored[...] = moved
    return path
