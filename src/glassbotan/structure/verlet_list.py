"""A list of interacting pairs that is made anew before any particle could have outrun it."""

from dataclasses import dataclass

import numpy as np

from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.potential import (
    InteractingPairs,
    PairPotential,
    energies_and_forces,
    interacting_pairs,
)
from glassbotan.structure.snapshot import Snapshot

SKIN = 0.3
"""Reach of the list beyond the cutoff, length units."""


@dataclass
class VerletList:
    """Energies and forces of particles that move on from a snapshot.

    Verlet, Phys. Rev. 159, 98 (1967).

    Attributes
    ----------
    snapshot
        Species and box, and where the particles set out.
    potential
        The mixture's interaction.
    made_at
        Positions that the pairs were listed at, shape [N, d], length units.
    pairs
        The list.

    """

    snapshot: Snapshot
    potential: PairPotential
    made_at: FloatArray
    pairs: InteractingPairs

    @classmethod
    def of(cls, snapshot: Snapshot, potential: PairPotential) -> "VerletList":
        """Return the list at the snapshot's positions.

        Raises
        ------
        InputError
            As :func:`glassbotan.structure.potential.interacting_pairs`.

        """
        # In a box too short for the skin every move asks for a new list: slow, and right.
        room = 0.5 * float(snapshot.box.min()) - float(potential.cutoff.max())
        skin = min(SKIN, max(room, 0.0))
        pairs = interacting_pairs(snapshot, potential, skin=skin)
        return cls(snapshot, potential, snapshot.positions, pairs)

    def forces(self, positions: FloatArray) -> FloatArray:
        """Return the force on every particle at positions [N, d], shape [N, d], energy / length.

        Positions are unwrapped and continuous with the snapshot's.
        """
        moved = positions - self.made_at
        if np.einsum("nd,nd->n", moved, moved).max() > (0.5 * self.pairs.skin) ** 2:
            self.made_at = positions.copy()
            self.pairs = interacting_pairs(
                moved_to(self.snapshot, self.made_at), self.potential, skin=self.pairs.skin
            )
        return energies_and_forces(positions, self.pairs)[1]


def moved_to(snapshot: Snapshot, positions: FloatArray) -> Snapshot:
    """Return the same system at other positions [N, d]; its fields are left out."""
    return Snapshot(
        positions=positions,
        species=snapshot.species,
        box=snapshot.box,
        temperature=snapshot.temperature,
        source=snapshot.source,
    )
