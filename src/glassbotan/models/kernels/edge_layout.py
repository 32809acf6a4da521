"""How the edges of a graph lie in memory: by receiver, in blocks that fit a cache."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

BLOCK_EDGES = 2048
"""Edges a block: its tensors of 64 channels (0.5 MiB each in float32) stay in a core's caches."""


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
    by_sender, sender_offsets
        Shapes [E] and [N + 1]: sender i sends edges by_sender[sender_offsets[i] : ...[i + 1]].
    blocks
        A partition of edges and nodes.

    """

    senders: Tensor
    receivers: Tensor
    offsets: Tensor
    by_sender: Tensor
    sender_offsets: Tensor
    blocks: tuple[Block, ...]

    @property
    def n_nodes(self) -> int:
        """The number of nodes N."""
        return len(self.offsets) - 1

    @property
    def n_edges(self) -> int:
        """The number of directed edges E."""
        return len(self.senders)

    def to(self, device: torch.device) -> "EdgeLayout":
        """Return the same layout on another device."""
        return EdgeLayout(
            senders=self.senders.to(device),
            receivers=self.receivers.to(device),
            offsets=self.offsets.to(device),
            by_sender=self.by_sender.to(device),
            sender_offsets=self.sender_offsets.to(device),
            blocks=self.blocks,
        )


def edge_layout(
    senders: Tensor, receivers: Tensor, n_nodes: int, *, block_edges: int = BLOCK_EDGES
) -> EdgeLayout:
    """Lay out edges that are already sorted by receiver."""
    offsets = _offsets(receivers, n_nodes)
    return EdgeLayout(
        senders=senders,
        receivers=receivers,
        offsets=offsets,
        by_sender=torch.argsort(senders, stable=True),
        sender_offsets=_offsets(senders, n_nodes),
        blocks=_blocks(offsets, block_edges),
    )


def _offsets(nodes: Tensor, n_nodes: int) -> Tensor:
    counts = torch.bincount(nodes, minlength=n_nodes)
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)])


def _blocks(offsets: Tensor, block_edges: int) -> tuple[Block, ...]:
    """Cut at receivers' boundaries, so that each block completes the sums of its nodes."""
    ends = offsets.tolist()
    blocks, first = [], 0
    for node in range(1, len(ends)):
        full = ends[node] - ends[first] >= block_edges
        if full or node == len(ends) - 1:
            blocks.append(Block(slice(ends[first], ends[node]), slice(first, node)))
            first = node
    return tuple(blocks)
