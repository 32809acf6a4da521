"""How the edges of a graph lie in memory: by receiver, in blocks that fit a cache."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

BLOCK_EDGES = 2048
"""Edges a block: its tensors of 64 channels (0.5 MiB each in float32) stay in a core's caches."""

INDICES = ("senders", "receivers", "offsets", "by_sender", "sender_offsets")


class Block(NamedTuple):
    """Edges ``edges`` are all those that particles ``nodes`` receive."""

    edges: slice
    nodes: slice


@dataclass(frozen=True, eq=False)
class EdgeLayout:
    """Index tensors of edges that are sorted by receiver.

    Attributes
    ----------
    senders, receivers
        Shape [E].
    offsets
        Shape [N + 1]: receiver j receives edges offsets[j] : offsets[j + 1].
    blocks
        A partition of edges and nodes.

    """

    senders: Tensor
    receivers: Tensor
    offsets: Tensor
    blocks: tuple[Block, ...]

    @cached_property
    def by_sender(self) -> Tensor:
        """Edges in the order of their senders, shape [E]; gradients alone need it."""
        return torch.argsort(self.senders, stable=True)

    @cached_property
    def sender_offsets(self) -> Tensor:
        """Shape [N + 1]: sender i sends edges by_sender[sender_offsets[i] : ...[i + 1]]."""
        return _offsets(self.senders, self.n_nodes)

    @property
    def n_nodes(self) -> int:
        """The number of nodes N."""
        return len(self.offsets) - 1

    @property
    def n_edges(self) -> int:
        """The number of directed edges E."""
        return len(self.senders)

    def part(self, span: Block) -> "EdgeLayout":
        """Return the layout of one span: its receivers count from 0, its senders as before."""
        offsets = self.offsets[span.nodes.start : span.nodes.stop + 1] - span.edges.start
        return EdgeLayout(
            senders=self.senders[span.edges],
            receivers=self.receivers[span.edges] - span.nodes.start,
            offsets=offsets,
            blocks=blocks_of(offsets, BLOCK_EDGES),
        )

    def tensors(self) -> dict[str, Tensor]:
        """Return all index tensors by name, the order of the senders among them."""
        return {name: getattr(self, name) for name in INDICES}

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, Tensor]) -> "EdgeLayout":
        """Return the layout that these ``tensors`` are of."""
        senders, offsets = tensors["senders"], tensors["offsets"]
        blocks = _blocks_for_caches(offsets, len(senders))
        layout = cls(senders, tensors["receivers"], offsets, blocks)
        # Sorted once: neither on another device nor in every step of a training anew.
        vars(layout).update({name: tensors[name] for name in ("by_sender", "sender_offsets")})
        return layout


def edge_layout(
    senders: Tensor, receivers: Tensor, n_nodes: int, *, block_edges: int = BLOCK_EDGES
) -> EdgeLayout:
    """Lay out edges that are already sorted by receiver; in one block if not on a CPU."""
    offsets = _offsets(receivers, n_nodes)
    blocks = _blocks_for_caches(offsets, len(senders), block_edges)
    return EdgeLayout(senders.contiguous(), receivers.contiguous(), offsets, blocks)


def _offsets(nodes: Tensor, n_nodes: int) -> Tensor:
    counts = torch.bincount(nodes, minlength=n_nodes)
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)])


def _blocks_for_caches(
    offsets: Tensor, n_edges: int, block_edges: int = BLOCK_EDGES
) -> tuple[Block, ...]:
    if offsets.device.type == "cpu":
        return blocks_of(offsets, block_edges)
    return (Block(slice(0, n_edges), slice(0, len(offsets) - 1)),)


def blocks_of(offsets: Tensor, block_edges: int) -> tuple[Block, ...]:
    """Cut at receivers' boundaries, so that each block completes the sums of its nodes.

    Each but the last has ``block_edges`` edges, and what its last receiver has beyond them.
    """
    ends = offsets.tolist()
    blocks, first = [], 0
    while first < len(ends) - 1:
        full = bisect_left(ends, ends[first] + block_edges, lo=first + 1)
        last = min(full, len(ends) - 1)
        blocks.append(Block(slice(ends[first], ends[last]), slice(first, last)))
        first = last
    return tuple(blocks)
