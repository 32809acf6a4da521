"""How a quantity is shown: its colours, the ends of their scale, and its name beside it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics.quantities import Quantity

Limits = tuple[float, float]

SEQUENTIAL = "Reds"
"""Colour map of what is 0 or more: white is little."""
DIVERGING = "RdBu_r"
"""Colour map about zero: blue is less, red is more; colour-blind readers see both."""
SHARE = 98.0
"""Per cent of the values about zero whose colour is not at an end of the scale."""


def colour_map(quantity: Quantity) -> str:
    """Return Matplotlib's name of the colour map of a quantity."""
    return DIVERGING if quantity.signed else SEQUENTIAL


def unit_of(quantity: Quantity) -> str:
    """Return "σ" for a length and "" for a pure number."""
    return "σ" if quantity.unit == "length" else ""


def axis_title(quantity: Quantity, when: str = "") -> str:
    """Return what stands at an axis or a colour bar: name, time and unit."""
    return f"{quantity.title}{when}" + (f" ({unit})" if (unit := unit_of(quantity)) else "")


def shared_limits(shown: Sequence[NDArray[np.floating]], *, signed: bool = False) -> Limits:
    """Return the ends of one colour scale for several panels of a slice.

    Of signed values they are symmetric about zero, with all but 2 % of the values between them.
    Others are the 2nd and 98th percentile of the first panel, the simulation where there is one, so
    that what is measured spans the colours. Where a model's level is off so far that half of its
    particles would lie beyond, the scale is lengthened towards their median, on either side by
    its own length at most: the offset shows, and both patterns stay visible.
    """
    if signed:
        every = np.abs(np.concatenate(shown))
        top = float(np.percentile(every, SHARE)) if len(every) else 0.0
        return (-top, top) if top > 0 else (-1.0, 1.0)
    low, high = np.percentile(shown[0], [2, 98])
    span = high - low
    medians = [np.median(values) for values in shown]
    bottom, top = max(low - span, min(medians)), min(high + span, max(medians))
    return float(min(low, bottom)), float(max(high, top))
