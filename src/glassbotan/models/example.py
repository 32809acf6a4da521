"""One snapshot as the tensors that a step of training takes."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Tensors(ABC):
    """A model's inputs as tensors; a data class whose fields are tensors needs only ``turned``."""

    @abstractmethod
    def turned(self, matrix: Tensor) -> Self:
        """Return the same snapshot turned by a symmetry of its box: every vector v to matrix v."""

    def to(self, device: torch.device) -> Self:
        """Return the same on another device."""
        moved: Self = _each_tensor(self, lambda tensor: tensor.to(device))
        return moved

    def stored(self) -> dict[str, Tensor]:
        """Return by name the tensors that tell everything."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def of_stored(cls, stored: Mapping[str, Tensor]) -> Self:
        """Return what was stored."""
        return cls(**{field.name: stored[field.name] for field in fields(cls)})


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
        return replace(
            self,
            graph=self.graph.to(device),
            targets={name: values.to(device) for name, values in self.targets.items()},
            species=tuple(members.to(device) for members in self.species),
        )

    def pin_memory(self) -> "Example":
        """Return the example in memory that a GPU can read by itself (a loader calls this)."""
        pinned: Example = _each_tensor(self, Tensor.pin_memory)
        return pinned

    def turned(self, matrix: Tensor, *, counts: float) -> "Example":
        """Return the example turned by a symmetry of its box, shape [d, d]."""
        like = next(iter(self.targets.values()))
        return replace(self, graph=self.graph.turned(matrix.to(like)), counts=counts)

    @property
    def n_bytes(self) -> int:
        """The memory of all tensors."""
        parts = (*self.graph.stored().values(), *self.targets.values(), *self.species)
        return sum(tensor.nbytes for tensor in parts)


def _each_tensor(value: Any, function: Callable[[Tensor], Tensor]) -> Any:
    """Return a copy of nested data classes with the function's value for each tensor in them."""
    if isinstance(value, Tensor):
        return function(value)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {f.name: _each_tensor(getattr(value, f.name), function) for f in fields(value)}
        return replace(value, **changed)
    if isinstance(value, dict):
        return {name: _each_tensor(part, function) for name, part in value.items()}
    if isinstance(value, tuple) and all(isinstance(part, Tensor) for part in value):
        return tuple(function(part) for part in value)
    return value
