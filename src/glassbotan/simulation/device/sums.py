"""Sums over the particles of each box, to the last bit the same whatever else is computed."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from glassbotan.simulation.device.system import System


def box_sums(system: "System", values: "torch.Tensor") -> "torch.Tensor":
    """Return sums of values [N_total, ...] over each box's particles, [B, ...].

    Halves are added to each other until one is left: an order that depends on the number of
    particles alone, where a library's depends on shape, device and version.
    """
    import torch

    sizes = {later - first for first, later in zip(system.starts, system.starts[1:], strict=False)}
    if len(sizes) == 1:
        return _sums(values.reshape(system.boxes, sizes.pop(), *values.shape[1:]))
    return torch.cat([_sums(values[system.rows(box)][None]) for box in range(system.boxes)])


def _sums(values: "torch.Tensor") -> "torch.Tensor":
    """Return sums over the second dimension."""
    while (size := values.shape[1]) > 1:
        half = size // 2
        folded = values[:, :half] + values[:, half : 2 * half]
        if size % 2:
            folded[:, 0] += values[:, -1]
        values = folded
    return values[:, 0]
