"""Predictions as they can be compared with what was measured, particle by particle, bond by bond.

A model's bonds may have another cutoff than the labels'. Scored and drawn are bonds shorter than
``BOND_RANGE``, which all have whose cutoff is at least that.
"""

import numpy as np
from numpy.typing import NDArray

from glassbotan.datasets.groups import BOND_RANGE
from glassbotan.dynamics import Motion
from glassbotan.dynamics.quantities import quantity
from glassbotan.errors import InputError

Values = NDArray[np.floating]


def too_few_bonds(measured: Motion, predicted: Motion, name: str) -> str | None:
    """Tell why a quantity of two motions cannot be compared for want of bonds; None if it can."""
    for whose, motion in (
        (f"{measured.source}: holds bonds", measured),
        (f"model {predicted.source!r} predicts bonds", predicted),
    ):
        own = motion.bonds if quantity(name).place == "bonds" else None
        if own is not None and own.cutoff < BOND_RANGE:
            return f"{whose} shorter than {own.cutoff:g} only; bonds are scored up to {BOND_RANGE}"
    return None


def as_measured(measured: Motion, predicted: Motion, name: str) -> tuple[Values, Values | None]:
    """Return a predicted quantity and its errors on the measured motion's particles or bonds.

    Parameters
    ----------
    measured, predicted
        Motions of one snapshot that tell it; their bonds may be of different cutoffs.
    name
        The quantity's.

    Returns
    -------
    values, errors
        At the predicted times, shape [T, N] or [T, B]; NaN for bonds of ``BOND_RANGE`` and above
        that are not predicted. Errors are None where the model tells none.

    Raises
    ------
    InputError
        One has bonds shorter than ``BOND_RANGE`` alone, or they are of different snapshots.

    """
    errors = predicted.errors.get(name)
    if quantity(name).place == "particles":
        return predicted[name], errors
    reason = too_few_bonds(measured, predicted, name)
    if reason is not None:
        raise InputError(reason)
    bonds, own = measured.bonds, predicted.bonds
    assert bonds is not None
    assert own is not None
    near = bonds.within(BOND_RANGE)
    if bonds.n_particles != own.n_particles or -1 in own.places_of(near):
        raise InputError(
            f"{measured.source}: its bonds are not those that model {predicted.source!r} predicts; "
            "both must be of one snapshot"
        )
    values = own.values_of(bonds, predicted[name])
    return values, None if errors is None else own.values_of(bonds, errors)
