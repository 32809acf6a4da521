"""Straight lines in a periodic picture: what leaves at one side comes in at the other."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from glassbotan.structure.periodic import FloatArray


def periodic_segments(
    starts: FloatArray, vectors: FloatArray, extent: tuple[float, float]
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return every periodic image of lines that shows in the frame.

    Parameters
    ----------
    starts
        Where the lines begin, within the frame or just outside, shape [M, 2], length units.
    vectors
        From beginning to end, shape [M, 2]; not wrapped, so that no line crosses the whole frame.
    extent
        Width and height of the frame, which is one period.

    Returns
    -------
    tuple
        Beginnings and ends, shape [K, 2, 2], and which of the M lines each is an image of, [K].
        A line within the frame has one image; one that leaves it has two or more, to be clipped.

    """
    lines = np.stack([starts, starts + vectors], axis=1)
    size = np.asarray(extent)
    images, owners = [], []
    for shift in product((0, -1, 1), repeat=2):
        moved = lines + np.array(shift) * size
        shows = np.all((moved.max(axis=1) >= 0) & (moved.min(axis=1) <= size), axis=1)
        images.append(moved[shows])
        owners.append(np.flatnonzero(shows))
    return np.concatenate(images), np.concatenate(owners)
