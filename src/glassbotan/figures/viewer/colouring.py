"""What particles can be coloured by: a number of each, at each of some times."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glassbotan.structure.periodic import FloatArray


@dataclass(frozen=True, eq=False)
class Colouring:
    """One number of each particle, as the page offers it.

    Attributes
    ----------
    group
        Heading under which the page offers it.
    name
        What it is called there.
    values
        Shape [T, N], or [1, N] where it does not depend on time; NaN is unknown.
    unit
        Of the values, as it is written.
    meaning
        What stands at the colour bar; the name by default.
    times
        Shape [T]; None where it does not depend on time.
    scale
        "sequential", "diverging" about zero, or "category".

    """

    group: str
    name: str
    values: NDArray[np.generic]
    unit: str = ""
    meaning: str = ""
    times: FloatArray | None = None
    scale: str = "sequential"
