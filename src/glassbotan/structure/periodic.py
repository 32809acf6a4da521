"""Orthorhombic periodic geometry in two and three dimensions."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Real = TypeVar("Real", bound=np.floating[Any])


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


def in_space(vectors: NDArray[Real]) -> NDArray[Real]:
    """Return vectors [..., d] as [..., 3], those of a plane at z = 0, contiguous."""
    padding = [(0, 0)] * (vectors.ndim - 1) + [(0, 3 - vectors.shape[-1])]
    return np.ascontiguousarray(np.pad(vectors, padding))


def wrap(positions: FloatArray, box: FloatArray) -> FloatArray:
    """Return positions [..., d] folded into [0, box)."""
    folded = positions - box * np.floor(positions / box)
    # A coordinate of -1e-17 rounds to the box edge itself, which belongs to the next image; one
    # of -5e-324 is lost in the division and stays negative.
    return np.where((folded >= box) | (folded < 0), 0.0, folded)
