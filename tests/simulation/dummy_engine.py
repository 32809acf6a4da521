"""An engine in one file: particles that fly on freely, as a user's own engine might begin."""

import numpy as np

TOGETHER = {"cpu": 4}
INTEGRATORS = ("nve",)
CAGES, RANKS = False, False


def missing(device, ranks):
    return None


def start(task, device, ranks):
    return FreeFlight(task)


class FreeFlight:
    """Trajectories of particles that feel no forces."""

    def __init__(self, task):
        self.step = 0
        self._task, self._velocities = task, task.initial_velocities()

    def advance(self, steps):
        self.step += steps

    def displacements(self):
        return self.step * self._task.settings.timestep * self._velocities

    def velocities(self):
        return self._velocities

    def energies(self):
        kinetic = 0.5 * np.einsum("n,rnd->r", self._task.masses, self._velocities**2)
        return np.zeros_like(kinetic), kinetic

    def state(self):
        return {"step": np.array(self.step)}

    def restore(self, state):
        self.step = int(state["step"])

    def close(self):
        pass
