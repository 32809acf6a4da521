"""Molecular dynamics of many trajectories of one configuration at once.

The trajectories of an isoconfigurational ensemble start from one snapshot and stay near it for
long. The native engine keeps displacements from the snapshot as [N, 3, lanes], with one Verlet
list for all trajectories of a group, so that a vector instruction computes one pair of particles
for 4, 8 or 16 trajectories. A trajectory's numbers depend neither on the others, nor on threads,
nor on when neighbour lists are made or the run is interrupted.
"""

import ctypes
from collections.abc import Mapping
from ctypes import c_double
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import InputError, RunError
from glassbotan.native_library import Variant
from glassbotan.simulation import native
from glassbotan.simulation.engine import Run, State, Task
from glassbotan.simulation.leapfrog import (
    HEAT_TOLERANCE,
    STEPS_BETWEEN_CHECKS,
    LeapfrogState,
    check_task,
    noise_keys,
    read_state,
    thermal_energy,
    what_blew_up,
)
from glassbotan.simulation.settings import Integrator
from glassbotan.structure.interaction.form import Powers
from glassbotan.structure.interaction.spline import INTERVALS, spline_table
from glassbotan.structure.periodic import FloatArray, in_space, wrap
from glassbotan.structure.potential import PairPotential, interacting_pairs

SingleArray = NDArray[np.float32]
MISSING = (
    "the engine 'ensemble' was not built; install glassbotan where a C++ compiler (g++ or "
    "clang++) is at hand, or use the engine 'lammps'"
)

OUTER_SKIN, INNER_SKIN = 1.0, 0.2
"""Reach of the two neighbour lists beyond the cutoff, length units; fastest at T = 0.44."""


class EnsembleRun:
    """R trajectories of one snapshot that move together.

    Velocity Verlet (constant energy) with the centre of mass kept at rest, or Langevin dynamics
    (BAOAB: Leimkuhler, Matthews, Appl. Math. Res. Express 2013, 34 (2013)).

    Where forces are cut at the cutoff (as is the custom) instead of shifted to zero there, every
    pair that crosses the cutoff within a time step changes the total energy a little: a random
    walk, and with it, as the map preserves volume in phase space, a slow heating: 2e-10 of the
    total energy a step at T = 0.44.

    Parameters
    ----------
    task
        Snapshot, potential, equations of motion ("nve" or "langevin"), trajectories, and cages if
        particles are to stay in theirs (the centre of mass is not held at rest then).
    threads
        Processor cores to use; groups of trajectories are spread over them.
    instruction_set
        One of :func:`instruction_sets`; by default the fastest for R and ``threads``.

    Raises
    ------
    InputError
        The engine was not built, an option makes no sense, the potential does not know a species,
        the box is shorter than twice the cutoff, or particles overlap.

    """

    def __init__(
        self,
        task: Task,
        *,
        threads: int = 1,
        instruction_set: str | None = None,
    ) -> None:
        self._engine = _engine()
        self._task, self.threads = task, threads
        self.snapshot, self.timestep = task.snapshot, task.settings.timestep
        self.trajectories = len(task.trajectories)
        if threads < 1:
            raise InputError(f"threads is {threads}; it must be at least 1")
        check_task(task)
        # Unknown species, overlaps and short boxes are refused here.
        interacting_pairs(task.snapshot, task.potential)
        self._masses = task.masses
        self.variant = _variant(instruction_set, self.trajectories, threads)
        system, arrays = _system(task)
        seeds = noise_keys(task)
        self._run = self._engine.ensemble_new(
            ctypes.byref(system), self.variant.index, self.trajectories, seeds.ctypes.data
        )
        del arrays  # the engine keeps its own copies
        if not self._run:
            raise RunError(
                f"{task.snapshot.source}: no memory for {self.trajectories} trajectories"
            )
        velocities = task.initial_velocities()
        nowhere = np.zeros_like(velocities, dtype=np.float32)
        self._set(0, nowhere, nowhere, nowhere)
        half_kick = 0.5 * self.timestep * self.forces() / self._masses[:, None]
        self._set(0, nowhere, nowhere, (velocities - half_kick).astype(np.float32))
        self.initial_energy = np.sum(self.energies(), axis=0)

    def __del__(self) -> None:
        """Give the native memory back."""
        self.close()

    @property
    def step(self) -> int:
        """Steps since the initial configuration."""
        return int(self._engine.ensemble_step(self._run))

    def advance(self, steps: int) -> None:
        """Move every trajectory on by so many time steps.

        Raises
        ------
        RunError
            A trajectory blew up: particles move without bounds, the total energy drifted (nve), or
            the temperature is far above the thermostat's (langevin). The run is of no use then.

        """
        if steps < 0:
            raise InputError(
                f"a run cannot advance by {steps} steps; the number must not be negative"
            )
        target = self.step + steps
        while (now := self.step) < target:
            check = (now // STEPS_BETWEEN_CHECKS + 1) * STEPS_BETWEEN_CHECKS
            end = self._engine.ensemble_advance(self._run, min(check, target) - now, self.threads)
            self._raise_unless_done(end)
            if self.step in (check, target):
                self._check_energy()

    def displacements(self) -> FloatArray:
        """Return r_i(t) - r_i(0), unwrapped, shape [R, N, d], length units."""
        high, low = self._displacements()
        return high.astype(np.float64) - low

    def positions(self) -> FloatArray:
        """Return unwrapped positions, continuous with the snapshot's, shape [R, N, d]."""
        return self.snapshot.positions + self.displacements()

    def velocities(self) -> FloatArray:
        """Return velocities at the time of the positions, shape [R, N, d]."""
        return self._velocities(self.forces())

    def forces(self) -> FloatArray:
        """Return the force on every particle, shape [R, N, d], energy / length."""
        return self._evaluate()[0]

    def energies(self) -> tuple[FloatArray, FloatArray]:
        """Return potential and kinetic energy of every trajectory, each of shape [R]."""
        forces, potential = self._evaluate()
        velocities = self._velocities(forces)
        return potential, 0.5 * np.einsum("n,rnd,rnd->r", self._masses, velocities, velocities)

    def state(self) -> State:
        """Return what :meth:`restore` needs to go on from here bit for bit.

        See :class:`glassbotan.simulation.leapfrog.LeapfrogState`; single precision.
        """
        displacements, lost = self._displacements()
        state = LeapfrogState(
            self.step, displacements, lost, self._half_velocities(), self.initial_energy
        )
        return state.stored(self._task)

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go to a state that :meth:`state` returned, of a run that was started alike.

        Raises
        ------
        InputError
            The state is not of this engine, or of other trajectories, particles or dimensions.

        """
        read = read_state(state, self._task)
        moving = (read.displacements, read.lost, read.half_velocities)
        self._set(read.step, *(array.astype(np.float32) for array in moving))
        self.initial_energy = read.initial_energy

    def close(self) -> None:
        """Give the native memory back."""
        if getattr(self, "_run", None):
            self._engine.ensemble_delete(self._run)
            self._run = None

    def counters(self) -> dict[str, int]:
        """Return how often pair lists were made and how long they were, summed over groups."""
        counters = native.Counters()
        self._engine.ensemble_counters(self._run, ctypes.byref(counters))
        return {name: getattr(counters, name) for name in native.COUNTED}

    def listed_pairs(self, group: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the two particles of every pair in a group's inner list, each of shape [P]."""
        count = self._engine.ensemble_pairs(self._run, group, None, None, 0)
        first, second = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
        self._engine.ensemble_pairs(self._run, group, first.ctypes.data, second.ctypes.data, count)
        return first, second

    def _evaluate(self) -> tuple[FloatArray, FloatArray]:
        forces = np.empty((self.trajectories, self.snapshot.n_particles, 3))
        potential = np.empty(self.trajectories)
        end = self._engine.ensemble_evaluate(
            self._run, forces.ctypes.data, potential.ctypes.data, self.threads
        )
        self._raise_unless_done(end)
        return forces[..., : self.snapshot.dimension], potential

    def _velocities(self, forces: FloatArray) -> FloatArray:
        half_kick = 0.5 * self.timestep * forces / self._masses[:, None]
        return self._half_velocities() + half_kick

    def _set(self, step: int, high: SingleArray, low: SingleArray, half: SingleArray) -> None:
        padded = [in_space(array) for array in (high, low, half)]
        self._engine.ensemble_set_step(self._run, step)
        self._engine.ensemble_set_displacements(
            self._run, padded[0].ctypes.data, padded[1].ctypes.data
        )
        self._engine.ensemble_set_half_velocities(self._run, padded[2].ctypes.data)

    def _displacements(self) -> tuple[SingleArray, SingleArray]:
        high, low = self._empty(), self._empty()
        self._engine.ensemble_get_displacements(self._run, high.ctypes.data, low.ctypes.data)
        d = self.snapshot.dimension
        return high[..., :d], low[..., :d]

    def _half_velocities(self) -> SingleArray:
        half = self._empty()
        self._engine.ensemble_get_half_velocities(self._run, half.ctypes.data)
        return half[..., : self.snapshot.dimension]

    def _empty(self) -> SingleArray:
        return np.empty((self.trajectories, self.snapshot.n_particles, 3), dtype=np.float32)

    def _raise_unless_done(self, end: int) -> None:
        if end == native.BLOWN_UP:
            raise RunError(
                f"{self.snapshot.source}: a trajectory blew up by step {self.step}: particles "
                f"move without bounds; use a timestep shorter than {self.timestep:g}"
            )
        if end == native.OUT_OF_MEMORY:
            raise RunError(f"{self.snapshot.source}: no memory for the pair lists")

    def _check_energy(self) -> None:
        blown_up = what_blew_up(self._task, self.step, *self.energies(), self.initial_energy)
        if blown_up is not None:
            raise RunError(blown_up)


TOGETHER = {"cpu": 16, "cuda": 32, "cpu-plain": 32}
"""Vectors of a CPU, and a warp of a GPU. "cpu-plain" is the plain form of what runs on a GPU, on
the CPU: slow, and for tests."""
INTEGRATORS: tuple[Integrator, ...] = ("nve", "langevin")
CAGES, RANKS = True, False


def missing(device: str = "cpu", ranks: int = 1) -> str | None:  # noqa: ARG001 - any engine's
    """Return what to do where native library or device are not here, else None."""
    if device == "cpu":
        return None if native.load() is not None else MISSING
    from glassbotan.simulation.device.engine import missing as missing_device

    return missing_device(device)


def start(task: Task, device: str = "cpu", ranks: int = 1) -> Run:  # noqa: ARG001 - any engine's
    """Begin the task's trajectories, at step 0."""
    if device == "cpu":
        return EnsembleRun(task)
    from glassbotan.simulation.device import engine as device_engine

    return device_engine.start(task, device)


def instruction_sets() -> list[str]:
    """Return the names of the instruction sets that can be used here, best first."""
    return [variant.name for variant in native.variants()]


def _engine() -> Any:
    library = native.load()
    if library is None:
        raise InputError(MISSING)
    return library


def _variant(name: str | None, trajectories: int, threads: int) -> Variant:
    variants = {variant.name: variant for variant in native.variants()}
    if name in variants:
        return variants[name]
    if name is not None:
        raise InputError(
            f"instruction set {name!r} is not to be had here; use one of {', '.join(variants)}"
        )

    def duration(variant: Variant) -> float:
        rounds = -(-trajectories // (variant.lanes * threads))
        # A vector of twice the lanes takes some 1.7 times as long.
        return float(rounds * variant.lanes**0.77)

    return min(variants.values(), key=duration)


def _system(task: Task) -> tuple[native.System, list[NDArray[Any] | None]]:
    """Return the native description and the arrays that it points to."""
    snapshot, potential, settings = task.snapshot, task.potential, task.settings
    species = snapshot.species.astype(np.int32)
    origin = in_space(wrap(snapshot.positions, snapshot.box))
    law, terms, splines = _interaction(potential)
    assert potential.masses is not None
    inverse_mass = np.asarray(1 / potential.masses)
    thermostatted = settings.integrator == "langevin"
    velocity_kept = float(np.exp(-settings.timestep / settings.damping)) if thermostatted else 1.0
    kick = np.asarray(np.sqrt(settings.temperature * (1 - velocity_kept**2) * inverse_mass))

    cages = task.cages
    centres = None if cages is None else in_space(cages.centres - snapshot.positions)

    def pointer(array: NDArray[Any] | None) -> Any:
        if array is None:
            return None
        kind = np.ctypeslib.as_ctypes_type(array.dtype)
        return array.ctypes.data_as(ctypes.POINTER(kind))

    system = native.System(
        particles=snapshot.n_particles,
        species_count=potential.n_species,
        species=pointer(species),
        origin=pointer(origin),
        box=(c_double * 3)(*in_space(snapshot.box)),
        dimension=snapshot.dimension,
        terms=pointer(terms),
        inverse_mass=pointer(inverse_mass),
        cutoff=float(potential.cutoff.max()),
        law=law,
        spline_forces=pointer(splines and splines[0]),
        spline_energies=pointer(splines and splines[1]),
        intervals=INTERVALS if splines else 0,
        timestep=settings.timestep,
        thermostatted=thermostatted,
        velocity_kept=velocity_kept,
        kick=pointer(kick),
        largest_kinetic_energy=HEAT_TOLERANCE * thermal_energy(task),
        cage_centres=pointer(centres),
        cage_radius=0.0 if cages is None else cages.radius,
        cage_stiffness=0.0 if cages is None else cages.stiffness,
        outer_skin=OUTER_SKIN,
        inner_skin=INNER_SKIN,
    )
    return system, [species, origin, terms, *(splines or ()), inverse_mass, kick, centres]


def _interaction(
    potential: PairPotential,
) -> tuple[int, FloatArray, tuple[SingleArray, SingleArray] | None]:
    """Return the law, a PairTerm of every pair of species [S, S, 9], and splines."""
    powers, none, splines = potential.powers, np.zeros_like(potential.cutoff), None
    law, places = native.CUT, [none, none]
    if powers is None:
        table = spline_table(potential)
        powers, law, places = Powers(*[none] * 6), native.SPLINE, [table.start, table.scale]
        splines = table.force.astype(np.float32), table.energy.astype(np.float32)
    elif np.any(powers.quadratic) or np.any(powers.quartic):
        law = native.SMOOTH
    elif np.any(powers.slope):
        law = native.SHIFTED
    rows = [*powers[:2], potential.cutoff**2, *powers[2:], *places]
    return law, np.ascontiguousarray(np.stack(rows, axis=-1)), splines
