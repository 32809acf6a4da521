"""What every engine offers: a run of one or more trajectories that leave one snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import InputError
from glassbotan.simulation.cages import Cages
from glassbotan.simulation.settings import DynamicsSettings, Integrator
from glassbotan.simulation.velocities import maxwell_boltzmann, relative_to_centre, trajectory_seed
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.potential import PairPotential

State = dict[str, NDArray[np.generic]]


class Run(Protocol):
    """R trajectories under way, all at the same step.

    ``advance`` raises RunError where a trajectory blows up, naming the step; the run is then of
    no further use, and nothing of that trajectory is valid.
    """

    @property
    def step(self) -> int:
        """The number of timesteps done."""

    def advance(self, steps: int) -> None:
        """Integrate every trajectory by a number of timesteps."""

    def displacements(self) -> FloatArray:
        """Return r(t) - r(0), shape [R, N, d], length units; unwrapped."""

    def velocities(self) -> FloatArray:
        """Return the velocities, shape [R, N, d]."""

    def energies(self) -> tuple[FloatArray, FloatArray]:
        """Return potential and kinetic energy of the whole system, each of shape [R]."""

    def state(self) -> State:
        """Return what :meth:`restore` needs to go on exactly as this run would."""

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go to a state that :meth:`state` returned, of a run that was started alike."""

    def close(self) -> None:
        """Let go of memory and libraries."""


@dataclass(frozen=True, eq=False)
class Task:
    """What an engine is asked to run.

    Attributes
    ----------
    snapshot
        Where all trajectories begin.
    potential, settings
        Interaction and equations of motion.
    trajectories
        Their indices in the ensemble, shape [R]; an index names the same trajectory in every run.
    seed, snapshot_index
        With a trajectory's index, what its random numbers follow from: the ensemble's or campaign's
        seed, and the snapshot's number in it.
    velocities
        That the trajectories set out with, shape [R, N, d], for a run that goes on from another;
        drawn from the Maxwell-Boltzmann distribution by default.
    cages
        Walls that keep every particle near a place of its own, so that none rearranges; none by
        default.

    Raises
    ------
    InputError
        An index or seed is negative, velocities are not finite numbers of that shape, or the cages
        are not for these particles.

    """

    snapshot: Snapshot
    potential: PairPotential
    settings: DynamicsSettings
    trajectories: tuple[int, ...]
    seed: int = 0
    snapshot_index: int = 0
    velocities: FloatArray | None = None
    cages: Cages | None = None

    def __post_init__(self) -> None:
        """Refuse numbers, velocities and cages that cannot be these trajectories'."""
        numbers = tuple(_natural(index, "trajectory") for index in self.trajectories)
        if not numbers or len(set(numbers)) < len(numbers):
            raise InputError(f"trajectories {list(numbers)}: give at least one, and none twice")
        object.__setattr__(self, "trajectories", numbers)
        for name in ("seed", "snapshot_index"):
            object.__setattr__(self, name, _natural(getattr(self, name), name.replace("_", " ")))
        shape = (len(self.trajectories), *self.snapshot.positions.shape)
        given = self.velocities
        if given is not None and not (np.shape(given) == shape and np.all(np.isfinite(given))):
            raise InputError(
                f"{self.snapshot.source}: velocities have shape {list(np.shape(given))}; expected "
                f"finite numbers in {list(shape)} (trajectories, particles, dimensions)"
            )
        if self.cages is not None and self.cages.centres.shape != self.snapshot.positions.shape:
            raise InputError(
                f"{self.snapshot.source}: centres of cages have shape "
                f"{list(self.cages.centres.shape)}, positions {list(self.snapshot.positions.shape)}"
            )

    @property
    def masses(self) -> FloatArray:
        """The mass of each particle, shape [N]."""
        return self.potential.particle_masses(self.snapshot.species)

    def random_source(self, trajectory: int, purpose: int = 0) -> np.random.SeedSequence:
        """Return the random numbers of the trajectory with that index; see trajectory_seed."""
        return trajectory_seed(
            self.seed, snapshot=self.snapshot_index, trajectory=trajectory, purpose=purpose
        )

    def initial_velocities(self) -> FloatArray:
        """Return the velocities that the trajectories set out with, shape [R, N, d].

        The centre of mass is at rest.
        """
        if self.velocities is not None:
            return relative_to_centre(self.velocities, self.masses)
        masses, dimension = self.masses, self.snapshot.dimension
        temperature, sources = self.settings.temperature, map(self.random_source, self.trajectories)
        return np.stack([maxwell_boltzmann(masses, dimension, temperature, s) for s in sources])


def _natural(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise InputError(f"the {name} is {value!r}; it must be a whole number from 0 on")
    return int(value)


class Engine(Protocol):
    """A module that runs tasks; registered by a line in :mod:`glassbotan.simulation.engines`."""

    TOGETHER: Mapping[str, int]
    """Each device that it runs on ("cpu" ...), and how many trajectories of one snapshot it runs
    best at once there."""
    INTEGRATORS: tuple[Integrator, ...]
    """Equations of motion that it integrates."""
    CAGES: bool
    """Whether it knows walls around particles."""
    RANKS: bool
    """Whether several processes can share a trajectory."""

    def missing(self, device: str, ranks: int) -> str | None:
        """Return why it cannot run here and what to install, or None where it can."""

    def start(self, task: Task, device: str, ranks: int) -> Run:
        """Begin the task's trajectories, at step 0."""
