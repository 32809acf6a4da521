"""One snapshot as the tensors that a step of training takes."""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Protocol, Self

import torch
from torch import Tensor


class Graph(Protocol):
    """What training asks of a network's input tensors, whatever they are."""

    def to(self, device: torch.device) -> Self:
        """Return the same on another device."""

    def turned(self, matrix: Tensor) -> Self:
        """Return the same turned by a symmetry of the box, shape [d, d]."""

    def stored(self) -> dict[str, Tensor]:
        """Return by name the tensors that tell everything."""

    @property
    def n_bytes(self) -> int:
        """The memory of all tensors."""


@dataclass(frozen=True, eq=False)
class Example:
    """One snapshot's graph and targets.

    Attributes
    ----------
    graph
        Input tensors.
    nodes, bonds
        Propensity [N, T] and bond extension [E, T]; bonds are None where labels have none.
    species
        Indices of the particles of each species, A first.
    counts
        1, or 0 for what only fills a process's share up and must not be learned from.

    """

    graph: Graph
    nodes: Tensor
    bonds: Tensor | None
    species: tuple[Tensor, ...]
    counts: float = 1.0

    def to(self, device: torch.device) -> "Example":
        """Return the example on another device (Lightning calls this)."""
        return Example(
            self.graph.to(device),
            self.nodes.to(device),
            None if self.bonds is None else self.bonds.to(device),
            tuple(members.to(device) for members in self.species),
            self.counts,
        )

    def pin_memory(self) -> "Example":
        """Return the example in memory that a GPU can read by itself (a loader calls this)."""
        pinned: Example = _each_tensor(self, Tensor.pin_memory)
        return pinned

    def turned(self, matrix: Tensor, *, counts: float) -> "Example":
        """Return the example turned by a symmetry of its box, shape [d, d]."""
        graph = self.graph.turned(matrix.to(self.nodes))
        return replace(self, graph=graph, counts=counts)

    @property
    def n_bytes(self) -> int:
        """The memory of all tensors."""
        targets = [self.nodes, *self.species, *([] if self.bonds is None else [self.bonds])]
        return self.graph.n_bytes + sum(tensor.nbytes for tensor in targets)


def _each_tensor(value: Any, function: Callable[[Tensor], Tensor]) -> Any:
    """Return a copy of nested data classes with the function's value for each tensor in them."""
    if isinstance(value, Tensor):
        return function(value)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {f.name: _each_tensor(getattr(value, f.name), function) for f in fields(value)}
        return replace(value, **changed)
    if isinstance(value, tuple) and all(isinstance(part, Tensor) for part in value):
        return tuple(function(part) for part in value)
    return value
