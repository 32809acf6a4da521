"""Loss and gradients as one CUDA graph: some eighty kernels, which a single call starts.

Started one by one they take the processor longer than the GPU. A CUDA graph replays kernels on the
same memory, so that graphs of particles are padded to a few sizes, with one CUDA graph for each.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from glassbotan.models.graph_tensors import GraphTensors
from glassbotan.models.kernels.edge_layout import edge_layout
from glassbotan.models.network import Network

EDGE_STEP = 4096
"""Padded numbers of edges are multiples of this: snapshots of one density share one or two."""
PADDING_NODES = 128
"""Nodes that share the padding's edges, at most 32 each: none takes longer than a particle."""

Loss = Callable[[dict[str, Tensor], Sequence[Tensor]], Tensor]
"""From a network's outputs by quantity and the targets; padded rows must have weight zero."""


class Size(NamedTuple):
    """Numbers of nodes and edges."""

    n_nodes: int
    n_edges: int


def padded_size(graph: GraphTensors) -> Size:
    """Return the size to which a graph is padded."""
    n_edges = graph.layout.n_edges
    return Size(graph.layout.n_nodes + PADDING_NODES, -(-n_edges // EDGE_STEP) * EDGE_STEP)


def padded(graph: GraphTensors, size: Size) -> GraphTensors:
    """Return the graph with further nodes and edges, which never meet those that it has.

    The given nodes and edges come first, then nodes that send to themselves the edges that are
    left of ``size``.
    """
    layout = graph.layout
    nodes, edges = size.n_nodes - layout.n_nodes, size.n_edges - layout.n_edges
    assert nodes > 0 or edges == 0
    ends = torch.arange(edges, device=layout.senders.device) * max(nodes, 1) // max(edges, 1)
    ends += layout.n_nodes
    return replace(
        graph,
        species=padded_rows(graph.species, size.n_nodes),
        vectors=padded_rows(graph.vectors, size.n_edges),
        layout=edge_layout(
            torch.cat([layout.senders, ends]), torch.cat([layout.receivers, ends]), size.n_nodes
        ),
    )


def padded_rows(values: Tensor, rows: int) -> Tensor:
    """Return the values with rows of zeros after them."""
    return torch.cat([values, values.new_zeros(rows - len(values), *values.shape[1:])])


class CapturedLoss:
    """A network's loss, whose value and gradients are replayed on a GPU.

    The result is differentiable once, with respect to the network's parameters, and ordinary in
    every other way: gradients of several graphs add up, optimisers and processes that share
    gradients find them where they always are. Elsewhere than on a GPU it is simply computed.

    Parameters
    ----------
    network
        Its parameters must stay where they are in memory.
    loss
        What to minimise.

    """

    def __init__(self, network: Network, loss: Loss) -> None:
        self.network, self.loss = network, loss
        self.parameters = [p for p in network.parameters() if p.requires_grad]
        self._captures: dict[Any, tuple[Any, list[Tensor], Tensor]] = {}
        """Each a CUDA graph, the tensors that it reads and the one that it leaves."""
        self._pool: Any = None

    def __call__(self, graph: GraphTensors, targets: Sequence[Tensor]) -> Tensor:
        """Return the loss of one graph.

        Parameters
        ----------
        graph
            As ``padded`` returns it, so that many have the same size.
        targets
            What ``loss`` compares with, of as many rows.

        """
        if graph.vectors.device.type != "cuda":
            return self._computed(graph, targets)
        given = _tensors(graph, targets)
        precision = torch.is_autocast_enabled("cuda"), torch.get_autocast_dtype("cuda")
        key = (*(x.shape for x in given), *precision)
        if key not in self._captures:
            self._captures[key] = self._captured(graph, targets)
        recorded, inputs, flat = self._captures[key]
        for ours, new in zip(inputs, given, strict=True):
            ours.copy_(new)
        recorded.replay()
        found: Tensor = _Replayed.apply(flat.clone(), *self.parameters)  # type: ignore[no-untyped-call]
        return found

    def _computed(self, graph: GraphTensors, targets: Sequence[Tensor]) -> Tensor:
        return self.loss(self.network(graph), targets)

    def _loss_and_gradients(self, graph: GraphTensors, targets: Sequence[Tensor]) -> Tensor:
        loss = self._computed(graph, targets)
        gradients = torch.autograd.grad(loss, self.parameters)
        return torch.cat([x.detach().flatten() for x in (loss, *gradients)])

    def _captured(
        self, graph: GraphTensors, targets: Sequence[Tensor]
    ) -> tuple[Any, list[Tensor], Tensor]:
        graph, targets = copy.deepcopy(graph), [x.clone() for x in targets]
        # Autocast would keep weights that it cast before the capture, and replay their old values.
        uncached = torch.autocast(
            "cuda",
            enabled=torch.is_autocast_enabled("cuda"),
            dtype=torch.get_autocast_dtype("cuda"),
            cache_enabled=False,
        )
        with torch.enable_grad(), uncached:
            # Kernels are compiled, and libraries take their memory, before the capture.
            aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):
                for _ in range(3):
                    self._loss_and_gradients(graph, targets)
            torch.cuda.current_stream().wait_stream(aside)
            recorded = torch.cuda.CUDAGraph()
            if self._pool is None:
                self._pool = torch.cuda.graph_pool_handle()
            with torch.cuda.graph(recorded, pool=self._pool):
                flat = self._loss_and_gradients(graph, targets)
        return recorded, _tensors(graph, targets), flat


class _Replayed(torch.autograd.Function):
    """Gives out gradients that were found together with the loss."""

    @staticmethod
    def forward(ctx: Any, flat: Tensor, *parameters: Tensor) -> Tensor:
        ctx.save_for_backward(flat)
        ctx.shapes = [p.shape for p in parameters]
        return flat[0].clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, of_loss: Tensor) -> tuple[Tensor | None, ...]:
        (flat,) = ctx.saved_tensors
        parts = (flat[1:] * of_loss).split([shape.numel() for shape in ctx.shapes])
        return (None, *(x.view(shape) for x, shape in zip(parts, ctx.shapes, strict=True)))


def _tensors(graph: GraphTensors, targets: Sequence[Tensor]) -> list[Tensor]:
    return [graph.species, graph.vectors, *graph.layout.tensors().values(), *targets]
