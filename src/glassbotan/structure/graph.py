"""The neighbour graph of a snapshot: one node a particle, one directed edge a bond."""

from dataclasses import dataclass

import numpy as np

from glassbotan.errors import InputError
from glassbotan.structure.neighbours import pairs_within
from glassbotan.structure.periodic import FloatArray, minimum_image, wrap
from glassbotan.structure.snapshot import IntArray, Snapshot

OVERLAP = 0.3
"""Pairs closer than this (length units) are no configuration of any glass, but a broken file."""


@dataclass(frozen=True, eq=False)
class NeighbourGraph:
    """Every ordered pair of particles closer than the cutoff, sorted by receiver, then sender.

    Attributes
    ----------
    species
        Shape [N].
    edge_index
        Bonds (i, j), shape [2, E]: row 0 the sender i, row 1 the receiver j.
    vectors
        Minimum-image r_j - r_i, shape [E, d], length units.
    row_offsets
        Shape [N + 1]: the edges that receiver j receives are row_offsets[j] : row_offsets[j + 1].
    cutoff
        Length units.

    """

    species: IntArray
    edge_index: IntArray
    vectors: FloatArray
    row_offsets: IntArray
    cutoff: float

    @property
    def n_particles(self) -> int:
        """The number of nodes N."""
        return len(self.species)

    @property
    def n_edges(self) -> int:
        """The number of directed edges E."""
        return int(self.edge_index.shape[1])

    @property
    def distances(self) -> FloatArray:
        """Pair distances, shape [E], length units."""
        return np.asarray(np.sqrt(np.einsum("ed,ed->e", self.vectors, self.vectors)))


def neighbour_graph(snapshot: Snapshot, cutoff: float = 2.0) -> NeighbourGraph:
    """Find all ordered pairs of particles closer than ``cutoff`` (length units).

    Work and memory grow linearly with N.

    Raises
    ------
    InputError
        The cutoff is not positive or longer than half of a box edge (a pair would be met twice),
        or two particles overlap.

    """
    _check_cutoff(snapshot, cutoff)
    positions = wrap(snapshot.positions, snapshot.box)
    edge_index = _both_ways(pairs_within(positions, snapshot.box, cutoff))
    graph = NeighbourGraph(
        species=snapshot.species,
        edge_index=edge_index,
        vectors=_vectors(positions, snapshot.box, edge_index),
        row_offsets=_row_offsets(edge_index[1], snapshot.n_particles),
        cutoff=cutoff,
    )
    _check_overlap(snapshot, graph)
    return graph


def _both_ways(pairs: IntArray) -> IntArray:
    """Return senders and receivers [2, E] of both directions, by receiver, then sender."""
    # Sorted as one number: much faster than an order and what it puts into order.
    edges = np.concatenate([pairs[0] << 32 | pairs[1], pairs[1] << 32 | pairs[0]])
    edges.sort()
    return np.stack([edges & 0xFFFFFFFF, edges >> 32])


def _vectors(positions: FloatArray, box: FloatArray, edge_index: IntArray) -> FloatArray:
    """Return the minimum-image r_receiver - r_sender, shape [E, d]."""
    senders, receivers = edge_index
    vectors = np.empty((len(senders), len(box)))
    # Axis by axis: what is taken from an array of one coordinate is taken several times as fast.
    for axis, along in enumerate(np.ascontiguousarray(positions.T)):
        separation = along[receivers] - along[senders]
        vectors[:, axis] = minimum_image(separation, box[axis : axis + 1])
    return vectors


def _row_offsets(receivers: IntArray, n_particles: int) -> IntArray:
    counts = np.bincount(receivers, minlength=n_particles)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _check_cutoff(snapshot: Snapshot, cutoff: float) -> None:
    if not (np.isfinite(cutoff) and cutoff > 0):
        raise InputError(f"the graph cutoff is {cutoff}; it must be a positive length")
    if cutoff > 0.5 * snapshot.box.min():
        raise InputError(
            f"{snapshot.source}: the graph cutoff {cutoff:g} is longer than half the shortest box "
            f"edge ({snapshot.box.min():g}), so a pair would be met twice; "
            f"use a box of at least {2 * cutoff:g}"
        )


def _check_overlap(snapshot: Snapshot, graph: NeighbourGraph) -> None:
    if not graph.n_edges:
        return
    squared = np.einsum("ed,ed->e", graph.vectors, graph.vectors)
    closest = int(np.argmin(squared))
    distance = float(np.sqrt(squared[closest]))
    if distance < OVERLAP:
        i, j = graph.edge_index[:, closest]
        raise InputError(
            f"{snapshot.source}: particles {min(i, j)} and {max(i, j)} overlap "
            f"(distance {distance:.3g}, length units of the Lennard-Jones sigma); "
            "check positions, box and units"
        )
