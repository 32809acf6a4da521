"""The rotations and reflections that leave a cubic (or square) box as it is."""

from itertools import permutations, product

import torch
from torch import Tensor


def cubic_symmetries(dimension: int) -> Tensor:
    """Return all signed permutation matrices: [48, 3, 3] in three dimensions, [8, 2, 2] in two.

    The identity comes first.
    """
    matrices = []
    for axes in permutations(range(dimension)):
        for signs in product((1.0, -1.0), repeat=dimension):
            matrix = torch.zeros(dimension, dimension)
            for row, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
                matrix[row, axis] = sign
            matrices.append(matrix)
    return torch.stack(matrices)
