"""The groups over which scores are taken: species of particles, species pairs of near bonds."""

from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassbotan.structure import NeighbourGraph, Snapshot
from glassbotan.structure.snapshot import species_name

BOND_RANGE = 1.35
"""Bonds are scored up to this length, the first minimum of the A-A pair distribution
(Shiba et al., J. Chem. Phys. 158, 084503 (2023)); farther pairs are learned but not scored."""


class Group(NamedTuple):
    """Particles or bonds that are scored together: a name such as A or AB, and their indices."""

    name: str
    members: NDArray[np.int64]


def particle_groups(snapshot: Snapshot) -> list[Group]:
    """Return the particles of each species."""
    return [
        Group(species_name(int(s)), np.flatnonzero(snapshot.species == s))
        for s in np.unique(snapshot.species)
    ]


def bond_groups(graph: NeighbourGraph) -> list[Group]:
    """Return the bonds shorter than ``BOND_RANGE`` of each unordered pair of species."""
    pairs = np.sort(graph.species[graph.edge_index], axis=0)
    near = graph.distances < BOND_RANGE
    groups = []
    for a, b in combinations_with_replacement(np.unique(graph.species), 2):
        members = np.flatnonzero(near & (pairs[0] == a) & (pairs[1] == b))
        if len(members):
            groups.append(Group(species_name(int(a)) + species_name(int(b)), members))
    return groups
