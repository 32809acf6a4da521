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
    n_trajectories = len(samples)
    if n_trajectories < 2:
        return float("nan")
    generator = np.random.default_rng(seed)
    correlations = []
    total = samples.sum(axis=0)
    half = n_trajectories // 2
    for _ in range(splits):
        chosen = generator.permutation(n_trajectories)[:half]
        first = samples[chosen].sum(axis=0)
        correlations.append(pearson(first / half, (total - first) / (n_trajectories - half)))
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
