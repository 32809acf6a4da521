"""What LAMMPS data files and dumps share: boxes with two ends, planes drawn in three dimensions."""

import numpy as np

from glassbotan.errors import InputError
from glassbotan.io.options import BoxOption, given_box
from glassbotan.structure.periodic import FloatArray

PLANE = (-0.5, 0.5)
"""The ends of the third axis that a two-dimensional configuration is written with."""


def refuse_tilt(tilt: FloatArray, source: str) -> None:
    """Raise InputError if any of xy, xz, yz is not zero."""
    if np.any(tilt != 0):
        raise InputError(
            f"{source}: its box is tilted (xy xz yz = {tilt.tolist()}); "
            "triclinic boxes are not supported"
        )


def dimension_of(positions: FloatArray, bounds: FloatArray) -> int:
    """Return 2 where all particles lie at one height, as LAMMPS's dimension 2 requires, else 3."""
    flat = bool(np.all(positions[:, 2] == positions[0, 2]))
    thin = bounds[2, 1] - bounds[2, 0] <= 1.0
    # One particle is flat in any box.
    return 2 if flat and (len(positions) > 1 or thin) else 3


def edges(bounds: FloatArray, box: BoxOption, dimension: int, source: str) -> FloatArray:
    """Return the given box, or the lengths between the ends of the file's, shape [dimension]."""
    if box is not None:
        return given_box(box, dimension, source)
    return np.asarray(bounds[:dimension, 1] - bounds[:dimension, 0])


def bounds_of(box: FloatArray) -> FloatArray:
    """Return the two ends of each axis for a box from the origin on, shape [3, 2]."""
    bounds = np.tile(PLANE, (3, 1))
    bounds[: len(box)] = np.stack([np.zeros_like(box), box], axis=1)
    return bounds
