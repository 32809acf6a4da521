"""Orthorhombic periodic geometry in two and three dimensions."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def minimum_image(vectors: FloatArray, box: FloatArray) -> FloatArray:
    """Return each vector's shortest periodic image.

    Parameters
    ----------
    vectors
        Separations, shape [..., d], length units.
    box
        Edge lengths, shape [d].

    """
    return vectors - box * np.rint(vectors / box)


def wrap(positions: FloatArray, box: FloatArray) -> FloatArray:
    """Return positions [..., d] folded into [0, box)."""
    folded = positions - box * np.floor(positions / box)
    # A coordinate of -1e-17 rounds to the box edge itself, which belongs to the next image.
    return np.where(folded >= box, 0.0, folded)
