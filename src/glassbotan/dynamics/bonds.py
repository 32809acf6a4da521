"""The bonds of a graph, each once, and how long trajectories make them."""

from dataclasses import dataclass
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
class UnorderedBonds:
    """The bonds of a graph, each once.

    Attributes
    ----------
    first, second
        The two particles, first < second, each of shape [E / 2].
    vectors
        Minimum-image r_second - r_first in the snapshot, shape [E / 2, d].
    distances
        Their lengths, shape [E / 2].

    """

    first: IntArray
    second: IntArray
    vectors: FloatArray
    distances: FloatArray

    @classmethod
    def of(cls, graph: NeighbourGraph) -> "UnorderedBonds":
        """Return a graph's bonds in the order in which (i, j) with i < j stands there."""
        senders, receivers = graph.edge_index
        once = np.flatnonzero(senders < receivers)
        return cls(senders[once], receivers[once], graph.vectors[once], graph.distances[once])

    def shorter_than(self, length: float) -> "UnorderedBonds":
        """Return those that are shorter in the snapshot."""
        return self.chosen(self.distances < length)

    def chosen(self, which: NDArray[np.bool_]) -> "UnorderedBonds":
        """Return those that are true in an array [E / 2]."""
        return UnorderedBonds(
            self.first[which], self.second[which], self.vectors[which], self.distances[which]
        )

    def lengths(self, displacements: FloatArray) -> FloatArray:
        """Return the lengths [E / 2] after particles were displaced by [N, d]."""
        now = self.vectors + (displacements[self.second] - displacements[self.first])
        return np.asarray(np.sqrt(np.einsum("ed,ed->e", now, now)))

    def summed_extension(self, displacements: FloatArray, weights: FloatArray) -> FloatArray:
        """Return weighted sums over trajectories of the change of length, shape [K, E / 2].

        Parameters
        ----------
        displacements
            Of every trajectory, shape [R, N, d], length units.
        weights
            Of each trajectory in each of K sums, shape [K, R].

        """
        # Trajectories come last: what belongs to one bond lies together.
        moved = np.ascontiguousarray(displacements.transpose(2, 1, 0))
        sums = np.empty((len(weights), len(self.first)))
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
            extension = np.sqrt(squared, out=squared)
            extension -= self.distances[part, None]
            sums[:, part] = weights @ extension.T
        return sums

    def fractions(self, chosen: FloatArray, n_particles: int) -> FloatArray:
        """Return the part of each particle's bonds that is chosen (1, not 0), shape [N].

        0 for a particle without bonds.
        """
        bonds = np.bincount(self.first, minlength=n_particles)
        bonds += np.bincount(self.second, minlength=n_particles)
        found = np.bincount(self.first, chosen, n_particles)
        found += np.bincount(self.second, chosen, n_particles)
        return np.asarray(found / np.maximum(bonds, 1))


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
