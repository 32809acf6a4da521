"""What the engine ``ensemble``, on a CPU or a GPU, keeps of a run to go on from."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import InputError
from glassbotan.simulation.engine import State, Task
from glassbotan.structure.periodic import FloatArray


class LeapfrogState(NamedTuple):
    """R trajectories between two steps.

    Attributes
    ----------
    step
        Timesteps done.
    displacements, lost
        The displacement from the snapshot is ``displacements - lost``, what their precision left
        out; [R, N, d].
    half_velocities
        Half a step before, [R, N, d].
    initial_energy
        Total energy at step 0, [R].

    """

    step: int
    displacements: NDArray[Any]
    lost: NDArray[Any]
    half_velocities: NDArray[Any]
    initial_energy: FloatArray

    def stored(self, task: Task) -> State:
        """Return the state of a task's run as arrays with names."""
        arrays = {name: np.array(value) for name, value in self._asdict().items()}
        return {**arrays, "trajectories": np.array(task.trajectories)}


def read_state(state: Mapping[str, NDArray[np.generic]], task: Task) -> LeapfrogState:
    """Return a stored state of a task's run.

    Raises
    ------
    InputError
        It is not of this engine, or of other trajectories, particles or dimensions, or damaged.

    """
    here = list(task.trajectories)
    shape = (len(here), *task.snapshot.positions.shape)
    try:
        there = np.asarray(state["trajectories"]).tolist()
        read = LeapfrogState(
            int(state["step"]),
            np.asarray(state["displacements"]),
            np.asarray(state["lost"]),
            np.asarray(state["half_velocities"]),
            np.array(state["initial_energy"], dtype=np.float64),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"the checkpoint is none of the engine 'ensemble' ({error})") from None
    if there != here:
        raise InputError(f"the checkpoint is of trajectories {there}; this run's are {here}")
    moving = (read.displacements, read.lost, read.half_velocities)
    if any(array.shape != shape for array in moving):
        raise InputError(
            f"the checkpoint's displacements have shape {list(read.displacements.shape)}; this "
            f"run's are {list(shape)} (trajectories, particles, dimensions)"
        )
    finite = all(
        array.dtype.kind in "fiu" and np.isfinite(array).all()
        for array in (*moving, read.initial_energy)
    )
    if read.step < 0 or read.initial_energy.shape != shape[:1] or not finite:
        raise InputError("the checkpoint is damaged; start this run again")
    return read
