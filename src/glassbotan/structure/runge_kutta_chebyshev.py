"""One step of dy/dt = F(y) by the Runge-Kutta-Chebyshev method, for stiff, smooth decay.

Second order, explicit, with s evaluations of F a step: it is stable while the step times the
largest rate of decay is below some 0.65 s^2, where s steps of Euler's method reach 2 s. Verwer,
Appl. Numer. Math. 22, 359 (1996); error estimate of Sommeijer, Shampine, Verwer, J. Comput. Appl.
Math. 88, 315 (1998).
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.polynomial import Chebyshev

from glassbotan.structure.periodic import FloatArray

DAMPING = 2 / 13
"""epsilon: how far inside its circle of stability the method stays."""


FEWEST_STAGES = 2
REACH = (2 / 3) * (1 - 2 * DAMPING / 15)
"""Of s^2 - 1, what a step of s evaluations times the largest rate of decay may be."""


def stages(stiffness: float) -> int:
    """Return how many evaluations a step needs whose length times the largest rate is this."""
    return max(FEWEST_STAGES, int(np.ceil(np.sqrt(1 + stiffness / REACH))))


def longest_step(number: int) -> float:
    """Return what the length of a step of so many evaluations times the largest rate may be."""
    return REACH * (number**2 - 1)


def chebyshev_step(
    rate: Callable[[FloatArray], FloatArray],
    start: FloatArray,
    rate_at_start: FloatArray,
    step: float,
    number: int,
) -> FloatArray:
    """Return y(step) - y(0), of the shape of ``start``.

    Parameters
    ----------
    rate
        F.
    start, rate_at_start
        y(0) and F(y(0)).
    step
        Its length, in the units of 1 / rate.
    number
        Of :func:`stages`, s; F is evaluated s - 1 times.

    """
    first, recurrence = _coefficients(number)
    before = np.zeros_like(start)
    moved = (first * step) * rate_at_start
    for mu, nu, with_rate, with_first in recurrence:
        here = rate(start + moved)
        after = mu * moved + nu * before
        after += (with_rate * step) * here + (with_first * step) * rate_at_start
        before, moved = moved, after
    return moved


def local_error(
    moved: FloatArray, rate_at_start: FloatArray, rate_at_end: FloatArray, step: float
) -> FloatArray:
    """Return an estimate of a step's error, of the shape of what it ``moved``."""
    return np.asarray(0.4 * step * (rate_at_start + rate_at_end) - 0.8 * moved)


@cache
def _coefficients(number: int) -> tuple[float, list[tuple[float, float, float, float]]]:
    """Return mu~_1, and mu_j, nu_j, mu~_j, gamma~_j of the stages j = 2 to s."""
    w0 = 1 + DAMPING / number**2
    values, slopes, curvatures = (
        np.array([Chebyshev.basis(j).deriv(order)(w0) for j in range(number + 1)])
        for order in range(3)
    )
    w1 = slopes[-1] / curvatures[-1]
    b = np.empty(number + 1)
    b[2:] = curvatures[2:] / slopes[2:] ** 2
    b[:2] = b[2]
    a = 1 - b * values
    recurrence = []
    for j in range(2, number + 1):
        ratio = b[j] / b[j - 1]
        with_rate = 2 * ratio * w1
        recurrence.append((2 * ratio * w0, -b[j] / b[j - 2], with_rate, -a[j - 1] * with_rate))
    return float(b[1] * w1), recurrence
