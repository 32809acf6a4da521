"""Overlap with the initial configuration, and its fluctuations: the four-point susceptibility.

Every trajectory r of every snapshot s has an overlap Q_sr(t). Its variance over all of them, times
the number of particles, is chi_4. By the law of total variance it is the sum of a part within
isoconfigurational ensembles, the mean over snapshots of the variance over trajectories, and a part
between them, the variance over snapshots of the mean over trajectories. Berthier and Jack, Phys.
Rev. E 76, 041509 (2007), tell in this way what a structure decides from what it leaves to chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from glassbotan.dynamics.estimate import Estimate, jackknife_error
from glassbotan.structure.periodic import FloatArray

OVERLAP_LENGTH = 0.3
"""Within which a particle counts as still at its place, length units: more than vibrations, less
than a neighbour's distance (Lačević, Starr, Schrøder, Glotzer, J. Chem. Phys. 119, 7372 (2003))."""


@dataclass(frozen=True, eq=False)
class Susceptibility:
    """The four-point susceptibility and its two parts, each an estimate of shape [T].

    Attributes
    ----------
    total
        N (<Q^2> - <Q>^2) over all trajectories of all snapshots; NaN with a single snapshot.
    isoconfigurational
        The part within ensembles; NaN where every snapshot has a single trajectory.
    structural
        The part between ensembles; NaN where either is. It may come out below 0 where it is small.

    """

    total: Estimate
    isoconfigurational: Estimate
    structural: Estimate


def overlap(squared: FloatArray, *, length: float = OVERLAP_LENGTH) -> FloatArray:
    r"""Return Q = (1/N) sum over particles of theta(a - \|r(t) - r(0)\|).

    Lačević, Starr, Schrøder, Glotzer, J. Chem. Phys. 119, 7372 (2003), their self part.

    Parameters
    ----------
    squared
        Squared displacements, shape [..., N], length^2.
    length
        The distance a, length units.

    Returns
    -------
    FloatArray
        Shape [...], from 0 to 1.

    """
    return np.asarray(np.mean(squared < length**2, axis=-1))


def four_point_susceptibility(
    overlaps: Sequence[Sequence[FloatArray]], *, particles: int
) -> Susceptibility:
    """Return chi_4 = N (<Q^2> - <Q>^2), and its parts within and between ensembles.

    All three are unbiased for any numbers of trajectories (analysis of variance: Searle, Casella,
    McCulloch, Variance Components (Wiley, 1992), ch. 3). Standard errors are by the jackknife over
    snapshots: two of them for the isoconfigurational part, three for the others; with one
    snapshot over its trajectories.

    Parameters
    ----------
    overlaps
        For each of T times, the overlaps of each snapshot's trajectories, shape [R_s].
    particles
        The number N that an overlap is the mean of.

    """
    found = np.array([_at_one_time(snapshots) for snapshots in overlaps]).reshape(-1, 2, 3)
    values, errors = particles * found[:, 0].T, particles * found[:, 1].T
    return Susceptibility(*(Estimate(v, e) for v, e in zip(values, errors, strict=True)))


def _at_one_time(overlaps: Sequence[FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Return the variances [3], total, within and between ensembles, and their errors [3]."""
    if len(overlaps) == 1:
        (alone,) = overlaps
        error = float(jackknife_error(_variances_without_one(alone)))
        within = np.array([np.nan, _moments(alone)[2], np.nan])
        return within, np.array([np.nan, error, np.nan])
    moments = np.array([_moments(q) for q in overlaps])
    without = [_variances(np.delete(moments, s, axis=0)) for s in range(len(moments))]
    return _variances(moments), jackknife_error(np.array(without))


def _moments(overlaps: FloatArray) -> tuple[float, float, float]:
    """Return number, mean and unbiased variance (NaN of a single one)."""
    variance = overlaps.var(ddof=1) if len(overlaps) > 1 else np.nan
    return len(overlaps), float(overlaps.mean()), float(variance)


def _variances(moments: FloatArray) -> FloatArray:
    """Return the variance in all, within and between snapshots of moments [S, 3], shape [3]."""
    count, mean, variance = moments.T
    repeated = count > 1
    within = variance[repeated].mean() if repeated.any() else np.nan
    # Means of few trajectories scatter by chance too: by the variance within over their number.
    spread = mean.var(ddof=1) if len(mean) > 1 else np.nan
    between = spread - np.mean(variance / count)
    total = spread + np.mean(np.where(repeated, (1 - 1 / count) * variance, 0.0))
    return np.array([total, within, between])


def _variances_without_one(overlaps: FloatArray) -> FloatArray:
    """Return the variances [R] of all overlaps [R] but one."""
    if len(overlaps) < 3:
        return np.full(1, np.nan)
    return np.array([np.delete(overlaps, r).var(ddof=1) for r in range(len(overlaps))])
