"""A list of interacting pairs that is made anew before any particle could have outrun it."""

from dataclasses import replace

import numpy as np

from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.potential import (
    PairPotential,
    energies_and_forces,
    interacting_pairs,
)
from glassbotan.structure.snapshot import Snapshot

SKIN = 0.3
"""Reach of the list beyond the cutoff, length units."""


class VerletList:
    """Energies and forces of particles that move on from a snapshot.

    Verlet, Phys. Rev. 159, 98 (1967).

    Parameters
    ----------
    snapshot
        Species and box, and where the particles set out.
    potential
        The mixture's interaction.

    Attributes
    ----------
    pairs
        The list as it is now.

    Raises
    ------
    InputError
        As :func:`glassbotan.structure.potential.interacting_pairs`.

    """

    def __init__(self, snapshot: Snapshot, potential: PairPotential) -> None:
        # In a box too short for the skin every move asks for a new list: slow, and right.
        room = 0.5 * float(snapshot.box.min()) - float(potential.cutoff.max())
        skin = min(SKIN, max(room, 0.0))
        self._made_at, self._potential = snapshot, potential
        self.pairs = interacting_pairs(snapshot, potential, skin=skin)

    def forces(self, positions: FloatArray) -> FloatArray:
        """Return the force on every particle at positions [N, d], shape [N, d], energy / length.

        Positions are unwrapped and continuous with the snapshot's.
        """
        moved = positions - self._made_at.positions
        if np.einsum("nd,nd->n", moved, moved).max() > (0.5 * self.pairs.skin) ** 2:
            self._made_at = moved_to(self._made_at, positions.copy())
            self.pairs = interacting_pairs(self._made_at, self._potential, skin=self.pairs.skin)
        return energies_and_forces(positions, self.pairs)[1]


def moved_to(snapshot: Snapshot, positions: FloatArray) -> Snapshot:
    """Return the same system at other positions [N, d]; its fields are left out."""
    return replace(snapshot, positions=positions, fields={})
