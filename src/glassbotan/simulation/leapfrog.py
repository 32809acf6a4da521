"""What the engine ``ensemble`` has in common on a CPU and on a GPU: keys, states, checks."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import InputError
from glassbotan.simulation.engine import State, Task
from glassbotan.structure.periodic import FloatArray

MAX_SPECIES = 16

STEPS_BETWEEN_CHECKS = 200
ENERGY_TOLERANCE = 0.02
"""Part of the kinetic energy by which the total energy may drift before a run is given up."""
TEMPERATURE_TOLERANCE = 3.0
"""Multiple of the thermostat's temperature at which a run is given up."""
HEAT_TOLERANCE = 10.0
"""Multiple of the kinetic energy at ``temperature`` at which any run is given up at once."""


def check_task(task: Task) -> None:
    """Raise InputError where the engine knows no such integrator, or not so many species."""
    if task.settings.integrator not in ("nve", "langevin"):
        raise InputError(
            f"the ensemble engine has no integrator {task.settings.integrator!r}; use 'nve' or "
            "'langevin', or the engine 'lammps'"
        )
    if task.potential.n_species > MAX_SPECIES:
        raise InputError(f"the ensemble engine knows at most {MAX_SPECIES} species")


def noise_keys(task: Task) -> NDArray[np.uint64]:
    """Return what the thermostat's random numbers in each trajectory follow from, shape [R]."""
    sources = [task.random_source(k, purpose=1) for k in task.trajectories]
    return np.array([source.generate_state(1, np.uint64)[0] for source in sources])


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


def thermal_energy(task: Task) -> float:
    """Return the kinetic energy of all particles at the task's temperature."""
    return 0.5 * task.snapshot.positions.size * task.settings.temperature


def what_blew_up(
    task: Task, step: int, potential: FloatArray, kinetic: FloatArray, initial: FloatArray
) -> str | None:
    """Return which trajectory of a task blew up and how, or None.

    Parameters
    ----------
    task
        What is run.
    step
        That its trajectories are at.
    potential, kinetic, initial
        Energies of now, and the total energy at the start, of each trajectory, shape [R].

    """
    thermal, timestep = thermal_energy(task), task.settings.timestep
    if task.settings.integrator == "nve":
        drift = np.abs(potential + kinetic - initial)
        bad = ~(drift <= ENERGY_TOLERANCE * np.maximum(kinetic, thermal))
        what = f"the total energy drifted by more than {ENERGY_TOLERANCE:.0%} of the kinetic"
    else:
        bad = ~(kinetic <= TEMPERATURE_TOLERANCE * thermal)
        what = f"the temperature rose above {TEMPERATURE_TOLERANCE:g} times the thermostat's"
    bad |= ~(kinetic <= HEAT_TOLERANCE * thermal)
    if not np.any(bad):
        return None
    index = task.trajectories[int(np.flatnonzero(bad)[0])]
    return (
        f"{task.snapshot.source}: trajectory {index} blew up by step {step} "
        f"(t = {step * timestep:g}): {what}; use a timestep shorter than {timestep:g}"
    )
