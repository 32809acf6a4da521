"""The noise ceiling: how well any predictor can score against labels of finite ensembles."""

import numpy as np

from glassbotan.structure.periodic import FloatArray


def noise_ceiling(samples: FloatArray, *, splits: int = 20, seed: int = 0) -> float:
    """Return the highest Pearson correlation that a perfect predictor can expect.

    The trajectories are split into halves at random; the correlation r of the two half means,
    averaged over splits, is lengthened to the full ensemble by the Spearman-Brown formula,
    2 r / (1 + r), which is the labels' reliability; its square root is the ceiling.

    Parameters
    ----------
    samples
        One quantity of every trajectory and particle (or bond), shape [R, N].
    splits, seed
        Number of random splits, and the seed that makes them repeatable.

    Returns
    -------
    float
        NaN with fewer than two trajectories or without variance; 0 where halves do not correlate.

    """
    halves = random_halves(len(samples), splits=splits, seed=seed)
    return ceiling_of_sums(halves @ samples, samples.sum(axis=0), len(samples))


def random_halves(n_trajectories: int, *, splits: int = 20, seed: int = 0) -> FloatArray:
    """Return which trajectories are in a split's first half: 1 or 0, shape [splits, R]."""
    generator = np.random.default_rng(seed)
    halves = np.zeros((splits, n_trajectories))
    for half in halves:
        half[generator.permutation(n_trajectories)[: n_trajectories // 2]] = 1
    return halves


def ceiling_of_sums(first: FloatArray, total: FloatArray, n_trajectories: int) -> float:
    """Return the noise ceiling from sums over trajectories.

    As :func:`noise_ceiling`, where the samples themselves would be too many to keep.

    Parameters
    ----------
    first
        Sums over the halves that :func:`random_halves` names, shape [splits, N].
    total
        Sums over all trajectories, shape [N].
    n_trajectories
        Their number R.

    """
    if n_trajectories < 2:
        return float("nan")
    half = n_trajectories // 2
    correlations = [
        pearson(part / half, (total - part) / (n_trajectories - half)) for part in first
    ]
    return _lengthened(float(np.mean(correlations)))


def ceiling_of_halves(first: FloatArray, second: FloatArray) -> float:
    """Return the noise ceiling from the means over two halves of the trajectories, each [N].

    As :func:`noise_ceiling`, from the one split that is known.
    """
    if np.isnan(first).any() or np.isnan(second).any():
        return float("nan")
    return _lengthened(pearson(first, second))


def _lengthened(correlation: float) -> float:
    """Return the ceiling that follows from the correlation of two halves."""
    if np.isnan(correlation):
        return correlation
    return float(np.sqrt(2 * correlation / (1 + correlation))) if correlation > 0 else 0.0


def pearson(x: FloatArray, y: FloatArray) -> float:
    """Return the Pearson correlation coefficient; NaN where one side does not vary."""
    # A constant minus its rounded mean may leave noise that correlates with anything.
    if not len(x) or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    norm = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / norm) if norm > 0 else float("nan")
