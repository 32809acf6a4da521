"""Times at which a simulation is looked at, as whole numbers of its timesteps."""

from collections.abc import Sequence

import numpy as np

from glassbotan.errors import InputError
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import IntArray

TOLERANCE = 1e-6
"""Part of a timestep by which a time may miss a whole number of them."""

MOST_STEPS = 2**53
"""Beyond it float64 no longer tells neighbouring steps apart."""


def log_times(
    first: float, last: float, per_decade: int = 10, *, timestep: float = 0.005
) -> FloatArray:
    """Return times from ``first`` to ``last``, evenly spaced in log t, shape [T].

    Each is rounded to a whole number of timesteps, and none comes twice, so that there are fewer
    than ``per_decade`` to the decade where the timestep is coarse.

    Raises
    ------
    InputError
        Not 0 < first < last, no positive number of times a decade, or no positive timestep.

    """
    if not (np.isfinite([first, last]).all() and 0 < first < last):
        raise InputError(f"times from {first:g} to {last:g}: both must be positive and increase")
    if per_decade < 1:
        raise InputError(f"{per_decade} times a decade; there must be at least 1")
    if not (np.isfinite(timestep) and timestep > 0):
        raise InputError(f"the timestep is {timestep:g}; it must be a positive number")
    number = max(round(per_decade * float(np.log10(last / first))), 1) + 1
    steps = np.unique(np.maximum(np.rint(np.geomspace(first, last, number) / timestep), 1))
    return np.asarray(steps * timestep)


def steps_at(times: Sequence[float] | FloatArray, timestep: float) -> IntArray:
    """Return the number of the step that ends at each of the times [T].

    Raises
    ------
    InputError
        Times are missing, not positive or do not increase, or one is no whole number of
        timesteps; names the nearest that is.

    """
    wanted = np.asarray(times, dtype=np.float64)
    if not len(wanted):
        raise InputError("times: give at least one time")
    if not np.all(np.isfinite(wanted)) or wanted[0] <= 0 or np.any(np.diff(wanted) <= 0):
        raise InputError(f"times {wanted.tolist()} must be positive and increase")
    if wanted[-1] / timestep > MOST_STEPS:
        raise InputError(f"time {wanted[-1]:g} is more than {MOST_STEPS:.1g} timesteps away")
    steps = np.rint(wanted / timestep).astype(np.int64)
    # Rounding of a decimal time grows with it.
    missed = np.abs(wanted / timestep - steps) > TOLERANCE * np.maximum(1, steps * 1e-6)
    if missed.any() or steps[0] < 1:
        k = int(np.argmax(missed | (steps < 1)))
        raise InputError(
            f"time {wanted[k]:g} is no whole number of timesteps of {timestep:g}; "
            f"the nearest is {max(int(steps[k]), 1) * timestep:.12g}"
        )
    return steps
