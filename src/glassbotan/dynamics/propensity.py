"""Averages over an isoconfigurational ensemble: the motion that is measured."""

import numpy as np

from glassbotan.dynamics.bonds import Bonds, lengths_of
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
from glassbotan.structure import NeighbourGraph
from glassbotan.structure.periodic import FloatArray


def displacement_lengths(ensemble: IsoconfigurationalEnsemble) -> FloatArray:
    """Return |r_i(t) - r_i(0)| of every trajectory, shape [T, R, N], length units."""
    return np.stack([lengths_of(ensemble.displacements(t)) for t in range(len(ensemble.times))])


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
    return mean_over(ensemble, BOND_BREAKING, Bonds.up_to(ensemble.snapshot, FIRST_SHELL))


def bond_extension(ensemble: IsoconfigurationalEnsemble, graph: NeighbourGraph) -> FloatArray:
    """Return the mean over trajectories of each bond's change of length, shape [T, B].

    See :data:`glassbotan.dynamics.quantities.BOND_EXTENSION`.

    Parameters
    ----------
    ensemble
        The trajectories.
    graph
        Of the ensemble's snapshot, with B bonds.

    """
    return mean_over(ensemble, BOND_EXTENSION, Bonds.of(graph))


def motion_of(ensemble: IsoconfigurationalEnsemble, graph: NeighbourGraph | None = None) -> Motion:
    """Return the ensemble's averages: propensity and, where bonds are followed, all others.

    Parameters
    ----------
    ensemble
        The trajectories.
    graph
        Whose bonds are followed; none by default.

    """
    bonds, snapshot = None if graph is None else Bonds.of(graph), ensemble.snapshot
    if bonds is None:
        values = {PROPENSITY.name: propensity(ensemble)}
    else:
        values = {o.name: mean_over(ensemble, o, bonds) for o in within_reach(bonds.cutoff)}
    return Motion(snapshot, ensemble.times, values, bonds, source=snapshot.source)
