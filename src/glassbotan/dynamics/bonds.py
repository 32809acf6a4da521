"""The bonds of a snapshot, each once, and how long trajectories make them."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from glassbotan.structure import NeighbourGraph, Snapshot
from glassbotan.structure.graph import unordered_pairs
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import IntArray

F = TypeVar("F", bound=np.floating[Any])

BLOCK = 2**15
"""Lengths computed together: few enough that they stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Bonds:
    """The pairs of a snapshot's particles that are closer than a cutoff, each once.

    Attributes
    ----------
    pairs
        The two particles of each, i < j, sorted by j, then i: shape [2, B].
    vectors
        Minimum-image r_j - r_i in the snapshot, shape [B, d], length units.
    n_particles
        Of the snapshot, N.
    cutoff
        Length units.

    """

    pairs: IntArray
    vectors: FloatArray
    n_particles: int
    cutoff: float
    _within: dict[float, "Bonds"] = field(default_factory=dict, repr=False)

    @classmethod
    def up_to(cls, snapshot: Snapshot, cutoff: float) -> "Bonds":
        """Find a snapshot's bonds; InputError as :func:`glassbotan.structure.neighbour_graph`."""
        pairs, vectors = unordered_pairs(snapshot, cutoff)
        return cls(pairs, vectors, snapshot.n_particles, cutoff)

    @classmethod
    def of(cls, graph: NeighbourGraph) -> "Bonds":
        """Return a graph's bonds."""
        forth, _ = _directions(graph)
        pairs, vectors = graph.edge_index[:, forth], graph.vectors[forth]
        return cls(pairs, vectors, graph.n_particles, graph.cutoff)

    def __len__(self) -> int:
        """Return their number B."""
        return len(self.vectors)

    def __repr__(self) -> str:
        """Return what they are of, in a line."""
        return f"<Bonds: {len(self)} of {self.n_particles} particles, cutoff {self.cutoff:g}>"

    @property
    def first(self) -> IntArray:
        """The particle of lower number, shape [B]."""
        return np.asarray(self.pairs[0])

    @property
    def second(self) -> IntArray:
        """The particle of higher number, shape [B]."""
        return np.asarray(self.pairs[1])

    @cached_property
    def distances(self) -> FloatArray:
        """Lengths in the snapshot, shape [B]."""
        return np.asarray(np.sqrt(np.einsum("bd,bd->b", self.vectors, self.vectors)))

    def within(self, length: float) -> "Bonds":
        """Return those that are shorter in the snapshot."""
        if length not in self._within:
            chosen = self.distances < length
            pairs, vectors = self.pairs[:, chosen], self.vectors[chosen]
            cutoff = min(length, self.cutoff)
            self._within[length] = Bonds(pairs, vectors, self.n_particles, cutoff)
        return self._within[length]

    def places_of(self, others: "Bonds") -> IntArray:
        """Return where other bonds of the snapshot stand among these; -1 for those that do not."""
        known, wanted = (b.second * b.n_particles + b.first for b in (self, others))
        places = np.searchsorted(known, wanted)
        return np.where(np.append(known, -1)[places] == wanted, places, -1)

    def values_of(self, others: "Bonds", values: NDArray[F]) -> NDArray[F]:
        """Return values [T, B'] of other bonds from those [T, B] of these; NaN where unknown."""
        blank = np.full((len(values), 1), np.nan, dtype=values.dtype)
        return np.concatenate([values, blank], axis=1)[:, self.places_of(others)]

    def norms(self, displacements: FloatArray) -> FloatArray:
        """Return the lengths [R, N] of displacements [R, N, d]."""
        return lengths_of(displacements)

    def lengths(self, displacements: FloatArray) -> FloatArray:
        """Return the bonds' lengths [R, B] after particles were displaced by [R, N, d]."""
        # Trajectories come last: what belongs to one bond lies together.
        moved = np.ascontiguousarray(displacements.transpose(2, 1, 0))
        lengths = np.empty((len(self.first), len(displacements)))
        block = max(1, BLOCK // len(displacements))
        for start in range(0, len(self.first), block):
            part = slice(start, start + block)
            squared = np.zeros((len(self.first[part]), len(displacements)))
            for along, vector in zip(moved, self.vectors[part].T, strict=True):
                now = np.take(along, self.second[part], axis=0)
                now -= np.take(along, self.first[part], axis=0)
                now += vector[:, None]
                now *= now
                squared += now
            np.sqrt(squared, out=lengths[part])
        return lengths.T

    def fractions(self, chosen: NDArray[np.bool_]) -> FloatArray:
        """Return the part of each particle's bonds that are chosen [R, B], shape [R, N].

        0 for a particle without bonds.
        """
        n = self.n_particles
        bonds = np.bincount(self.first, minlength=n) + np.bincount(self.second, minlength=n)
        found = [
            np.bincount(self.first, row, n) + np.bincount(self.second, row, n) for row in chosen
        ]
        return np.asarray(np.stack(found) / np.maximum(bonds, 1))

    def array(self, values: FloatArray) -> FloatArray:
        """Return values in NumPy, where these bonds are already."""
        return values


def lengths_of(displacements: FloatArray) -> FloatArray:
    """Return the lengths [R, N] of displacements [R, N, d]."""
    return np.asarray(np.sqrt(np.einsum("rnd,rnd->rn", displacements, displacements)))


def both_ways(values: NDArray[F], graph: NeighbourGraph) -> NDArray[F]:
    """Return values [..., E] of directed edges from those [..., B] of a graph's bonds."""
    every = np.empty((*values.shape[:-1], graph.n_edges), dtype=values.dtype)
    for direction in _directions(graph):
        every[..., direction] = values
    return every


def mean_of_both_ways(values: NDArray[F], graph: NeighbourGraph) -> NDArray[F]:
    """Return values [..., B] of a graph's bonds from those [..., E] of directed edges.

    Of what differs between a bond's two directions, no mean depends on how particles are numbered.
    """
    forth, back = (values[..., direction] for direction in _directions(graph))
    return np.asarray((forth + back) / 2, dtype=values.dtype)


def _directions(graph: NeighbourGraph) -> tuple[IntArray, IntArray]:
    """Return the places among edges of (i, j) and of (j, i), i < j, in the bonds' order."""
    senders, receivers = graph.edge_index
    forth = np.flatnonzero(senders < receivers)
    back = np.flatnonzero(senders > receivers)
    # Edges are sorted by receiver, then sender. In order of their sender those from j to i come as
    # those from i to j do in order of their receiver.
    return forth, back[_stable_order(senders[back], graph.n_particles)]


def _stable_order(numbers: IntArray, bound: int) -> IntArray:
    # Of numbers with 16 bits NumPy sorts ten times as many in the same time, by their digits.
    short = bound <= np.iinfo(np.uint16).max
    return np.argsort(numbers.astype(np.uint16) if short else numbers, kind="stable")
