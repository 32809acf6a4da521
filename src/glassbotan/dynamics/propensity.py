"""Averages over an isoconfigurational ensemble: the motion that is measured."""

import numpy as np

from glassbotan.dynamics.bonds import Bonds, both_ways
from glassbotan.dynamics.ensemble import IsoconfigurationalEnsemble
from glassbotan.dynamics.motion import Motion
from glassbotan.dynamics.quantities import (
    BOND_BREAKING,
    BOND_EXTENSION,
    FIRST_SHELL,
    PROPENSITY,
    mean_over,
    within_reach,
)
from glassbotan.structure import NeighbourGraph, neighbour_graph
from glassbotan.structure.periodic import FloatArray


def displacement_lengths(ensemble: IsoconfigurationalEnsemble) -> FloatArray:
    """Return |r_i(t) - r_i(0)| of every trajectory, shape [T, R, N], length units."""
    moved = (ensemble.displacements(t) for t in range(len(ensemble.times)))
    return np.stack([np.sqrt(np.einsum("rnd,rnd->rn", one, one)) for one in moved])


def propensity(ensemble: IsoconfigurationalEnsemble) -> FloatArray:
    """Return the mean over trajectories of each particle's displacement, shape [T, N].

    See :data:`glassbotan.dynamics.quantities.PROPENSITY`.
    """
    return np.asarray(displacement_lengths(ensemble).mean(axis=1))


def bond_breaking(ensemble: IsoconfigurationalEnsemble) -> FloatArray:
    """Return the bond-breaking propensity, shape [T, N].

    See :data:`glassbotan.dynamics.quantities.BOND_BREAKING`.

    Raises
    ------
    InputError
        The box is shorter than twice FIRST_SHELL.

    """
    shell = Bonds.of(neighbour_graph(ensemble.snapshot, FIRST_SHELL))
    return mean_over(ensemble, BOND_BREAKING, shell)


def bond_extension(ensemble: IsoconfigurationalEnsemble, graph: NeighbourGraph) -> FloatArray:
    """Return the mean over trajectories of each bond's change of length, shape [T, E].

    See :data:`glassbotan.dynamics.quantities.BOND_EXTENSION`.

    Parameters
    ----------
    ensemble
        The trajectories.
    graph
        The bonds of the ensemble's snapshot.

    """
    return both_ways(mean_over(ensemble, BOND_EXTENSION, Bonds.of(graph)), graph)


def motion_of(ensemble: IsoconfigurationalEnsemble, graph: NeighbourGraph | None = None) -> Motion:
    """Return the ensemble's averages: propensity and, where bonds are followed, all others.

    Parameters
    ----------
    ensemble
        The trajectories.
    graph
        The bonds that are followed; none by default.

    """
    if graph is None:
        values = {PROPENSITY.name: propensity(ensemble)}
    else:
        bonds = Bonds.of(graph)
        found = {one: mean_over(ensemble, one, bonds) for one in within_reach(graph.cutoff)}
        values = {
            one.name: both_ways(mean, graph) if one.place == "bonds" else mean
            for one, mean in found.items()
        }
    return Motion(ensemble.snapshot, ensemble.times, values, graph, source=ensemble.snapshot.source)
