"""The groups over which scores are taken: species of particles, species pairs of near bonds."""

from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics.bonds import Bonds
from glassbotan.dynamics.motion import Motion
from glassbotan.dynamics.quantities import Place, quantity
from glassbotan.structure import Snapshot
from glassbotan.structure.snapshot import IntArray, species_name

BOND_RANGE = 1.35
"""Bonds are scored up to this length, the first minimum of the A-A pair distribution
(Shiba et al., J. Chem. Phys. 158, 084503 (2023)); farther pairs are learned but not scored."""


FIRST_GROUP: dict[Place, str] = {"particles": "A", "bonds": "AA"}
"""What is told of where no other group is asked for."""


class Group(NamedTuple):
    """Particles or bonds that are scored together: a name such as A or AB, and their indices."""

    name: str
    members: NDArray[np.int64]


def particle_groups(snapshot: Snapshot) -> list[Group]:
    """Return the particles of each species."""
    return [
        Group(species_name(s), np.flatnonzero(snapshot.species == s))
        for s in _present(snapshot.species)
    ]


def bond_groups(snapshot: Snapshot, bonds: Bonds) -> list[Group]:
    """Return the bonds shorter than ``BOND_RANGE`` of each unordered pair of species."""
    near = np.flatnonzero(bonds.distances < BOND_RANGE)
    kinds = snapshot.species[bonds.first[near]], snapshot.species[bonds.second[near]]
    low, high = np.minimum(*kinds), np.maximum(*kinds)
    groups = []
    for a, b in combinations_with_replacement(_present(snapshot.species), 2):
        members = near[(low == a) & (high == b)]
        if len(members):
            groups.append(Group(species_name(a) + species_name(b), members))
    return groups


def groups_of(place: Place, snapshot: Snapshot, bonds: Bonds | None) -> list[Group]:
    """Return the groups of particles or of bonds; none of bonds that are not known."""
    if place == "particles":
        return particle_groups(snapshot)
    return [] if bonds is None else bond_groups(snapshot, bonds)


def groups_of_motion(motion: Motion, name: str) -> list[Group]:
    """Return the groups of a quantity that a motion tells."""
    return groups_of(quantity(name).place, motion.snapshot, motion.bonds)


def _present(species: IntArray) -> list[int]:
    # np.unique would first import numpy.ma, which takes longer than all the groups do.
    return sorted(set(species.tolist()))
