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
    # A coordinate of -1e-17 rounds to the box edge itself, which belongs to the next image; one
    # of -5e-324 is lost in the division and stays negative.
    return np.where((folded >= box) | (folded < 0), 0.0, folded)
