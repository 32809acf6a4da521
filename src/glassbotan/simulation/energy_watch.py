"""Whether trajectories of the engine ``ensemble``, on a CPU or a GPU, are still to be believed."""

import numpy as np

from glassbotan.simulation.engine import Task
from glassbotan.structure.periodic import FloatArray

STEPS_BETWEEN_CHECKS = 200
ENERGY_TOLERANCE = 0.02
"""Part of the kinetic energy by which the total energy may drift before a run is given up."""
TEMPERATURE_TOLERANCE = 3.0
"""Multiple of the thermostat's temperature at which a run is given up."""
HEAT_TOLERANCE = 10.0
"""Multiple of the kinetic energy at ``temperature`` at which any run is given up at once."""


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
