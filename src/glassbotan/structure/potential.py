"""The Lennard-Jones potential of a mixture: energies and forces of a snapshot."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from glassbotan.errors import InputError
from glassbotan.structure.graph import unordered_pairs
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import IntArray, Snapshot, species_name

Shift = Literal["energy", "force"]


@dataclass(frozen=True, eq=False)
class PairPotential:
    """Lennard-Jones interaction of S species, cut off and shifted.

    With V(r) = 4 epsilon [(sigma / r)^12 - (sigma / r)^6] of a pair of species and its cutoff r_c,
    a pair closer than r_c has the energy V(r) - V(r_c) where ``shift`` is "energy", and
    V(r) - V(r_c) - (r - r_c) V'(r_c) where it is "force", so that the force, too, goes to zero
    continuously (Toxvaerd, Dyre, J. Chem. Phys. 134, 081102 (2011)). Beyond r_c both are 0.

    Attributes
    ----------
    epsilon
        Well depths, symmetric, shape [S, S], energy units.
    sigma
        Diameters, symmetric, shape [S, S], length units.
    cutoff
        Distances beyond which a pair does not interact, symmetric, shape [S, S], length units.
    masses
        Shape [S], mass units; 1 by default.
    shift
        "energy" or "force".

    Raises
    ------
    InputError
        Shapes disagree, a matrix is not symmetric and positive, a mass is not positive, or the
        shift is unknown.

    """

    epsilon: FloatArray
    sigma: FloatArray
    cutoff: FloatArray
    masses: FloatArray | None = None
    shift: Shift = "energy"

    def __post_init__(self) -> None:
        """Convert to float64 and refuse what cannot be a mixture's potential."""
        for name in ("epsilon", "sigma", "cutoff"):
            matrix = np.array(getattr(self, name), dtype=np.float64)
            object.__setattr__(self, name, matrix)
            if matrix.ndim != 2 or matrix.shape != self.epsilon.T.shape or not matrix.size:
                raise InputError(
                    f"pair potential: {name} has shape {list(matrix.shape)}; epsilon, sigma and "
                    "cutoff must all be [species, species]"
                )
            if not (np.all(np.isfinite(matrix)) and np.all(matrix > 0)):
                raise InputError(f"pair potential: every {name} must be a positive number")
            if not np.array_equal(matrix, matrix.T):
                raise InputError(f"pair potential: {name} must be symmetric (AB is BA)")
        self._set_masses()
        if self.shift not in ("energy", "force"):
            raise InputError(f"pair potential: shift is {self.shift!r}; use 'energy' or 'force'")

    def _set_masses(self) -> None:
        given = np.ones(self.n_species) if self.masses is None else self.masses
        masses = np.array(given, dtype=np.float64)
        object.__setattr__(self, "masses", masses)
        if masses.shape != (self.n_species,):
            raise InputError(
                f"pair potential: masses have shape {list(masses.shape)}; expected one for each "
                f"of {self.n_species} species"
            )
        if not (np.all(np.isfinite(masses)) and np.all(masses > 0)):
            raise InputError("pair potential: every mass must be a positive number")

    @property
    def n_species(self) -> int:
        """The number of species S."""
        return len(self.epsilon)

    @property
    def cutoff_energy(self) -> FloatArray:
        """V(r_c) of the unshifted potential, shape [S, S], energy units."""
        sixth = (self.sigma / self.cutoff) ** 6
        return np.asarray(4 * self.epsilon * sixth * (sixth - 1))

    @property
    def cutoff_slope(self) -> FloatArray:
        """The slope that is taken off, shape [S, S], energy / length: V'(r_c), or 0."""
        if self.shift == "energy":
            return np.zeros_like(self.epsilon)
        sixth = (self.sigma / self.cutoff) ** 6
        return np.asarray(-24 * self.epsilon * sixth * (2 * sixth - 1) / self.cutoff)

    def particle_masses(self, species: IntArray) -> FloatArray:
        """Return the mass of each particle, shape [N], from its species [N]."""
        assert self.masses is not None
        return np.asarray(self.masses[species])


KOB_ANDERSEN = PairPotential(
    epsilon=np.array([[1.0, 1.5], [1.5, 0.5]]),
    sigma=np.array([[1.0, 0.8], [0.8, 0.88]]),
    cutoff=2.5 * np.array([[1.0, 0.8], [0.8, 0.88]]),
)
"""Kob, Andersen, Phys. Rev. E 51, 4626 (1995); species 0 is A, 1 is B; units of sigma_AA."""


@dataclass(frozen=True, eq=False)
class InteractingPairs:
    """Every unordered pair of particles closer than its cutoff plus a skin.

    Attributes
    ----------
    first, second
        Particles of each pair, shape [P].
    offsets
        r_second - r_first + offset is the pair's minimum-image vector, shape [d, P], length units.
        It stays so while particles move continuously.
    four_epsilon, sigma_squared, cutoff_squared
        Parameters of each pair, shape [P].
    constant, slope
        What the shift takes off a pair's energy is constant + slope * distance, shape [P]; slope
        is None where it is 0 throughout.
    skin
        Length by which the list reaches beyond the cutoff.

    """

    first: IntArray
    second: IntArray
    offsets: FloatArray
    four_epsilon: FloatArray
    sigma_squared: FloatArray
    cutoff_squared: FloatArray
    constant: FloatArray
    slope: FloatArray | None
    skin: float


def interacting_pairs(
    snapshot: Snapshot, potential: PairPotential = KOB_ANDERSEN, *, skin: float = 0.0
) -> InteractingPairs:
    """List the pairs closer than their cutoff + ``skin`` (length units), each once.

    Raises
    ------
    InputError
        The potential does not know a species of the snapshot, the box is shorter than twice the
        cutoff, or two particles overlap.

    """
    check_species(snapshot, potential)
    found, vectors = unordered_pairs(snapshot, float(potential.cutoff.max()) + skin)
    reach = potential.cutoff[tuple(snapshot.species[found])] + skin
    kept = np.flatnonzero(np.einsum("pd,pd->p", vectors, vectors) < reach**2)
    first, second = found[:, kept]
    pair = snapshot.species[first], snapshot.species[second]
    separation = snapshot.positions[second] - snapshot.positions[first]
    # A whole number of box edges, rid of the search's rounding.
    images = np.rint((vectors[kept] - separation) / snapshot.box)
    return InteractingPairs(
        first=first,
        second=second,
        offsets=np.ascontiguousarray((images * snapshot.box).T),
        four_epsilon=4 * potential.epsilon[pair],
        sigma_squared=potential.sigma[pair] ** 2,
        cutoff_squared=potential.cutoff[pair] ** 2,
        constant=(potential.cutoff_energy - potential.cutoff * potential.cutoff_slope)[pair],
        slope=None if potential.shift == "energy" else potential.cutoff_slope[pair],
        skin=skin,
    )


def energies_and_forces(
    positions: FloatArray, pairs: InteractingPairs
) -> tuple[FloatArray, FloatArray]:
    """Return the energy of each particle and the force on it.

    Parameters
    ----------
    positions
        Shape [N, d], length units, continuous with those that ``pairs`` was made from, and no
        particle further than half of the skin from there.
    pairs
        From :func:`interacting_pairs`.

    Returns
    -------
    energies
        Half of the energy of every pair that the particle is in, shape [N], energy units.
    forces
        Shape [N, d], energy units / length unit.

    """
    n_particles, dimension = positions.shape
    first, second = pairs.first, pairs.second
    columns = np.ascontiguousarray(positions.T)
    vectors = np.take(columns, second, axis=1)
    vectors -= np.take(columns, first, axis=1)
    vectors += pairs.offsets
    squared = np.einsum("dp,dp->p", vectors, vectors)
    inverse = 1.0 / squared
    sixth = (pairs.sigma_squared * inverse) ** 3
    well = np.where(squared < pairs.cutoff_squared, pairs.four_epsilon * sixth, 0.0)
    taken_off = pairs.constant
    # -dV/dr / r, so that the force on the second particle is strength * (r_second - r_first).
    strength = 6 * well * (2 * sixth - 1) * inverse
    if pairs.slope is not None:
        distance = np.sqrt(squared)
        taken_off = taken_off + pairs.slope * distance
        strength += np.where(well > 0, pairs.slope / distance, 0.0)

    half = 0.5 * np.where(well > 0, well * (sixth - 1) - taken_off, 0.0)
    energies = _scattered(first, half, n_particles) + _scattered(second, half, n_particles)

    vectors *= strength
    forces = np.empty((n_particles, dimension))
    for axis, component in enumerate(vectors):
        forces[:, axis] = _scattered(second, component, n_particles)
        forces[:, axis] -= _scattered(first, component, n_particles)
    return energies, forces


def _scattered(particles: IntArray, values: FloatArray, n_particles: int) -> FloatArray:
    """Return the sum of each particle's values, shape [N]."""
    return np.asarray(np.bincount(particles, values, n_particles), dtype=np.float64)


def particle_energies(snapshot: Snapshot, potential: PairPotential = KOB_ANDERSEN) -> FloatArray:
    """Return each particle's potential energy, shape [N]; a pair's energy is split in halves.

    Raises
    ------
    InputError
        As :func:`interacting_pairs`.

    """
    return energies_and_forces(snapshot.positions, interacting_pairs(snapshot, potential))[0]


def potential_energy(snapshot: Snapshot, potential: PairPotential = KOB_ANDERSEN) -> float:
    """Return the potential energy of the whole snapshot, energy units.

    Raises
    ------
    InputError
        As :func:`interacting_pairs`.

    """
    return float(particle_energies(snapshot, potential).sum())


def check_species(snapshot: Snapshot, potential: PairPotential) -> None:
    """Raise InputError where the snapshot holds a species that the potential does not know."""
    highest = int(snapshot.species.max())
    if highest >= potential.n_species:
        raise InputError(
            f"{snapshot.source}: species {highest} ({species_name(highest)}) is present, but the "
            f"pair potential knows {potential.n_species} species (0 to {potential.n_species - 1})"
        )
