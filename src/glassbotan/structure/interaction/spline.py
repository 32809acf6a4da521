"""A potential as cubic polynomials of r^2: what engines read of forms that are no sum of powers."""

from dataclasses import dataclass

import numpy as np

from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.potential import PairPotential

INTERVALS = 2048
"""Of r^2, equally long: those of a pair of species fit into a core's fastest cache."""

INNERMOST = 0.5
"""Where tables begin, in units of sigma; closer, the force over the distance stays as it is."""


@dataclass(frozen=True, eq=False)
class SplineTable:
    """F(r) / r = -V'(r) / r and V(r) of every pair of species, by intervals of r^2.

    In interval k, with t = (r^2 - start) scale - k between 0 and 1, both are
    a + b t + c t^2 + d t^3. They and their slopes are exact where intervals meet; in between,
    errors are of fourth order in an interval's length (cubic Hermite interpolation).

    Attributes
    ----------
    start, scale
        Begin of the first interval, and intervals in a unit of length^2, shape [S, S].
    force, energy
        a, b, c, d of each, shape [S, S, K, 4].

    """

    start: FloatArray
    scale: FloatArray
    force: FloatArray
    energy: FloatArray


def knots(potential: PairPotential, intervals: int) -> tuple[FloatArray, FloatArray]:
    """Return r at the ends of the intervals, shape [K + 1, S, S], and their length in r^2."""
    first = np.minimum(INNERMOST * potential.sigma, 0.5 * potential.cutoff) ** 2
    length = (potential.cutoff**2 - first) / intervals
    return np.sqrt(first + np.arange(intervals + 1)[:, None, None] * length), length


def spline_table(potential: PairPotential, intervals: int = INTERVALS) -> SplineTable:
    """Return the table of a potential."""
    r, length = knots(potential, intervals)
    energy, slope = potential.energy(r), potential.slope(r)
    strength = -slope / r
    # d/d(r^2) is d/dr / (2 r).
    strength_slope = -(potential.form.curvature(r) + strength) / (2 * r**2)
    return SplineTable(
        start=r[0] ** 2,
        scale=1 / length,
        force=_hermite(strength, strength_slope * length),
        energy=_hermite(energy, -0.5 * strength * length),
    )


def _hermite(values: FloatArray, slopes: FloatArray) -> FloatArray:
    """Return polynomials [S, S, K, 4] from values and slopes at their ends, [K + 1, S, S]."""
    y0, y1, m0, m1 = values[:-1], values[1:], slopes[:-1], slopes[1:]
    parts = [y0, m0, 3 * (y1 - y0) - 2 * m0 - m1, 2 * (y0 - y1) + m0 + m1]
    return np.ascontiguousarray(np.moveaxis(np.stack(parts, axis=-1), 0, 2))
