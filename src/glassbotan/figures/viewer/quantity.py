"""One number of each particle, at each of some times."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glassbotan.structure.periodic import FloatArray

SEQUENTIAL, CATEGORY = "sequential", "category"


@dataclass(frozen=True, eq=False)
class Quantity:
    """What particles can be coloured by.

    Attributes
    ----------
    group
        Heading under which the page offers it.
    name
        What it is called there.
    meaning
        What stands at the colour bar; the name by default.
    values
        Shape [T, N], or [1, N] where it does not depend on time; NaN is unknown.
    unit
        Of the values, as it is written.
    times
        Shape [T]; None where it does not depend on time.
    scale
        "sequential", or "category" for whole numbers that stand for species.

    """

    group: str
    name: str
    values: NDArray[np.generic]
    unit: str = ""
    meaning: str = ""
    times: FloatArray | None = None
    scale: str = SEQUENTIAL
