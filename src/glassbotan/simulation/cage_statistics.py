"""Averages over the samples of a run, taken as they come; no frame is kept.

One sample's numbers are single precision, sums over samples double. Arrays are [d, R, N], so that
every sum runs along particles that lie side by side.
"""

import numpy as np
from numpy.typing import NDArray

from glassbotan.structure.periodic import FloatArray, minimum_image
from glassbotan.structure.snapshot import IntArray, Snapshot

SingleArray = NDArray[np.float32]


class ParticleSums:
    """Where each particle is on average, and how it fluctuates.

    Parameters
    ----------
    centres
        Middles of the walls relative to the snapshot's positions, shape [N, d].
    radius
        Of the walls.
    masses
        Shape [N].

    Attributes
    ----------
    samples
        Number of configurations of all replicas so far.
    moved, lengths
        Sums over each half of the replicas of displacements less the centre of mass's, [2, d, N],
        and of their lengths, [2, N].
    off_centre, beyond
        Sums of distances from the walls' middles, and of those further than the radius, [N].

    """

    def __init__(self, centres: FloatArray, radius: float, masses: FloatArray) -> None:
        n_particles, dimension = centres.shape
        self._centres = np.ascontiguousarray(centres.T, dtype=np.float32)
        self._radius, self._share = radius, masses / masses.sum()
        self._middle = (self._share @ centres)[:, None]
        self._products = np.zeros((dimension, dimension, n_particles))
        self.samples = 0
        self.moved = np.zeros((2, dimension, n_particles))
        self.lengths = np.zeros((2, n_particles))
        self.off_centre, self.beyond = np.zeros(n_particles), np.zeros(n_particles)

    def add(self, displacements: FloatArray) -> SingleArray:
        """Count r(t) - r(0), shape [R, N, d]; return them as [d, R, N]."""
        replicas = len(displacements)
        drift = (self._share @ displacements).T
        moved = np.ascontiguousarray(displacements.transpose(2, 0, 1), dtype=np.float32)
        # Walls stand still while the centre of mass moves.
        off = moved - self._centres[:, None]
        distance = _lengths(off)
        self.off_centre += distance.sum(axis=0)
        self.beyond += (distance > self._radius).sum(axis=0)

        moved -= drift[:, :, None].astype(np.float32)
        off -= (drift - self._middle)[:, :, None].astype(np.float32)
        length = _lengths(moved)
        for half, chosen in enumerate((slice(replicas // 2), slice(replicas // 2, None))):
            self.moved[half] += moved[:, chosen].sum(axis=1)
            self.lengths[half] += length[chosen].sum(axis=0)
        # Relative to the walls' middles: squares of small numbers, from which little is taken off.
        for i, along in enumerate(off):
            for j in range(i + 1):
                product = np.einsum("rn,rn->n", along, off[j])
                self._products[i, j] += product
                if i != j:
                    self._products[j, i] += product
        self.samples += replicas
        return moved

    def covariance(self) -> FloatArray:
        """Return the covariance of each particle's position, shape [N, d, d], length^2."""
        mean = self.moved.sum(axis=0) / self.samples - (self._centres - self._middle)
        covariance = self._products / self.samples - mean[:, None] * mean
        return np.ascontiguousarray(covariance.transpose(2, 0, 1))


class PairSums:
    """How far apart the particles of each pair are on average, and how that fluctuates.

    Parameters
    ----------
    snapshot
        Where particles set out.
    pairs
        Indices of the two particles, shape [2, P].

    """

    def __init__(self, snapshot: Snapshot, pairs: IntArray) -> None:
        self._first, self._second = np.ascontiguousarray(pairs)
        separation = snapshot.positions[self._second] - snapshot.positions[self._first]
        vectors = minimum_image(separation, snapshot.box)
        self._vectors = np.ascontiguousarray(vectors.T, dtype=np.float32)
        self._start = _lengths(self._vectors)
        self._samples = 0
        self._sum, self._squares = np.zeros(pairs.shape[1]), np.zeros(pairs.shape[1])

    def add(self, moved: SingleArray) -> None:
        """Count displacements [d, R, N]."""
        for replica in moved.swapaxes(0, 1):
            vectors = np.take(replica, self._second, axis=1)
            vectors -= np.take(replica, self._first, axis=1)
            vectors += self._vectors
            change = _lengths(vectors)
            change -= self._start
            self._sum += change
            self._squares += change * change
            self._samples += 1

    def distance(self) -> FloatArray:
        """Return the mean distance, shape [P], length units."""
        return np.asarray(self._start + self._sum / self._samples)

    def deviation(self) -> FloatArray:
        """Return the standard deviation of the distance, shape [P], length units."""
        mean = self._sum / self._samples
        return np.sqrt(np.maximum(self._squares / self._samples - mean**2, 0.0))


def _lengths(vectors: SingleArray) -> SingleArray:
    """Return lengths [...] of vectors [d, ...]."""
    squared = vectors[0] * vectors[0]
    for along in vectors[1:]:
        squared += along * along
    return np.asarray(np.sqrt(squared, out=squared))
