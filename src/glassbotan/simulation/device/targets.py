"""The bonds of a snapshot on a device, where what a network learns is summed."""

import numpy as np
import torch

from glassbotan.dynamics.bonds import Bonds
from glassbotan.structure.periodic import FloatArray


class DeviceBonds:
    """As :class:`glassbotan.dynamics.bonds.Bonds`, on tensors of the device.

    Parameters
    ----------
    bonds
        From :func:`glassbotan.simulation.targets.followed`.
    device
        Where displacements are.

    """

    def __init__(self, bonds: Bonds, device: torch.device | str) -> None:
        self._bonds, self._device = bonds, device
        self._shells: dict[float, DeviceBonds] = {}
        number = np.maximum(np.bincount(bonds.pairs.ravel(), minlength=bonds.n_particles), 1)
        self.first, self.second, self.vectors, self.distances, self._number = (
            torch.as_tensor(array).to(device=device)
            for array in (bonds.first, bonds.second, bonds.vectors, bonds.distances, number)
        )

    def within(self, length: float) -> "DeviceBonds":
        """Return those that are shorter in the snapshot."""
        if length not in self._shells:
            self._shells[length] = DeviceBonds(self._bonds.within(length), self._device)
        return self._shells[length]

    def norms(self, displacements: torch.Tensor) -> torch.Tensor:
        """Return the lengths [R, N] of displacements [R, N, d]."""
        return displacements.square().sum(2).sqrt()

    def lengths(self, displacements: torch.Tensor) -> torch.Tensor:
        """Return the bonds' lengths [R, B] after particles were displaced by [R, N, d]."""
        now = self.vectors + (displacements[:, self.second] - displacements[:, self.first])
        return now.square().sum(2).sqrt()

    def fractions(self, chosen: torch.Tensor) -> torch.Tensor:
        """Return the part of each particle's bonds that are chosen [R, B], shape [R, N]."""
        ones = chosen.to(self.distances.dtype)
        # Sums of ones are exact in any order.
        found = ones.new_zeros((len(chosen), self._bonds.n_particles))
        found.index_add_(1, self.first, ones)
        found.index_add_(1, self.second, ones)
        return found / self._number

    def array(self, values: torch.Tensor) -> FloatArray:
        """Return values in NumPy."""
        return np.asarray(values.cpu().numpy())
