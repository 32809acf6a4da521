"""Averages over an isoconfigurational ensemble: the propensity and the bond extension."""

import numpy as np

from glassbotan.dynamics.bonds import UnorderedBonds, both_ways
from glassbotan.dynamics.ensemble import IsoconfigurationalEnsemble
from glassbotan.dynamics.motion import Motion
from glassbotan.structure import NeighbourGraph
from glassbotan.structure.periodic import FloatArray


def displacement_lengths(ensemble: IsoconfigurationalEnsemble) -> FloatArray:
    """Return |r_i(t) - r_i(0)| of every trajectory, shape [T, R, N], length units."""
    return np.stack([lengths_of(ensemble.displacements(t)) for t in range(len(ensemble.times))])


def lengths_of(displacements: FloatArray) -> FloatArray:
    """Return the lengths [R, N] of displacements [R, N, d]."""
    return np.asarray(np.sqrt(np.einsum("rnd,rnd->rn", displacements, displacements)))


def propensity(ensemble: IsoconfigurationalEnsemble) -> FloatArray:
    """Return the mean over trajectories of each particle's displacement, shape [T, N].

    Widmer-Cooper, Harrowell, Fynewever, Phys. Rev. Lett. 93, 135701 (2004):
    <|r_i(t) - r_i(0)|> over the isoconfigurational ensemble.
    """
    times = range(len(ensemble.times))
    return np.stack([lengths_of(ensemble.displacements(t)).mean(axis=0) for t in times])


def bond_extension(ensemble: IsoconfigurationalEnsemble, graph: NeighbourGraph) -> FloatArray:
    """Return the mean over trajectories of each bond's change of length, shape [T, E].

    Shiba, Hanai, Suzumura, Shimokawabe, J. Chem. Phys. 158, 084503 (2023):
    <|r_ij(t)|> - |r_ij(0)|, with r_ij(t) the initial minimum-image vector plus the difference of
    the two displacements (the pair is followed, wherever it goes).

    Parameters
    ----------
    ensemble
        The trajectories.
    graph
        The bonds of the ensemble's snapshot.

    """
    bonds = UnorderedBonds.of(graph)
    mean = np.full((1, ensemble.n_trajectories), 1 / ensemble.n_trajectories)
    extension = [
        bonds.summed_extension(ensemble.displacements(t), mean)[0]
        for t in range(len(ensemble.times))
    ]
    return both_ways(np.stack(extension), graph)


def motion_of(ensemble: IsoconfigurationalEnsemble, graph: NeighbourGraph | None = None) -> Motion:
    """Return the ensemble's propensity and, for the bonds of ``graph``, their extension."""
    return Motion(
        snapshot=ensemble.snapshot,
        times=ensemble.times,
        propensity=propensity(ensemble),
        graph=graph,
        bond_extension=None if graph is None else bond_extension(ensemble, graph),
        source=ensemble.snapshot.source,
    )
