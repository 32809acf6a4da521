"""The non-Gaussian parameter: how far displacements are from those of simple diffusion."""

import numpy as np

from glassbotan.structure.periodic import FloatArray


def non_gaussian_parameter(
    squared: FloatArray | float, fourth: FloatArray | float, *, dimension: int
) -> FloatArray:
    r"""Return alpha_2 = d <r^4> / ((d + 2) <r^2>^2) - 1; 0 where displacements are Gaussian.

    A. Rahman, Phys. Rev. 136, A405 (1964), for d = 3.

    Parameters
    ----------
    squared, fourth
        Means <\|r(t) - r(0)\|^2> (length^2) and <\|r(t) - r(0)\|^4> (length^4), any shape.
    dimension
        Number of space dimensions d.

    Returns
    -------
    FloatArray
        The same shape; NaN where nothing has moved.

    """
    squared, fourth = np.asarray(squared, dtype=float), np.asarray(fourth, dtype=float)
    ratio = np.full(np.broadcast_shapes(squared.shape, fourth.shape), np.nan)
    np.divide(fourth, squared**2, out=ratio, where=squared > 0)
    return np.asarray(dimension / (dimension + 2) * ratio - 1)
