"""Averages over an isoconfigurational ensemble: the propensity and the bond extension."""

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics.ensemble import IsoconfigurationalEnsemble
from glassbotan.dynamics.motion import Motion
from glassbotan.structure import NeighbourGraph
from glassbotan.structure.periodic import FloatArray


def displacement_lengths(ensemble: IsoconfigurationalEnsemble) -> FloatArray:
    """Return |r_i(t) - r_i(0)| of every trajectory, shape [T, R, N], length units."""
    return np.stack(
        [np.linalg.norm(ensemble.displacements(t), axis=-1) for t in range(len(ensemble.times))]
    )


def propensity(ensemble: IsoconfigurationalEnsemble) -> FloatArray:
    """Return the mean over trajectories of each particle's displacement, shape [T, N].

    Widmer-Cooper, Harrowell, Fynewever, Phys. Rev. Lett. 93, 135701 (2004):
    <|r_i(t) - r_i(0)|> over the isoconfigurational ensemble.
    """
    return np.asarray(displacement_lengths(ensemble).mean(axis=1))


def bond_extension(
    ensemble: IsoconfigurationalEnsemble,
    graph: NeighbourGraph,
    *,
    trajectories: NDArray[np.integer] | None = None,
) -> FloatArray:
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
    trajectories
        Indices of those to average over; all by default.

    """
    chosen = np.arange(ensemble.n_trajectories) if trajectories is None else trajectories
    senders, receivers = graph.edge_index
    # Both directions of a bond share their extension, so half of them is computed.
    half = np.flatnonzero(senders < receivers)
    i, j, vectors = senders[half], receivers[half], graph.vectors[half]
    extension = np.zeros((len(ensemble.times), graph.n_edges))
    for t in range(len(ensemble.times)):
        moved = ensemble.displacements(t)
        total = np.zeros(len(half))
        for trajectory in chosen:
            now = vectors + (moved[trajectory, j] - moved[trajectory, i])
            total += np.sqrt(np.einsum("ed,ed->e", now, now))
        extension[t, half] = total / len(chosen) - graph.distances[half]
    return extension + extension[:, reverse_edges(graph)]


def reverse_edges(graph: NeighbourGraph) -> NDArray[np.int64]:
    """Return, for every edge (i, j), the index of the edge (j, i), shape [E]."""
    senders, receivers = graph.edge_index
    # Edges are sorted by (receiver, sender); the reverse of the k-th in (sender, receiver) order
    # is the k-th in (receiver, sender) order, which is k itself.
    reverse = np.empty(graph.n_edges, dtype=np.int64)
    reverse[np.lexsort((receivers, senders))] = np.arange(graph.n_edges)
    return reverse


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
