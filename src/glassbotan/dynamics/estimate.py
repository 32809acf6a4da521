"""A measured value and its standard error, by the jackknife, and how the two are written."""

from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from glassbotan.structure.periodic import FloatArray

ROUNDING = 1e-12
"""Numbers below it, and errors that are a smaller part of their value, are not measured."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """Values with their standard errors.

    Attributes
    ----------
    value
        Any shape; NaN where it could not be measured.
    error
        Standard error of each value, the same shape; NaN where it is not known.

    """

    value: FloatArray
    error: FloatArray


def leave_one_out(samples: FloatArray) -> FloatArray:
    """Return, for each of n >= 2 samples [n, ...], the mean over all others, the same shape."""
    return np.asarray((samples.sum(axis=0) - samples) / (len(samples) - 1))


def jackknife_error(replicas: FloatArray) -> FloatArray:
    """Return the standard error that n estimates, each without one sample, tell: [n, ...] to [...].

    B. Efron, The Jackknife, the Bootstrap and Other Resampling Plans (SIAM, 1982), ch. 3:
    the square root of (n - 1) / n times the sum of squared deviations from their mean. Of a mean
    it is the usual standard error. NaN for fewer than two, or where one is NaN.
    """
    n = len(replicas)
    if n < 2:
        return np.full(replicas.shape[1:], np.nan)
    deviations = replicas - replicas.mean(axis=0)
    return np.asarray(np.sqrt((n - 1) / n * np.sum(deviations**2, axis=0)))


def plain(value: Any) -> Any:
    """Return a data class, its arrays and those within it as JSON knows them; None for NaN."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def concise(value: float, error: float) -> str:
    """Return 0.7512(32) for 0.7512 with the error 0.0032; without an error four digits."""
    if np.isnan(value):
        return "-"
    if not error > ROUNDING * max(abs(value), 1.0):
        return f"{value if abs(value) > ROUNDING else 0.0:.4g}"
    # Of the rounded error: 0.0999 is 0.10.
    decimals = max(0, 1 - int(f"{error:.1e}".partition("e")[2]))
    return f"{value:.{decimals}f}({error * 10**decimals:.0f})"
