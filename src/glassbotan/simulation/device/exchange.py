"""What is of one box, in its caller's order, from and to the tensors of a batch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glassbotan.simulation.device.system import System

if TYPE_CHECKING:
    import torch


def in_callers_order(
    system: System, rows: "torch.Tensor", box: int, trajectories: int
) -> "torch.Tensor":
    """Return a box's rows [N, 3, lanes] of a tensor as [R, N, d], on their device."""
    import torch

    ordered = torch.empty_like(rows)
    ordered[torch.as_tensor(system.orders[box], device=rows.device)] = rows
    return ordered.permute(2, 0, 1)[:trajectories, :, : system.dimension]


def write_boxes(system: System, tensor: "torch.Tensor", arrays: Sequence[NDArray[Any]]) -> None:
    """Write one array [R, N, d] a box into a tensor; further lanes repeat the last trajectory."""
    import torch

    for box, array in enumerate(arrays):
        ordered = array.transpose(1, 2, 0)[system.orders[box]]
        lanes = np.minimum(np.arange(system.lanes), ordered.shape[2] - 1)
        values = torch.as_tensor(np.ascontiguousarray(ordered[..., lanes]))
        rows = tensor[system.rows(box)]
        rows[:, : system.dimension] = values.to(device=tensor.device, dtype=tensor.dtype)
