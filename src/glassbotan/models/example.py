"""One snapshot as the tensors that a step of training takes."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Tensors(ABC):
    """A model's inputs as tensors; a data class whose fields are tensors needs only ``turned``."""

    @abstractmethod
    def turned(self, matrix: Tensor) -> Self:
        """Return the same snapshot turned by a symmetry of its box: every vector v to matrix v."""

    def stored(self) -> dict[str, Tensor]:
        """Return by name the tensors that tell everything."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def of_stored(cls, stored: Mapping[str, Tensor]) -> Self:
        """Return what was stored."""
        return cls(**{field.name: stored[field.name] for field in fields(cls)})

    def each(self, function: Callable[[Tensor], Tensor]) -> Self:
        """Return the same with the function's value in each tensor's place."""
        return self.of_stored({name: function(x) for name, x in self.stored().items()})


@dataclass(frozen=True, eq=False)
class Columns(Tensors):
    """Numbers [N, P] of each particle that no turn changes, and its species [N]."""

    columns: Tensor
    species: Tensor

    def turned(self, matrix: Tensor) -> "Columns":  # noqa: ARG002 - they are the same
        """Return the same numbers."""
        return self


@dataclass(frozen=True, eq=False)
class Example:
    """One snapshot's inputs and targets.

    Attributes
    ----------
    graph
        Inputs of the model.
    targets
        By quantity: shapes [N, T] on particles, [E, T] on the inputs' bonds.
    species
        Indices of the particles of each species, A first.
    counts
        1, or 0 for what only fills a process's share up and must not be learned from.

    """

    graph: Tensors
    targets: dict[str, Tensor]
    species: tuple[Tensor, ...]
    counts: float = 1.0

    def to(self, device: torch.device) -> "Example":
        """Return the example on another device (Lightning calls this)."""
        if self.species[0].device == device:
            return self
        return self._each(lambda tensor: tensor.to(device))

    def pin_memory(self) -> "Example":
        """Return the example in memory that a GPU can read by itself (a loader calls this)."""
        return self._each(Tensor.pin_memory)

    def _each(self, function: Callable[[Tensor], Tensor]) -> "Example":
        return replace(
            self,
            graph=self.graph.each(function),
            targets={name: function(values) for name, values in self.targets.items()},
            species=tuple(map(function, self.species)),
        )

    def turned(self, matrix: Tensor, *, counts: float) -> "Example":
        """Return the example turned by a symmetry of its box, shape [d, d]."""
        like = next(iter(self.targets.values()))
        return replace(self, graph=self.graph.turned(matrix.to(like)), counts=counts)

    @property
    def n_bytes(self) -> int:
        """The memory of all tensors."""
        parts = (*self.graph.stored().values(), *self.targets.values(), *self.species)
        return sum(tensor.nbytes for tensor in parts)
