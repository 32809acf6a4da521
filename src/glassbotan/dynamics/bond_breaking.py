"""Bond breaking: how much of its first shell a particle has lost."""

import numpy as np

from glassbotan.dynamics.bonds import UnorderedBonds
from glassbotan.dynamics.ensemble import IsoconfigurationalEnsemble
from glassbotan.structure import Snapshot, neighbour_graph
from glassbotan.structure.periodic import FloatArray

FIRST_SHELL = 1.35
"""A pair closer than this in the snapshot is a bond: the first minimum of the A-A pair
distribution, length units."""

BROKEN = 1.7
"""A bond longer than this is broken, length units. That it is more than FIRST_SHELL keeps
vibrations about the first minimum from being counted."""


def first_shell(snapshot: Snapshot) -> UnorderedBonds:
    """Return the bonds shorter than FIRST_SHELL."""
    return UnorderedBonds.of(neighbour_graph(snapshot, FIRST_SHELL))


def broken_fraction(
    shell: UnorderedBonds, displacements: FloatArray, n_particles: int
) -> FloatArray:
    """Return the fraction of each particle's bonds that one trajectory has broken, shape [N]."""
    broken = (shell.lengths(displacements) > BROKEN).astype(np.float64)
    return shell.fractions(broken, n_particles)


def bond_breaking(ensemble: IsoconfigurationalEnsemble) -> FloatArray:
    """Return the bond-breaking propensity, shape [T, N].

    The mean over trajectories of the fraction of a particle's first-shell bonds that are broken: a
    pair that was closer than FIRST_SHELL = 1.35 at time 0 and is farther apart than BROKEN = 1.7
    at t, both in length units (sigma_AA) for every pair of species; 0 for a particle that has no
    bond. Bonds broken and not replaced tell rearrangements from vibrations and from what moves
    along: Yamamoto, Onuki, Phys. Rev. E 58, 3515 (1998); Shiba, Kawasaki, Onuki, Phys. Rev. E 86,
    041504 (2012). Bonds that have formed again by t are not broken at t.

    Raises
    ------
    InputError
        The box is shorter than twice FIRST_SHELL.

    """
    snapshot = ensemble.snapshot
    shell = first_shell(snapshot)
    return np.stack(
        [
            np.mean(
                [
                    broken_fraction(shell, moved, snapshot.n_particles)
                    for moved in ensemble.displacements(t)
                ],
                axis=0,
            )
            for t in range(len(ensemble.times))
        ]
    )
