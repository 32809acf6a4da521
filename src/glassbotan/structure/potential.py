"""The pair potential of a mixture: energies and forces of a snapshot."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from functools import cached_property
from typing import Any, get_args

import numpy as np

from glassbotan.errors import InputError
from glassbotan.structure.graph import unordered_pairs
from glassbotan.structure.interaction.form import (
    PairForm,
    Powers,
    Shift,
    checked_matrix,
    form_named,
)
from glassbotan.structure.interaction.forms.lennard_jones import LennardJones
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import IntArray, Snapshot, species_name


@dataclass(frozen=True, eq=False)
class PairPotential:
    """Interaction of S species: a form, cut off and shifted.

    With the form's V(r) for a pair of species and its cutoff r_c, a pair closer than r_c has the
    energy V(r) - V(r_c) where ``shift`` is "energy", and V(r) - V(r_c) - (r - r_c) V'(r_c) where
    it is "force", so that the force, too, goes to zero continuously (Toxvaerd, Dyre, J. Chem.
    Phys. 134, 081102 (2011)); with "none" it is V(r), for forms that end smoothly by themselves.
    Beyond r_c there is neither energy nor force.

    Attributes
    ----------
    form
        Parameters are symmetric matrices of shape [S, S].
    cutoff
        Distances beyond which a pair does not interact, symmetric, shape [S, S], length units.
    masses
        Shape [S], mass units; 1 by default.
    shift
        "energy", "force" or "none".

    Raises
    ------
    InputError
        Shapes disagree, a matrix is not symmetric and positive, a mass is not positive, or the
        shift is unknown.

    """

    form: PairForm
    cutoff: FloatArray
    masses: FloatArray | None = None
    shift: Shift = "energy"

    def __post_init__(self) -> None:
        """Convert to float64 and refuse what cannot be a mixture's potential."""
        object.__setattr__(self, "form", self.form.checked())
        cutoff = checked_matrix("cutoff", self.cutoff, self.form.epsilon.shape)
        object.__setattr__(self, "cutoff", cutoff)
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
        if self.shift not in get_args(Shift):
            raise InputError(
                f"pair potential: shift is {self.shift!r}; use 'energy', 'force' or 'none'"
            )

    @property
    def n_species(self) -> int:
        """The number of species S."""
        return len(self.cutoff)

    @property
    def epsilon(self) -> FloatArray:
        """The form's scale of energy, shape [S, S]."""
        return self.form.epsilon

    @property
    def sigma(self) -> FloatArray:
        """The form's scale of length, shape [S, S]."""
        return self.form.sigma

    @cached_property
    def taken_off(self) -> tuple[FloatArray, FloatArray]:
        """Constant and slope, each [S, S]: constant + slope r is what the shift takes off V(r)."""
        constant = slope = np.zeros_like(self.cutoff)
        if self.shift != "none":
            constant = self.form.energy(self.cutoff)
        if self.shift == "force":
            slope = self.form.slope(self.cutoff)
            constant = constant - slope * self.cutoff
        return constant, slope

    @cached_property
    def powers(self) -> Powers | None:
        """Coefficients of the shifted V(r), each [S, S]; None of forms that are no such sum."""
        powers = self.form.powers()
        if powers is None:
            return None
        constant, slope = self.taken_off
        return powers._replace(shift=powers.shift + constant, slope=powers.slope - slope)

    def energy(self, r: FloatArray) -> FloatArray:
        """Return the energy of every pair of species at distances r [..., S, S] in the cutoff."""
        constant, slope = self.taken_off
        return np.asarray(self.form.energy(r) - constant - slope * r)

    def slope(self, r: FloatArray) -> FloatArray:
        """Return dV/dr at such distances."""
        return np.asarray(self.form.slope(r) - self.taken_off[1])

    def particle_masses(self, species: IntArray) -> FloatArray:
        """Return the mass of each particle, shape [N], from its species [N]."""
        assert self.masses is not None
        return np.asarray(self.masses[species])

    def to_json(self, *, complete: bool = False) -> dict[str, Any]:
        """Return all that it consists of as JSON takes it; numbers keep every digit.

        Lennard-Jones, and parameters that are what they are by default, are named only where the
        record is to be ``complete``: records are then the same as of versions that knew no others.
        """
        assert self.masses is not None
        record: dict[str, Any] = {"form": self.form.name}
        if not complete and self.form.name == LennardJones.name:
            record = {}
        for name, default in self.form.parameters().items():
            matrix = getattr(self.form, name)
            if complete or default is MISSING or np.any(matrix != default):
                record[name] = matrix.tolist()
        return record | {
            "cutoff": self.cutoff.tolist(),
            "masses": self.masses.tolist(),
            "shift": self.shift,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "PairPotential":
        """Return what :meth:`to_json` gave.

        Raises
        ------
        InputError
            It is no such record, or of a form that is not known here.

        """
        form = form_named(record.get("form", LennardJones.name))
        known = form.parameters()
        own = {"cutoff": MISSING, "masses": None, "shift": MISSING}
        expected = {"form": LennardJones.name, **known, **own}
        for name in record:
            if name not in expected:
                raise InputError(f"pair potential: the form {form.name} has no {name!r}")
        for name, default in expected.items():
            if default is MISSING and name not in record:
                raise InputError(f"pair potential: {name} is missing")
        try:
            return cls(
                form(**{name: record[name] for name in known if name in record}),
                **{name: record[name] for name in own if name in record},
            )
        except (TypeError, ValueError):
            raise InputError("pair potential: its tables must be of numbers") from None


def _kob_andersen(shift: Shift) -> PairPotential:
    sigma = np.array([[1.0, 0.8], [0.8, 0.88]])
    return PairPotential(
        LennardJones(np.array([[1.0, 1.5], [1.5, 0.5]]), sigma), cutoff=2.5 * sigma, shift=shift
    )


KOB_ANDERSEN = _kob_andersen("force")
"""Kob, Andersen, Phys. Rev. E 51, 4626 (1995); species 0 is A, 1 is B; units of sigma_AA. Forces
are shifted to zero at the cutoff, as in the published data (BOTAN, GlassBench)."""

KOB_ANDERSEN_CUT = _kob_andersen("energy")
"""The same with forces that are cut there, as LAMMPS does by default."""


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
    cutoff_squared
        Of each pair, shape [P].
    form
        Parameters of each pair, shape [P].
    powers
        Coefficients of each pair, shape [P] each, where the form is a sum of powers: what it is
        evaluated by. Others than the repulsion that are 0 throughout are None.
    constant, slope
        What the shift takes off a pair's energy is constant + slope * distance, shape [P].
    skin
        Length by which the list reaches beyond the cutoff.

    """

    first: IntArray
    second: IntArray
    offsets: FloatArray
    cutoff_squared: FloatArray
    form: PairForm
    powers: tuple[FloatArray | None, ...] | None
    constant: FloatArray
    slope: FloatArray
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
        cutoff_squared=potential.cutoff[pair] ** 2,
        form=potential.form.of(pair),
        powers=None if potential.powers is None else _used(potential.powers, pair),
        constant=potential.taken_off[0][pair],
        slope=potential.taken_off[1][pair],
        skin=skin,
    )


def _used(powers: Powers, pair: tuple[IntArray, IntArray]) -> tuple[FloatArray | None, ...]:
    rest = (each[pair] if np.any(each) else None for each in powers[1:])
    return (powers.repulsion[pair], *rest)


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
    energy, strength = _energy_and_strength(squared, pairs)
    far = squared >= pairs.cutoff_squared
    energy[far] = strength[far] = 0.0
    energy *= 0.5
    energies = _scattered(first, energy, n_particles) + _scattered(second, energy, n_particles)

    vectors *= strength
    forces = np.empty((n_particles, dimension))
    for axis, component in enumerate(vectors):
        forces[:, axis] = _scattered(second, component, n_particles)
        forces[:, axis] -= _scattered(first, component, n_particles)
    return energies, forces


def _energy_and_strength(
    squared: FloatArray, pairs: InteractingPairs
) -> tuple[FloatArray, FloatArray]:
    """Return V(r) and -V'(r) / r of pairs at squared distances [P], as if none was cut off.

    The force on the second particle is strength * (r_second - r_first).
    """
    if pairs.powers is None:
        distance = np.sqrt(squared)
        energy = pairs.form.energy(distance) - pairs.constant - pairs.slope * distance
        return energy, (pairs.slope - pairs.form.slope(distance)) / distance
    repulsion, attraction, shift, slope, quadratic, quartic = pairs.powers
    assert repulsion is not None
    inverse = 1.0 / squared
    sixth = inverse * inverse * inverse
    energy = repulsion * sixth
    strength = 2 * energy
    if attraction is not None:
        energy -= attraction
        strength -= attraction
    energy *= sixth
    strength *= 6 * sixth * inverse
    if shift is not None:
        energy -= shift
    if slope is not None:
        distance = np.sqrt(squared)
        energy += slope * distance
        strength -= slope / distance
    if quadratic is not None:
        energy += quadratic * squared
        strength -= 2 * quadratic
    if quartic is not None:
        energy += quartic * squared**2
        strength -= 4 * quartic * squared
    return energy, strength


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
