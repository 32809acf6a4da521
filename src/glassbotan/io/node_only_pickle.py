"""The data set of the node-only network: a pickled dictionary a snapshot.

``positions`` [N, d], ``types`` [N] (0 = A, 1 = B), ``box`` [d], ``time`` (list), ``time_indices``
(of the target times in that list, one for each value of the scattering function in
``is_values``), ``trajectory_target_positions`` (a list a time of a list a trajectory of [N, d],
unwrapped), ``metadata`` (temperature, pressure, fluid).

Source: Bapst et al., Nature Physics 16, 448 (2020).
"""

from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics import IsoconfigurationalEnsemble
from glassbotan.errors import InputError
from glassbotan.io.options import ReadOptions, given_box
from glassbotan.io.safe_pickle import load_plain_pickle
from glassbotan.io.species import species_from_types
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray

Contents = dict[str, object]


def read(path: Path, options: ReadOptions) -> Snapshot:
    """Return the snapshot that the trajectories start from."""
    return _snapshot(path, _load(path), options)


def read_ensemble(path: Path, options: ReadOptions) -> IsoconfigurationalEnsemble:
    """Return the snapshot with its trajectories, sorted by time.

    The file orders its times by the value of the scattering function; ``times`` override them in
    the order of the file.
    """
    contents = _load(path)
    snapshot = _snapshot(path, contents, options)
    positions = _target_positions(contents, snapshot)
    stored = _times(contents, str(path)) if options.times is None else options.times
    if len(stored) != len(positions):
        raise InputError(f"{path}: {len(stored)} times for {len(positions)} of target positions")
    # Two values of the scattering function may be met at one and the same stored time.
    increasing, order = np.unique(stored, return_index=True)
    return IsoconfigurationalEnsemble(
        snapshot, increasing, np.array([positions[k] for k in order], dtype=np.float64)
    )


def _load(path: Path) -> Contents:
    contents = load_plain_pickle(path)
    if not isinstance(contents, dict):
        raise InputError(
            f"{path}: holds a {type(contents).__name__}; expected the dictionary of the node-only "
            "network's data, with positions, types and box"
        )
    return cast("Contents", contents)


def _snapshot(path: Path, contents: Contents, options: ReadOptions) -> Snapshot:
    source = str(path)
    positions = _array(contents, "positions", source)
    if positions.ndim != 2 or positions.shape[1] not in (2, 3):
        raise InputError(f"{source}: positions have shape {list(positions.shape)}; expected [N, 3]")
    box = options.box if options.box is not None else _array(contents, "box", source)
    metadata = contents.get("metadata")
    temperature = metadata.get("temperature") if isinstance(metadata, dict) else None
    return Snapshot(
        positions=positions.astype(np.float64),
        species=species_from_types(
            _array(contents, "types", source), options.species, first=0, source=source
        ),
        box=given_box(box, positions.shape[1], source),
        temperature=temperature if isinstance(temperature, int | float) else None,
        source=source,
    )


def _array(contents: Contents, name: str, source: str) -> NDArray[np.float64]:
    values = contents.get(name)
    if isinstance(values, list) and all(isinstance(v, int | float) for v in values):
        # Whole numbers that no float holds become objects, and are refused.
        values = np.array(values)
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "iuf":
        raise InputError(f"{source}: has no array of numbers {name!r}")
    return values


def _times(contents: Contents, source: str) -> FloatArray:
    times = _array(contents, "time", source).reshape(-1)
    indices = _array(contents, "time_indices", source).reshape(-1)
    whole = np.rint(indices)
    if np.any(whole != indices) or np.any(whole < 0) or np.any(whole >= len(times)):
        raise InputError(
            f"{source}: time_indices do not all point into the list of {len(times)} times"
        )
    return times[whole.astype(np.int64)].astype(np.float64)


def _target_positions(contents: Contents, snapshot: Snapshot) -> list[list[NDArray[np.generic]]]:
    """Return the lists of the file, checked to be T times R arrays [N, d]."""
    targets = contents.get("trajectory_target_positions")
    if not isinstance(targets, list) or not targets or not isinstance(targets[0], list):
        raise InputError(
            f"{snapshot.source}: trajectory_target_positions is not a list of times of "
            "lists of trajectories"
        )
    for time, trajectories in enumerate(targets):
        if not isinstance(trajectories, list) or len(trajectories) != len(targets[0]):
            raise InputError(
                f"{snapshot.source}: trajectory_target_positions[{time}] does not hold "
                f"{len(targets[0])} trajectories as the first time does"
            )
        for positions in trajectories:
            plain = isinstance(positions, np.ndarray) and positions.dtype.kind in "iuf"
            if not plain or positions.shape != snapshot.positions.shape:
                raise InputError(
                    f"{snapshot.source}: trajectory_target_positions[{time}] holds something else "
                    f"than positions of shape {list(snapshot.positions.shape)}"
                )
    return targets
