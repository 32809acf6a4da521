"""Molecular dynamics of many trajectories of one configuration at once.

The trajectories of an isoconfigurational ensemble start from one snapshot and stay near it for
long. The native engine keeps displacements from the snapshot as [N, 3, lanes], with one Verlet
list for all trajectories of a group, so that a vector instruction computes one pair of particles
for 4, 8 or 16 trajectories. A trajectory's numbers depend neither on the others, nor on threads,
nor on when neighbour lists are made or the run is interrupted.
"""

import ctypes
from collections.abc import Sequence
from ctypes import c_double, c_int32
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import InputError, RunError
from glassbotan.simulation import native
from glassbotan.simulation.velocities import at_rest, draw_velocities
from glassbotan.structure.periodic import FloatArray, wrap
from glassbotan.structure.potential import KOB_ANDERSEN, PairPotential, interacting_pairs
from glassbotan.structure.snapshot import Snapshot

SingleArray = NDArray[np.float32]
Dynamics = Literal["nve", "langevin"]

OUTER_SKIN, INNER_SKIN = 1.0, 0.2
"""Reach of the two neighbour lists beyond the cutoff, length units; fastest at T = 0.44."""

STEPS_BETWEEN_CHECKS = 200
ENERGY_TOLERANCE = 0.02
"""Part of the kinetic energy by which the total energy may drift before a run is given up."""
TEMPERATURE_TOLERANCE = 3.0
"""Multiple of the thermostat's temperature at which a run is given up."""
HEAT_TOLERANCE = 10.0
"""Multiple of the kinetic energy at ``temperature`` at which any run is given up at once."""


@dataclass(frozen=True, eq=False)
class EnsembleState:
    """Everything that a run needs to go on bit for bit.

    Attributes
    ----------
    step
        Steps since the initial configuration.
    displacements, lost
        The displacement from the snapshot is ``displacements - lost``; ``lost`` is what single
        precision left out. Shape [R, N, d], length units.
    half_velocities
        Velocities half a step before (leapfrog), shape [R, N, d].
    initial_energy
        Total energy at step 0, shape [R], energy units.

    """

    step: int
    displacements: SingleArray
    lost: SingleArray
    half_velocities: SingleArray
    initial_energy: FloatArray


class EnsembleRun:
    """R trajectories of one snapshot that move together.

    Velocity Verlet (constant energy) with the centre of mass kept at rest, or Langevin dynamics
    (BAOAB: Leimkuhler, Matthews, Appl. Math. Res. Express 2013, 34 (2013)).

    Parameters
    ----------
    snapshot
        The configuration that all start from, in two or three dimensions.
    potential
        The mixture's interaction.
    temperature
        Of the Maxwell-Boltzmann distribution that velocities are drawn from, and of the
        thermostat, epsilon/k_B.
    trajectories
        Their number R.
    first_trajectory
        Index of the first in the ensemble: seeds are derived from ``seed`` and the index.
    seed
        Of the ensemble.
    timestep
        Lennard-Jones time units.
    dynamics
        "nve" or "langevin".
    friction
        Rate at which Langevin dynamics forgets velocities, 1 / time.
    masses
        Of each species, shape [S]; 1 by default.
    force_shifted
        Whether forces, too, are shifted to zero at the cutoff. Where they are cut instead (as is
        the custom), every pair that crosses the cutoff within a time step changes the total energy
        a little: a random walk, and with it, as the map preserves volume in phase space, a slow
        heating: 2e-10 of the total energy a step at T = 0.44.
    velocities
        Instead of drawn ones, shape [R, N, d]; the centre of mass is brought to rest.
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
        snapshot: Snapshot,
        potential: PairPotential = KOB_ANDERSEN,
        *,
        temperature: float,
        trajectories: int = 32,
        first_trajectory: int = 0,
        seed: int = 0,
        timestep: float = 0.005,
        dynamics: Dynamics = "nve",
        friction: float = 1.0,
        masses: Sequence[float] | FloatArray | None = None,
        force_shifted: bool = False,
        velocities: FloatArray | None = None,
        threads: int = 1,
        instruction_set: str | None = None,
    ) -> None:
        self._engine = _engine()
        self.snapshot, self.timestep, self.threads = snapshot, timestep, threads
        self.temperature, self.dynamics, self.trajectories = temperature, dynamics, trajectories
        _check_options(temperature, trajectories, first_trajectory, seed, timestep, threads)
        if dynamics not in ("nve", "langevin"):
            raise InputError(f"dynamics {dynamics!r} is unknown; use 'nve' or 'langevin'")
        if dynamics == "langevin":
            _check_positive("friction", friction)
        # Unknown species, overlaps and short boxes are refused here.
        interacting_pairs(snapshot, potential)
        mass = _masses(masses, potential)
        self._masses = mass[snapshot.species]
        self.variant = _variant(instruction_set, trajectories, threads)
        system, arrays = _system(
            snapshot, potential, mass, force_shifted=force_shifted, timestep=timestep
        )
        thermal = 0.5 * temperature * snapshot.dimension * snapshot.n_particles
        system.largest_kinetic_energy = HEAT_TOLERANCE * thermal
        if dynamics == "langevin":
            kept = float(np.exp(-friction * timestep))
            kick = np.sqrt(temperature * (1 - kept**2) / mass)
            arrays.append(kick)
            system.thermostatted, system.velocity_kept = True, kept
            system.kick = kick.ctypes.data_as(ctypes.POINTER(c_double))
        indices = range(first_trajectory, first_trajectory + trajectories)
        seeds = np.array([_thermostat_seed(seed, k) for k in indices], dtype=np.uint64)
        self._run = self._engine.ensemble_new(
            ctypes.byref(system), self.variant.index, trajectories, seeds.ctypes.data
        )
        if not self._run:
            raise RunError(f"{snapshot.source}: no memory for {trajectories} trajectories")
        if velocities is None:
            drawn = [
                draw_velocities(
                    self._masses, snapshot.dimension, temperature, seed=seed, trajectory=k
                )
                for k in indices
            ]
            velocities = np.stack(drawn)
        self._start(velocities)

    def _start(self, velocities: FloatArray) -> None:
        shape = (self.trajectories, self.snapshot.n_particles, self.snapshot.dimension)
        if velocities.shape != shape or not np.all(np.isfinite(velocities)):
            raise InputError(
                f"velocities have shape {list(velocities.shape)}; expected finite numbers in "
                f"{list(shape)} (trajectories, particles, dimensions)"
            )
        nowhere = np.zeros(shape, dtype=np.float32)
        self._set(0, nowhere, nowhere, nowhere)
        half_kick = 0.5 * self.timestep * self.forces() / self._masses[:, None]
        half = at_rest(np.asarray(velocities, dtype=np.float64), self._masses) - half_kick
        self._set(0, nowhere, nowhere, half.astype(np.float32))
        self.initial_energy = np.sum(self.energies(), axis=0)

    def __del__(self) -> None:
        """Give the native memory back."""
        if getattr(self, "_run", None):
            self._engine.ensemble_delete(self._run)
            self._run = None

    @property
    def step(self) -> int:
        """Steps since the initial configuration."""
        return int(self._engine.ensemble_step(self._run))

    @property
    def time(self) -> float:
        """Lennard-Jones time since the initial configuration."""
        return self.step * self.timestep

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

    def momenta(self) -> FloatArray:
        """Return every trajectory's total momentum, shape [R, d]."""
        return np.asarray(np.einsum("n,rnd->rd", self._masses, self.velocities()))

    def state(self) -> EnsembleState:
        """Return what :meth:`set_state` needs to go on from here bit for bit."""
        displacements, lost = self._displacements()
        return EnsembleState(
            self.step, displacements, lost, self._half_velocities(), self.initial_energy.copy()
        )

    def set_state(self, state: EnsembleState) -> Self:
        """Take up a state of a run with the same snapshot, potential and options.

        Raises
        ------
        InputError
            The state is of another number of trajectories, particles or dimensions.

        """
        shape = (self.trajectories, self.snapshot.n_particles, self.snapshot.dimension)
        arrays = (state.displacements, state.lost, state.half_velocities)
        if any(a.shape != shape for a in arrays) or state.initial_energy.shape != shape[:1]:
            raise InputError(
                f"the state's displacements have shape {list(state.displacements.shape)}; "
                f"this run's are {list(shape)} (trajectories, particles, dimensions)"
            )
        self._set(state.step, *arrays)
        self.initial_energy = state.initial_energy.copy()
        return self

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
        padded = [_in_three_dimensions(array) for array in (high, low, half)]
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
        potential, kinetic = self.energies()
        n_modes = self.snapshot.dimension * self.snapshot.n_particles
        thermal = 0.5 * n_modes * self.temperature
        if self.dynamics == "nve":
            drift = np.abs(potential + kinetic - self.initial_energy)
            bad = ~(drift <= ENERGY_TOLERANCE * np.maximum(kinetic, thermal))
            what = f"the total energy drifted by more than {ENERGY_TOLERANCE:.0%} of the kinetic"
        else:
            bad = ~(kinetic <= TEMPERATURE_TOLERANCE * thermal)
            what = f"the temperature rose above {TEMPERATURE_TOLERANCE:g} times the thermostat's"
        if np.any(bad):
            raise RunError(
                f"{self.snapshot.source}: trajectory {int(np.flatnonzero(bad)[0])} blew up by step "
                f"{self.step}: {what}; use a timestep shorter than {self.timestep:g}"
            )


def instruction_sets() -> list[str]:
    """Return the names of the instruction sets that can be used here, best first."""
    return [variant.name for variant in native.variants()]


def _engine() -> Any:
    library = native.library()
    if library is None:
        raise InputError(
            "the ensemble engine was not built; install glassbotan where a C++ compiler (g++ or "
            "clang++) is at hand, or use another engine"
        )
    return library


def _check_options(
    temperature: float,
    trajectories: int,
    first_trajectory: int,
    seed: int,
    timestep: float,
    threads: int,
) -> None:
    _check_positive("temperature", temperature)
    _check_positive("timestep", timestep)
    for name, value, least in (
        ("trajectories", trajectories, 1),
        ("first_trajectory", first_trajectory, 0),
        ("seed", seed, 0),
        ("threads", threads, 1),
    ):
        if value < least:
            raise InputError(f"{name} is {value}; it must be at least {least}")


def _check_positive(name: str, value: float) -> None:
    if not (np.isfinite(value) and value > 0):
        raise InputError(f"the {name} is {value}; it must be a positive number")


def _masses(masses: Sequence[float] | FloatArray | None, potential: PairPotential) -> FloatArray:
    mass = np.ones(potential.n_species) if masses is None else np.array(masses, dtype=np.float64)
    if mass.shape != (potential.n_species,) or not (np.all(np.isfinite(mass)) and np.all(mass > 0)):
        raise InputError(
            f"masses are {mass.tolist()}; the potential knows {potential.n_species} species, and "
            "each has one positive mass"
        )
    return mass


def _variant(name: str | None, trajectories: int, threads: int) -> native.Variant:
    variants = native.variants()
    if name is not None:
        for variant in variants:
            if variant.name == name:
                return variant
        raise InputError(
            f"instruction set {name!r} is not to be had here; use one of "
            f"{', '.join(variant.name for variant in variants)}"
        )

    def duration(variant: native.Variant) -> float:
        rounds = -(-trajectories // (variant.lanes * threads))
        # A vector of twice the lanes takes some 1.7 times as long.
        return float(rounds * variant.lanes**0.77)

    return min(variants, key=duration)


def _system(
    snapshot: Snapshot,
    potential: PairPotential,
    mass: FloatArray,
    *,
    force_shifted: bool,
    timestep: float,
) -> tuple[native.System, list[NDArray[Any]]]:
    """Return the native description and the arrays that it points to."""
    if potential.n_species > native.MAX_SPECIES:
        raise InputError(f"the ensemble engine knows at most {native.MAX_SPECIES} species")
    dimension = snapshot.dimension
    species = snapshot.species.astype(np.int32)
    origin = np.zeros((snapshot.n_particles, 3))
    origin[:, :dimension] = wrap(snapshot.positions, snapshot.box)
    box = np.zeros(3)
    box[:dimension] = snapshot.box
    terms = _terms(potential, force_shifted=force_shifted)
    inverse_mass = 1 / mass
    no_kick = np.zeros(len(mass))

    def pointer(array: FloatArray) -> Any:
        return array.ctypes.data_as(ctypes.POINTER(c_double))

    system = native.System(
        particles=snapshot.n_particles,
        species_count=potential.n_species,
        species=species.ctypes.data_as(ctypes.POINTER(c_int32)),
        origin=pointer(origin),
        box=(c_double * 3)(*box),
        dimension=dimension,
        terms=pointer(terms),
        inverse_mass=pointer(inverse_mass),
        cutoff=float(potential.cutoff.max()),
        force_shifted=force_shifted,
        timestep=timestep,
        thermostatted=False,
        velocity_kept=1.0,
        kick=pointer(no_kick),
        outer_skin=OUTER_SKIN,
        inner_skin=INNER_SKIN,
    )
    return system, [species, origin, terms, inverse_mass, no_kick]


def _terms(potential: PairPotential, *, force_shifted: bool) -> FloatArray:
    """Return repulsion, attraction, cutoff^2, shift and slope of V(r), shape [S, S, 5].

    V(r) = repulsion / r^12 - attraction / r^6 - shift + slope r.
    """
    sixth = potential.sigma**6
    attraction = 4 * potential.epsilon * sixth
    repulsion = attraction * sixth
    rc, shift, slope = potential.cutoff, potential.shift, np.zeros_like(sixth)
    if force_shifted:
        slope = 12 * repulsion / rc**13 - 6 * attraction / rc**7
        shift = shift + slope * rc
    return np.ascontiguousarray(np.stack([repulsion, attraction, rc**2, shift, slope], axis=-1))


def _thermostat_seed(seed: int, trajectory: int) -> np.uint64:
    """Return 64 bits that are independent of the velocities drawn for the same trajectory."""
    sequence = np.random.SeedSequence(seed, spawn_key=(trajectory, 1))
    return np.uint64(sequence.generate_state(1, np.uint64)[0])


def _in_three_dimensions(array: SingleArray) -> SingleArray:
    padded = np.zeros((*array.shape[:2], 3), dtype=np.float32)
    padded[..., : array.shape[2]] = array
    return padded
