"""Walls that keep particles in cages, as tensors, and what they do, in PyTorch.

See :class:`glassbotan.simulation.cages.Cages`. A batch may hold boxes with cages of their own
beside boxes without: there the radius is infinite, and nothing is ever outside.
"""

from collections.abc import Sequence

import numpy as np
import torch

from glassbotan.simulation.engine import Task
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import IntArray

WALL = 5
"""Numbers of a particle's cage: centre (as a displacement from the snapshot), radius, stiffness."""


def wall_table(tasks: Sequence[Task], orders: Sequence[IntArray]) -> FloatArray:
    """Return the cages of every particle, shape [WALL, N_total], each box in its order."""
    parts = []
    for task, order in zip(tasks, orders, strict=True):
        part = np.zeros((WALL, len(order)))
        part[3] = np.inf
        if task.cages is not None:
            centres = (task.cages.centres - task.snapshot.positions)[order]
            part[: centres.shape[1]] = centres.T
            part[3], part[4] = task.cages.radius, task.cages.stiffness
        parts.append(part)
    return np.concatenate(parts, axis=1)


def hold_back(
    walls: torch.Tensor,
    displacement: torch.Tensor,
    forces: torch.Tensor,
    energies: torch.Tensor | None = None,
) -> None:
    """Add the walls' forces [N_total, 3, R], and their energies [N_total, R] where asked for."""
    radius, stiffness = walls[3, :, None], walls[4, :, None]
    off = displacement - walls[:3].T[..., None]
    x, y, z = off.unbind(1)
    distance2 = x * x + y * y + z * z
    outside = distance2 > radius * radius
    distance = torch.sqrt(distance2)
    pull = torch.where(outside, stiffness * (1.0 - radius / distance), 0.0)
    forces -= pull[:, None] * off
    if energies is not None:
        excess = distance - radius
        energies += torch.where(outside, 0.5 * stiffness * excess * excess, 0.0)
