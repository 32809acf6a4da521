"""The cage state: where particles are on average while nothing rearranges.

Alkemade, Smallenburg, Filion, J. Chem. Phys. 158, 134512 (2023). Sampling has no clock: it says
what the structure holds, not what a simulation of the same length would show.
"""

import logging
import os
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from glassbotan.errors import InputError
from glassbotan.progress import Progress, silent
from glassbotan.simulation import ensemble_engine
from glassbotan.simulation.cage_statistics import PairSums, ParticleSums
from glassbotan.simulation.cages import Cages
from glassbotan.simulation.engine import Run, Task
from glassbotan.simulation.plausible import check_plausible
from glassbotan.simulation.settings import DynamicsSettings
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.potential import KOB_ANDERSEN, PairPotential
from glassbotan.structure.snapshot import IntArray

LOGGER = logging.getLogger("glassbotan")

REPLICAS_A_THREAD = 8
"""The fewest that keep a processor core's vector units busy."""

MOST_REPLICAS = 1024
"""Each takes memory of its own."""


@dataclass(frozen=True)
class CageRecipe:
    """How a cage state is sampled, Lennard-Jones units.

    Attributes
    ----------
    temperature
        That particles are sampled at; not that of the glass, if cages are to be explored.
    radius, stiffness
        Of the walls around the centres; see :class:`glassbotan.simulation.cages.Cages`.
    replicas
        Independent runs, an even number: halves of them tell the sampling error.
    burn_in, duration
        Time before the first sample, and time that is sampled, of each replica.
    timestep, damping
        Of the Langevin dynamics; see :class:`glassbotan.simulation.DynamicsSettings`.
    interval, pair_interval
        Between samples of particles, a multiple of the timestep, and of pairs, a multiple of that.

    Raises
    ------
    InputError
        A number is not positive (the burn-in: negative), replicas are odd, or intervals do not fit.

    """

    temperature: float
    radius: float
    stiffness: float = 200.0
    replicas: int = 16
    burn_in: float = 3.0
    duration: float = 10.0
    timestep: float = 0.01
    damping: float = 5.0
    interval: float = 0.1
    pair_interval: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be sampled."""
        for name in ("radius", "stiffness", "duration", "interval", "pair_interval"):
            if not _number(getattr(self, name)) > 0:
                raise InputError(
                    f"cage state: the {name} is {getattr(self, name)!r}; it must be a positive "
                    "number"
                )
        if not _number(self.burn_in) >= 0:
            raise InputError(
                f"cage state: the burn_in is {self.burn_in!r}; it must be a number from 0 on"
            )
        if _number(self.replicas) not in range(2, MOST_REPLICAS + 1, 2):
            raise InputError(
                f"cage state: {self.replicas!r} replicas; the number must be even, 2 to "
                f"{MOST_REPLICAS}"
            )
        # Temperature, timestep and damping are refused here.
        timestep = self.dynamics.timestep
        for long, short in (
            ("interval", timestep),
            ("burn_in", timestep),
            ("pair_interval", self.interval),
            ("duration", self.interval),
        ):
            ratio = getattr(self, long) / short
            if abs(ratio - round(ratio)) > 1e-6 * max(ratio, 1.0):
                raise InputError(
                    f"cage state: the {long} is {getattr(self, long):g}; it must be a multiple of "
                    f"{short:g}"
                )
        if self.pair_interval > self.duration * (1 + 1e-9):
            raise InputError(
                f"cage state: the pair_interval is {self.pair_interval:g}, longer than the "
                f"duration, {self.duration:g}"
            )

    @property
    def dynamics(self) -> DynamicsSettings:
        """The equations of motion."""
        return DynamicsSettings(self.temperature, self.timestep, "langevin", self.damping)


@dataclass(frozen=True, eq=False)
class CageState:
    """Averages over all replicas and samples; every field is an array.

    Displacements are r - r(0) from the snapshot, less that of the replica's centre of mass.

    Attributes
    ----------
    displacement
        Mean displacement, shape [N, d], length units.
    covariance
        Of the position, shape [N, d, d], length^2.
    length
        Mean length of the displacement, shape [N].
    off_centre, contact
        Mean distance from the wall's middle, and fraction of the samples that are beyond its
        radius, shape [N]; the centre of mass is not taken off.
    displacement_of_halves, length_of_halves
        The same means over either half of the replicas, shapes [2, N, d] and [2, N].
    pair_distance, pair_deviation
        Mean and standard deviation of each pair's distance, shape [P]; P is 0 without pairs.

    """

    displacement: FloatArray
    covariance: FloatArray
    length: FloatArray
    off_centre: FloatArray
    contact: FloatArray
    displacement_of_halves: FloatArray
    length_of_halves: FloatArray
    pair_distance: FloatArray
    pair_deviation: FloatArray


def sample_cage_state(
    snapshot: Snapshot,
    centres: FloatArray,
    recipe: CageRecipe,
    *,
    potential: PairPotential = KOB_ANDERSEN,
    pairs: IntArray | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = silent,
) -> CageState:
    """Sample a snapshot with a wall around every particle, so that nothing rearranges.

    Parameters
    ----------
    snapshot
        Where every replica begins, in two or three dimensions.
    centres
        Middles of the walls, as a rule the inherent structure's positions; unwrapped and
        continuous with the snapshot's, shape [N, d].
    recipe
        Temperature, walls, and how much is sampled.
    potential
        The mixture's interaction.
    pairs
        Particles whose distances are sampled, shape [2, P], each pair's the shortest of its
        periodic images in the snapshot, and continuous from there on.
    seed
        Of velocities and noise. The same seed gives the same numbers, whatever the threads.
    threads
        Processor cores; by default as many as this process may use, one for 8 replicas at most.
    progress
        Told the steps done, of each replica.

    Raises
    ------
    InputError
        Centres or pairs are not this snapshot's, the seed is negative, or as
        :func:`glassbotan.simulation.start`.
    RunError
        A replica blew up.

    """
    if seed < 0:
        raise InputError(f"the seed is {seed}; it must be a whole number from 0 on")
    chosen = _checked_pairs(pairs, snapshot)
    settings, centres = recipe.dynamics, np.asarray(centres, dtype=np.float64)
    check_plausible(snapshot, potential, settings)
    task = Task(
        snapshot,
        potential,
        settings,
        tuple(range(recipe.replicas)),
        seed=seed,
        cages=Cages(centres, recipe.radius, recipe.stiffness),
    )
    particles = ParticleSums(centres - snapshot.positions, recipe.radius, task.masses)
    distances = PairSums(snapshot, chosen)
    if threads is None:
        threads = min(cores(), max(1, recipe.replicas // REPLICAS_A_THREAD))
    with closing(_start(task, threads)) as run:
        _sample(run, recipe, particles, distances, progress)
    samples = particles.samples
    of_halves = np.ascontiguousarray(particles.moved.swapaxes(1, 2)) / (samples / 2)
    lengths = particles.lengths / (samples / 2)
    return CageState(
        displacement=of_halves.mean(axis=0),
        covariance=particles.covariance(),
        length=lengths.mean(axis=0),
        off_centre=particles.off_centre / samples,
        contact=particles.beyond / samples,
        displacement_of_halves=of_halves,
        length_of_halves=lengths,
        pair_distance=distances.distance(),
        pair_deviation=distances.deviation(),
    )


def _sample(
    run: Run,
    recipe: CageRecipe,
    particles: ParticleSums,
    distances: PairSums,
    progress: Progress,
) -> None:
    burn_in = round(recipe.burn_in / recipe.timestep)
    stride = round(recipe.interval / recipe.timestep)
    pair_stride = round(recipe.pair_interval / recipe.interval) * stride
    total = burn_in + round(recipe.duration / recipe.interval) * stride
    while run.step < total:
        # Samples begin one interval after the burn-in.
        run.advance(min(stride, burn_in - run.step if run.step < burn_in else stride))
        if run.step > burn_in:
            moved = particles.add(run.displacements())
            if (run.step - burn_in) % pair_stride == 0:
                distances.add(moved)
        progress(run.step, total, "cage state", unit="steps")


def _start(task: Task, threads: int) -> Run:
    """Begin the replicas on the engine that is here."""
    reason = ensemble_engine.missing()
    if reason is None:
        return ensemble_engine.EnsembleRun(task, threads=threads)
    from glassbotan.simulation.device import engine as device_engine

    LOGGER.warning("%s; sampling by the plain form, a hundred times as slow", reason)
    return device_engine.start(task, "cpu-plain")


def cores() -> int:
    """Return how many processor cores this process may use."""
    # Not on every system is that known.
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def _number(value: object) -> float:
    """Return a finite number, or NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        return float("nan")
    return float(value) if np.isfinite(value) else float("nan")


def _checked_pairs(pairs: IntArray | None, snapshot: Snapshot) -> IntArray:
    if pairs is None:
        return np.empty((2, 0), dtype=np.int64)
    given = np.asarray(pairs)
    sound = given.ndim == 2 and given.shape[0] == 2 and given.dtype.kind in "iu"
    if not sound or np.any(given < 0) or np.any(given >= snapshot.n_particles):
        raise InputError(
            f"{snapshot.source}: pairs must be indices of particles, 0 to "
            f"{snapshot.n_particles - 1}, in an array [2, pairs]"
        )
    if np.any(given[0] == given[1]):
        raise InputError(f"{snapshot.source}: a pair must be of two different particles")
    return np.asarray(given, dtype=np.int64)
