"""The caged network's inputs as tensors."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from glassbotan.models.caged.inputs import CagedInputs

WHOLE = -1
"""The fold of a snapshot that no part of the baseline was kept from."""


@dataclass(frozen=True, eq=False)
class CagedTensors:
    """One snapshot's inputs; see :class:`glassbotan.models.caged.inputs.CagedInputs`.

    Attributes
    ----------
    species, senders, receivers
        Whole numbers, shapes [N], [E], [E].
    scalars, averages, vectors, bond_scalars, directions
        As there.
    fold
        Which of the cross-validation's baselines this snapshot sees, a number in a tensor: for a
        training snapshot, the one that was fitted without it.

    """

    species: Tensor
    senders: Tensor
    receivers: Tensor
    scalars: Tensor
    averages: Tensor
    vectors: Tensor
    bond_scalars: Tensor
    directions: Tensor
    fold: Tensor

    def turned(self, matrix: Tensor) -> "CagedTensors":
        """Return the same snapshot turned: every vector v becomes ``matrix`` v."""
        return replace(self, vectors=self.vectors @ matrix.T, directions=self.directions @ matrix.T)

    def to(self, device: torch.device) -> "CagedTensors":
        """Return the same tensors on another device."""
        return CagedTensors(**{name: value.to(device) for name, value in self.stored().items()})

    def stored(self) -> dict[str, Tensor]:
        """Return the tensors by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def of_stored(cls, stored: Mapping[str, Tensor]) -> "CagedTensors":
        """Return the snapshot of stored tensors."""
        return cls(**{field.name: stored[field.name] for field in fields(cls)})

    @property
    def n_bytes(self) -> int:
        """The memory of all tensors."""
        return sum(tensor.nbytes for tensor in self.stored().values())


def caged_tensors(
    inputs: CagedInputs, *, dtype: torch.dtype = torch.float32, fold: int = WHOLE
) -> CagedTensors:
    """Convert a snapshot's inputs."""

    def numbers(values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(dtype)

    senders, receivers = torch.from_numpy(inputs.graph.edge_index)
    return CagedTensors(
        species=torch.from_numpy(np.ascontiguousarray(inputs.species)).long(),
        senders=senders,
        receivers=receivers,
        scalars=numbers(inputs.scalars),
        averages=numbers(inputs.averages),
        vectors=numbers(inputs.vectors),
        bond_scalars=numbers(inputs.bond_scalars),
        directions=numbers(inputs.directions),
        fold=torch.tensor(fold),
    )
