"""The neighbour graph of a snapshot: one node a particle, one directed edge a bond."""

from dataclasses import dataclass

import numpy as np

from glassbotan.errors import InputError
from glassbotan.structure.neighbours import pairs_within
from glassbotan.structure.periodic import FloatArray, minimum_image, wrap
from glassbotan.structure.snapshot import IntArray, Snapshot

OVERLAP = 0.3
"""Pairs closer than this (length units) are no configuration of any glass, but a broken file."""
BLOCK = 2**13
"""Edges whose vectors are computed together, in memory that is taken from the system once."""


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

    def __repr__(self) -> str:
        """Return what it is of, in a line."""
        return (
            f"<NeighbourGraph: {self.n_particles} particles, {self.n_edges} directed edges, "
            f"cutoff {self.cutoff:g}>"
        )

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
    edge_index, vectors = _close_pairs(snapshot, cutoff, both_ways=True)
    return NeighbourGraph(
        species=snapshot.species,
        edge_index=edge_index,
        vectors=vectors,
        row_offsets=np.searchsorted(edge_index[1], np.arange(snapshot.n_particles + 1)),
        cutoff=cutoff,
    )


def unordered_pairs(snapshot: Snapshot, cutoff: float) -> tuple[IntArray, FloatArray]:
    """Find all pairs (i < j) of particles closer than ``cutoff`` (length units), each once.

    Returns
    -------
    pairs
        i and j, sorted by j, then i, shape [2, P].
    vectors
        Minimum-image r_j - r_i, shape [P, d], length units.

    Raises
    ------
    InputError
        As :func:`neighbour_graph`.

    """
    return _close_pairs(snapshot, cutoff, both_ways=False)


def _close_pairs(
    snapshot: Snapshot, cutoff: float, *, both_ways: bool
) -> tuple[IntArray, FloatArray]:
    """Return pairs [2, P], with the lower number first or in both orders, and their vectors."""
    if not (np.isfinite(cutoff) and cutoff > 0):
        raise InputError(f"the graph cutoff is {cutoff}; it must be a positive length")
    if cutoff > 0.5 * snapshot.box.min():
        raise InputError(
            f"{snapshot.source}: the graph cutoff {cutoff:g} is longer than half the shortest box "
            f"edge ({snapshot.box.min():g}), so a pair would be met twice; "
            f"use a box of at least {2 * cutoff:g}"
        )
    positions = wrap(snapshot.positions, snapshot.box)
    pairs = pairs_within(positions, snapshot.box, cutoff)
    if both_ways:
        pairs = np.concatenate([pairs, pairs[::-1]], axis=1)
    else:
        pairs = np.stack([pairs.min(axis=0), pairs.max(axis=0)])
    pairs = _in_order(pairs)
    vectors = _vectors(positions, snapshot.box, pairs)
    squared = np.einsum("ed,ed->e", vectors, vectors)
    if len(squared) and squared.min() < OVERLAP**2:
        closest = int(np.argmin(squared))
        i, j = pairs[:, closest]
        raise InputError(
            f"{snapshot.source}: particles {min(i, j)} and {max(i, j)} overlap "
            f"(distance {np.sqrt(squared[closest]):.3g}, length units of the Lennard-Jones sigma); "
            "check positions, box and units"
        )
    return pairs, vectors


def _in_order(pairs: IntArray) -> IntArray:
    """Return pairs [2, P] in the order of the second, then the first."""
    # Numbers sort much faster than an order is found and what it orders is moved.
    numbers = np.left_shift(pairs[1], 32)
    numbers |= pairs[0]
    numbers.sort()
    return np.stack([numbers & 0xFFFFFFFF, numbers >> 32])


def _vectors(positions: FloatArray, box: FloatArray, edge_index: IntArray) -> FloatArray:
    """Return the minimum-image r_receiver - r_sender, shape [E, d]."""
    vectors = np.empty((edge_index.shape[1], len(box)))
    # Axis by axis: what is taken from an array of one coordinate is taken several times as fast.
    coordinates = np.ascontiguousarray(positions.T)
    for start in range(0, len(vectors), BLOCK):
        part = slice(start, start + BLOCK)
        senders, receivers = edge_index[:, part]
        for axis, along in enumerate(coordinates):
            separation = along[receivers] - along[senders]
            vectors[part, axis] = minimum_image(separation, box[axis : axis + 1])
    return vectors
