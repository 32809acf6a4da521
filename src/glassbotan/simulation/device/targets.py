"""What a network learns, summed over trajectories on the device as frames arrive."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from glassbotan.dynamics.bond_breaking import BROKEN, FIRST_SHELL
from glassbotan.dynamics.bonds import UnorderedBonds
from glassbotan.simulation.targets import QUANTITIES
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray, minimum_image

if TYPE_CHECKING:
    import torch


class DeviceReduction:
    """As :class:`glassbotan.simulation.targets.Reduction`, on tensors of the device, in float64.

    Parameters
    ----------
    bonds
        Whose extension is followed: of a :class:`Reduction`, or from :func:`bonds_within`.
    n_particles
        Of the snapshot.
    device
        Where displacements are.

    """

    def __init__(
        self, bonds: UnorderedBonds, n_particles: int, device: "torch.device | str"
    ) -> None:
        import torch

        self._particles = n_particles
        self._long = _Bonds(bonds, device)
        shell = bonds.shorter_than(FIRST_SHELL)
        self._shell = _Bonds(shell, device)
        number = np.bincount(shell.first, minlength=n_particles)
        number += np.bincount(shell.second, minlength=n_particles)
        self._bonds_of = torch.as_tensor(np.maximum(number, 1)).to(device=device)

    def sums(
        self, displacements: "torch.Tensor", trajectories: Sequence[int]
    ) -> Mapping[str, FloatArray]:
        """Return the sums [3, X] over displacements [R, N, d], float64, of the trajectories [R]."""
        sums: dict[str, torch.Tensor] = {}
        for moved, trajectory in zip(displacements, trajectories, strict=True):
            for name, values in self._samples(moved).items():
                if name not in sums:
                    sums[name] = values.new_zeros((3, len(values)))
                sums[name][trajectory % 2] += values
                sums[name][2] += values**2
        return {name: sums[name].cpu().numpy() for name in QUANTITIES}

    def _samples(self, moved: "torch.Tensor") -> dict[str, "torch.Tensor"]:
        broken = (self._shell.lengths(moved) > BROKEN).to(moved.dtype)
        # Sums of ones are exact in any order.
        found = moved.new_zeros(self._particles)
        found.index_add_(0, self._shell.first, broken)
        found.index_add_(0, self._shell.second, broken)
        return {
            "propensity": moved.square().sum(1).sqrt(),
            "bond_extension": self._long.lengths(moved) - self._long.distances,
            "bond_breaking": found / self._bonds_of,
        }


class _Bonds:
    """Bonds as tensors."""

    def __init__(self, bonds: UnorderedBonds, device: "torch.device | str") -> None:
        import torch

        self.first = torch.as_tensor(bonds.first).to(device=device)
        self.second = torch.as_tensor(bonds.second).to(device=device)
        self.vectors = torch.as_tensor(bonds.vectors).to(device=device)
        self.distances = torch.as_tensor(bonds.distances).to(device=device)

    def lengths(self, moved: "torch.Tensor") -> "torch.Tensor":
        now = self.vectors + (moved[self.second] - moved[self.first])
        return now.square().sum(1).sqrt()


def bonds_within(snapshot: Snapshot, cutoff: float) -> UnorderedBonds:
    """Return the bonds of ``UnorderedBonds.of(neighbour_graph(snapshot, cutoff))``, by all pairs.

    Needs NumPy alone, for machines that have no library of cell lists.
    """
    firsts, seconds, vectors = [], [], []
    for second in range(snapshot.n_particles):
        apart = minimum_image(
            snapshot.positions[second] - snapshot.positions[:second], snapshot.box
        )
        near = np.flatnonzero(np.einsum("nd,nd->n", apart, apart) < cutoff**2)
        firsts.append(near)
        seconds.append(np.full(len(near), second))
        vectors.append(apart[near])
    joined = np.concatenate(vectors)
    return UnorderedBonds(
        np.concatenate(firsts), np.concatenate(seconds), joined, np.linalg.norm(joined, axis=1)
    )
