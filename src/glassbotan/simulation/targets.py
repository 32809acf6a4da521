"""What a network learns, summed over trajectories as they arrive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassbotan.dynamics.bonds import Bonds
from glassbotan.dynamics.quantities import QUANTITIES
from glassbotan.errors import InputError
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray

Sums = Mapping[str, FloatArray]
"""By quantity, shape [3, X]: the sum over even trajectories, over odd ones, and of all squares."""


@dataclass(frozen=True, eq=False)
class Averages:
    """One quantity's mean over R trajectories, and how well it is known.

    Attributes
    ----------
    mean
        Shape [X].
    error
        Standard error of the mean, shape [X]: the standard deviation over trajectories (with R - 1)
        over the square root of R; NaN for one trajectory.
    split
        Mean over trajectories 0, 2, 4 ... minus mean over 1, 3, 5 ..., shape [X]; NaN for one
        trajectory.

    """

    mean: FloatArray
    error: FloatArray
    split: FloatArray


def sums_over(bonds: Any, displacements: Any, trajectories: Sequence[int]) -> Sums:
    """Return the sums of every quantity over a block of trajectories at one time.

    Sums are of float64 and in the order of trajectories within a block and of blocks, so that
    they are the same to the last bit whoever computes the blocks, and when.

    Parameters
    ----------
    bonds
        That are followed: from :func:`followed`, or the same on the device.
    displacements
        Shape [R, N, d], where the bonds are.
    trajectories
        Their numbers, shape [R].

    """
    sums: dict[str, list[Any]] = {}
    for k, trajectory in enumerate(trajectories):
        for name, one in QUANTITIES.items():
            values = one.sample(bonds, displacements[k : k + 1])[0]
            found = sums.setdefault(name, [0 * values, 0 * values, 0 * values])
            found[trajectory % 2] += values
            found[2] += values**2
    return {name: np.stack([bonds.array(one) for one in found]) for name, found in sums.items()}


def followed(snapshot: Snapshot, cutoff: float) -> Bonds:
    """Return the bonds whose motion is followed, up to a cutoff (length units).

    Raises
    ------
    InputError
        The cutoff is shorter than the first shell, or longer than half the box.

    """
    reach = max(one.reach for one in QUANTITIES.values())
    if not cutoff >= reach:
        raise InputError(
            f"the cutoff of bonds is {cutoff:g}; it must be at least {reach:g} (the first "
            "shell), and 2 is usual"
        )
    return Bonds.up_to(snapshot, cutoff)


def averages(blocks: Sequence[FloatArray], trajectories: int) -> Averages:
    """Return one quantity's averages from the sums [3, X] of all blocks, in their order.

    Parameters
    ----------
    blocks
        Of all trajectories 0 ... R - 1.
    trajectories
        Their number R.

    """
    total = np.zeros_like(blocks[0])
    for block in blocks:
        total += block
    even, odd, squares = total
    n_even, n_odd = (trajectories + 1) // 2, trajectories // 2
    mean = (even + odd) / trajectories
    if trajectories == 1:
        unknown = np.full_like(mean, np.nan)
        return Averages(mean, unknown, unknown)
    # Rounding may leave less than nothing where all trajectories agree.
    variance = np.maximum(squares / trajectories - mean**2, 0) * trajectories / (trajectories - 1)
    return Averages(mean, np.sqrt(variance / trajectories), even / n_even - odd / n_odd)


COARSER_SPLIT = 4
"""Rounding of splits, in units of the resolution: noise of twice the standard error, which only
serves to tell how large the noise is."""

ERROR_DIGITS = 5
"""Binary digits that standard errors keep; they are not known to more."""


def stored_form(average: Averages, resolution: float) -> Averages:
    """Return averages rounded in float32, for digits far below the noise cannot be compressed.

    Parameters
    ----------
    average
        Of one quantity.
    resolution
        To which means are rounded: to a power of two that is not above it. Splits are rounded to
        four times that, and errors to five binary digits.

    """
    fractions, exponents = np.frexp(average.error)
    digits = 2.0**ERROR_DIGITS
    error = np.ldexp(np.rint(fractions * digits) / digits, exponents)
    return Averages(
        rounded(average.mean, resolution),
        np.asarray(error, dtype=np.float32),
        rounded(average.split, COARSER_SPLIT * resolution),
    )


def rounded(values: FloatArray, resolution: float) -> FloatArray:
    """Return values rounded to a power of two that is not above the resolution, in float32."""
    step = 2.0 ** np.floor(np.log2(resolution))
    return np.asarray(np.rint(values / step) * step, dtype=np.float32)
