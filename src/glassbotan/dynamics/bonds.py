"""The bonds of a graph, each once, and how long trajectories make them."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from glassbotan.structure import NeighbourGraph
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import IntArray

F = TypeVar("F", bound=np.floating[Any])

BLOCK = 2**15
"""Lengths computed together: few enough that they stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Bonds:
    """The bonds of a snapshot, each once.

    Attributes
    ----------
    first, second
        The two particles, first < second, each of shape [B].
    vectors
        Minimum-image r_second - r_first in the snapshot, shape [B, d].
    distances
        Their lengths, shape [B].
    n_particles
        Of the snapshot, N.

    """

    first: IntArray
    second: IntArray
    vectors: FloatArray
    distances: FloatArray
    n_particles: int
    _within: dict[float, "Bonds"] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, graph: NeighbourGraph) -> "Bonds":
        """Return a graph's bonds in the order in which (i, j) with i < j stands there."""
        senders, receivers = graph.edge_index
        once = np.flatnonzero(senders < receivers)
        ends = senders[once], receivers[once]
        return cls(*ends, graph.vectors[once], graph.distances[once], graph.n_particles)

    def within(self, length: float) -> "Bonds":
        """Return those that are shorter in the snapshot."""
        if length not in self._within:
            which = self.distances < length
            ends = self.first[which], self.second[which]
            found = Bonds(*ends, self.vectors[which], self.distances[which], self.n_particles)
            self._within[length] = found
        return self._within[length]

    def norms(self, displacements: FloatArray) -> FloatArray:
        """Return the lengths [R, N] of displacements [R, N, d]."""
        return np.asarray(np.sqrt(np.einsum("rnd,rnd->rn", displacements, displacements)))

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


def both_ways(values: NDArray[F], graph: NeighbourGraph) -> NDArray[F]:
    """Return values [T, E] of directed bonds from those [T, E / 2] of bonds with i < j."""
    senders, receivers = graph.edge_index
    once = senders < receivers
    back = np.flatnonzero(~once)
    # Edges are sorted by receiver, then sender. In order of their sender those from j to i come as
    # those from i to j do in order of their receiver.
    back = back[_stable_order(senders[back], graph.n_particles)]
    every = np.empty((len(values), graph.n_edges), dtype=values.dtype)
    every[:, once] = values
    every[:, back] = values
    return every


def _stable_order(numbers: IntArray, bound: int) -> IntArray:
    # Of numbers with 16 bits NumPy sorts ten times as many in the same time, by their digits.
    short = bound <= np.iinfo(np.uint16).max
    return np.argsort(numbers.astype(np.uint16) if short else numbers, kind="stable")
