"""Trajectories read one time after another, and what each is on average over its particles."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from glassbotan.dynamics.ensemble import IsoconfigurationalEnsemble
from glassbotan.dynamics.overlap import overlap
from glassbotan.dynamics.relaxation import isotropic_phase
from glassbotan.progress import Progress, silent
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import IntArray


@dataclass(frozen=True, eq=False)
class Trajectories:
    """An isoconfigurational ensemble of which only one time need be in memory.

    Attributes
    ----------
    snapshot
        The common initial configuration.
    times
        Shape [T], Lennard-Jones time units, increasing.
    displacements
        Function of a time's index that returns r(t) - r(0) of the R_t trajectories that reached
        it, shape [R_t, N, d], length units; the first R_t of all, and R_t never grows.
    masses
        Of each species, shape [S]; None where they are not known.

    """

    snapshot: Snapshot
    times: FloatArray
    displacements: Callable[[int], FloatArray]
    masses: FloatArray | None = None

    @classmethod
    def of(cls, ensemble: IsoconfigurationalEnsemble) -> "Trajectories":
        """Return those of an ensemble in memory."""
        return cls(ensemble.snapshot, ensemble.times, ensemble.displacements)


@dataclass(frozen=True, eq=False)
class Averages:
    """Averages over a group of particles, one for each trajectory: arrays [T, R].

    NaN where a trajectory had ended.

    Attributes
    ----------
    scattering
        cos(q . dr) averaged over directions of q.
    squared, fourth
        Second and fourth power of the displacement, length^2 and length^4.
    overlap
        Part of the particles that are still at their places.

    """

    scattering: FloatArray
    squared: FloatArray
    fourth: FloatArray
    overlap: FloatArray


@dataclass(frozen=True)
class Selection:
    """Particles that are averaged over: their indices [n], and the wave number for them."""

    members: IntArray
    wave_number: float


def averages_of(
    trajectories: Trajectories,
    groups: Sequence[Selection],
    *,
    overlap_length: float,
    progress: Progress = silent,
) -> list[Averages]:
    """Return the averages over each group, reading one time after another.

    Parameters
    ----------
    trajectories
        Of one snapshot.
    groups
        Of its particles.
    overlap_length
        See :func:`overlap`, length units.
    progress
        Told the number of times done.

    """
    found: list[list[FloatArray]] = [[] for _ in groups]
    for t in range(len(trajectories.times)):
        displacements = trajectories.displacements(t)
        squared = np.einsum("rnd,rnd->rn", displacements, displacements)
        for rows, group in zip(found, groups, strict=True):
            rows.append(
                _at_one_time(
                    squared[:, group.members],
                    group.wave_number,
                    overlap_length,
                    trajectories.snapshot.dimension,
                )
            )
        progress(t + 1, len(trajectories.times), "reading", unit="times")
    return [Averages(*_padded(rows)) for rows in found]


def _at_one_time(
    squared: FloatArray, wave_number: float, length: float, dimension: int
) -> FloatArray:
    """Return the four averages of squared displacements [R, n], shape [4, R]."""
    phase = isotropic_phase(wave_number * np.sqrt(squared), dimension)
    return np.stack(
        [
            phase.mean(axis=1),
            squared.mean(axis=1),
            np.mean(squared**2, axis=1),
            overlap(squared, length=length),
        ]
    )


def _padded(rows: Sequence[FloatArray]) -> FloatArray:
    """Return T arrays [4, R_t] as one [4, T, R] with NaN at the end of the shorter ones."""
    most = max(row.shape[1] for row in rows)
    padded = np.full((4, len(rows), most), np.nan)
    for t, row in enumerate(rows):
        padded[:, t, : row.shape[1]] = row
    return padded
