"""What the trajectories of a batch share: boxes, particles, interaction, cages, random keys."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from glassbotan.errors import InputError
from glassbotan.simulation.device.walls import wall_table
from glassbotan.simulation.engine import Task
from glassbotan.simulation.leapfrog import check_task, noise_keys
from glassbotan.structure.interaction.form import Powers
from glassbotan.structure.interaction.spline import spline_table
from glassbotan.structure.periodic import FloatArray, in_space, wrap
from glassbotan.structure.potential import PairPotential, check_species
from glassbotan.structure.snapshot import IntArray

MOST_LANES = 32
SPECIES_SHIFT = 27
"""An entry of a list is particle + (species << 27): one load tells both."""

MORTON_BITS = 20
COEFFICIENTS = 8
"""Of a pair of species: 12 repulsion, 6 attraction, cutoff^2, slope, repulsion, attraction, shift,
cutoff."""


@dataclass(frozen=True, eq=False)
class System:
    """B boxes one after another, on the device; particles in each along a Morton curve.

    Attributes
    ----------
    lanes, dimension, species_count
        Trajectories R of every box (those of a box with fewer repeat the last), d, S.
    starts
        Where each box's particles begin, and where the last one's end: B + 1 numbers.
    orders
        For each box, the caller's index of every particle in the engine's order.
    identity
        The same for all boxes, shape [N_total], int32.
    box_of, species
        Box and species of every particle, [N_total], int32.
    origin
        Initial configuration folded into the box, [N_total, 3], float64.
    edges
        Of the boxes, [B, 3], float64; 0 along an axis that a plane lacks.
    table
        Of the interaction, [S * S, COEFFICIENTS].
    splines
        Where its energy is no sum of these powers: polynomials of r^2 for the force over the
        distance and for the energy, [S * S, K, 8], begin of the first and intervals in a unit of
        length^2, [S * S, 2]; see :class:`glassbotan.structure.interaction.spline.SplineTable`.
    walls
        Of every particle's cage, [WALL, N_total]; see ``walls.py``.
    caged
        For each box, whether its particles have cages.
    kick
        timestep / mass, [N_total].
    strength
        Standard deviation of the velocities that the thermostat gives in a step, [N_total].
    masses
        [N_total], float64.
    keys
        Of the trajectories' random numbers, two words of 32 bits each: [B, 2, R], int32.
    constants
        Timestep, and the part of a velocity that friction leaves of it in a step: [2].
    thermostatted, force_shifted
        Langevin dynamics, or Newton's; forces shifted to zero at the cutoff.
    cutoff
        The longest.
    timestep
        Lennard-Jones time.
    sources
        Where each box's snapshot is from, for messages.

    """

    lanes: int
    dimension: int
    species_count: int
    starts: tuple[int, ...]
    orders: tuple[IntArray, ...]
    identity: torch.Tensor
    box_of: torch.Tensor
    species: torch.Tensor
    origin: torch.Tensor
    edges: torch.Tensor
    table: torch.Tensor
    splines: tuple[torch.Tensor, torch.Tensor] | None
    walls: torch.Tensor
    caged: tuple[bool, ...]
    kick: torch.Tensor
    strength: torch.Tensor
    masses: torch.Tensor
    keys: torch.Tensor
    constants: torch.Tensor
    thermostatted: bool
    force_shifted: bool
    cutoff: float
    timestep: float
    sources: tuple[str, ...]

    @property
    def particles(self) -> int:
        """N_total, of all boxes."""
        return self.starts[-1]

    @property
    def boxes(self) -> int:
        """Their number B."""
        return len(self.starts) - 1

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self.origin.device

    @property
    def dtype(self) -> torch.dtype:
        """Of displacements, velocities and forces."""
        return self.kick.dtype

    @property
    def shortest_edge(self) -> float:
        """Of all boxes, along an axis that has one."""
        return float(self.edges[:, : self.dimension].min())

    def rows(self, box: int) -> slice:
        """Return where a box's particles are."""
        return slice(self.starts[box], self.starts[box + 1])

    def empty_state(self) -> torch.Tensor:
        """Return zeros of shape [N_total, 3, R]."""
        return torch.zeros((self.particles, 3, self.lanes), dtype=self.dtype, device=self.device)


def make_system(tasks: Sequence[Task], *, device: torch.device, dtype: torch.dtype) -> System:
    """Return the system of tasks that run together, a box each.

    Raises
    ------
    InputError
        They disagree in dimension, potential, integrator, timestep or damping, one has more than
        32 trajectories, the potential does not know a species, a box is shorter than twice the
        cutoff, or the integrator is none of "nve" and "langevin".

    """
    first = tasks[0]
    _check_alike(tasks)
    potential, settings, dimension = first.potential, first.settings, first.snapshot.dimension
    most = max(len(task.trajectories) for task in tasks)
    if most > MOST_LANES:
        raise InputError(f"{most} trajectories of one box; at most {MOST_LANES} run at once")
    lanes = 1 << (most - 1).bit_length()
    assert potential.masses is not None
    thermostatted = settings.integrator == "langevin"
    kept = float(np.exp(-settings.timestep / settings.damping)) if thermostatted else 1.0
    positions = [wrap(task.snapshot.positions, task.snapshot.box) for task in tasks]
    orders = tuple(morton_order(points) for points in positions)
    sizes = [len(order) for order in orders]
    species = np.concatenate(
        [task.snapshot.species[order] for task, order in zip(tasks, orders, strict=True)]
    )
    masses = potential.masses[species]
    temperature = np.repeat([task.settings.temperature for task in tasks], sizes)
    folded = [points[order] for points, order in zip(positions, orders, strict=True)]

    def put(array: Any, kind: torch.dtype) -> torch.Tensor:
        return torch.as_tensor(np.ascontiguousarray(array)).to(device=device, dtype=kind)

    return System(
        lanes=lanes,
        dimension=dimension,
        species_count=potential.n_species,
        starts=(0, *np.cumsum(sizes).tolist()),
        orders=orders,
        identity=put(np.concatenate(orders), torch.int32),
        box_of=put(np.repeat(np.arange(len(tasks)), sizes), torch.int32),
        species=put(species, torch.int32),
        origin=put(in_space(np.concatenate(folded)), torch.float64),
        edges=put(in_space(np.stack([task.snapshot.box for task in tasks])), torch.float64),
        table=put(coefficient_table(potential), dtype),
        splines=_splines(potential, put, dtype),
        walls=put(wall_table(tasks, orders), dtype),
        caged=tuple(task.cages is not None for task in tasks),
        kick=put(settings.timestep / masses, dtype),
        strength=put(np.sqrt(temperature * (1 - kept**2) / masses), dtype),
        masses=put(masses, torch.float64),
        keys=put(np.stack([_keys(task, lanes) for task in tasks]).view(np.int32), torch.int32),
        constants=put([settings.timestep, kept], dtype),
        thermostatted=thermostatted,
        force_shifted=potential.powers is not None and bool(np.any(potential.powers.slope)),
        cutoff=float(potential.cutoff.max()),
        timestep=settings.timestep,
        sources=tuple(task.snapshot.source for task in tasks),
    )


def morton_order(positions: FloatArray) -> IntArray:
    """Return the order of positions [N, d] along a Morton curve of cubic cells."""
    low = positions.min(axis=0)
    width = max(float(np.ptp(positions, axis=0).max()), 1e-9)
    cells = (np.clip((positions - low) / width, 0, 0.999999) * (1 << MORTON_BITS)).astype(np.uint64)
    codes = np.zeros(len(positions), dtype=np.uint64)
    for axis in range(positions.shape[1]):
        for bit in range(MORTON_BITS):
            digit = (cells[:, axis] >> np.uint64(bit)) & np.uint64(1)
            codes |= digit << np.uint64(3 * bit + axis)
    return np.argsort(codes, kind="stable")


def coefficient_table(potential: PairPotential) -> FloatArray:
    """Return the coefficients of every pair of species, shape [S * S, COEFFICIENTS].

    V(r) = repulsion / r^12 - attraction / r^6 - shift + slope r within the cutoff; zeros where it
    is no such sum.
    """
    none = np.zeros_like(potential.cutoff)
    powers = potential.powers or Powers(*[none] * len(Powers._fields))
    rows = [
        12 * powers.repulsion,
        6 * powers.attraction,
        potential.cutoff**2,
        powers.slope,
        powers.repulsion,
        powers.attraction,
        powers.shift,
        potential.cutoff,
    ]
    return np.stack(rows, axis=-1).reshape(-1, COEFFICIENTS)


def _splines(
    potential: PairPotential, put: Callable[..., torch.Tensor], dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Return the splines, or None where :func:`coefficient_table` says all of the potential."""
    powers = potential.powers
    if powers is not None and not (np.any(powers.quadratic) or np.any(powers.quartic)):
        return None
    table = spline_table(potential)
    polynomials = np.concatenate([table.force, table.energy], axis=-1)
    places = np.stack([table.start, table.scale], axis=-1)
    pairs = potential.n_species**2
    return put(polynomials.reshape(pairs, -1, 8), dtype), put(places.reshape(pairs, 2), dtype)


def _keys(task: Task, lanes: int) -> "np.ndarray[Any, np.dtype[np.uint32]]":
    """Return the two words of every lane's key, shape [2, R]."""
    seeds = noise_keys(task)
    seeds = seeds[np.minimum(np.arange(lanes), len(seeds) - 1)]
    return np.stack([seeds & np.uint64(0xFFFFFFFF), seeds >> np.uint64(32)]).astype(np.uint32)


def _check_alike(tasks: Sequence[Task]) -> None:
    first = tasks[0]
    check_task(first)
    reach = 2 * float(first.potential.cutoff.max())
    for task in tasks:
        check_species(task.snapshot, task.potential)
        if task.snapshot.box.min() < reach:
            raise InputError(
                f"{task.snapshot.source}: the box's shortest edge is {task.snapshot.box.min():g}; "
                f"it must be at least twice the potential's cutoff, {reach:g}"
            )
        if _kind(task) != _kind(first):
            raise InputError(
                f"{task.snapshot.source}: dimension, potential, integrator, timestep or damping "
                f"differ from those of {first.snapshot.source}; boxes of one batch share them"
            )


def _kind(task: Task) -> tuple[object, ...]:
    settings, potential = task.settings, task.potential
    return (
        task.snapshot.dimension,
        settings.integrator,
        settings.timestep,
        settings.damping,
        json.dumps(potential.to_json()),
    )
