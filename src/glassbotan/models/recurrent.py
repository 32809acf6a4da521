"""The form that BOTAN and the node-only network share: message passing and one decoder."""

from typing import ClassVar

import torch
from torch import Tensor

from glassbotan.errors import InputError
from glassbotan.models.graph_tensors import GraphTensors, graph_tensors
from glassbotan.models.message_passing import MessagePassing
from glassbotan.models.network import Network, Settings
from glassbotan.models.perceptron import Decoder
from glassbotan.structure import NeighbourGraph


class RecurrentNetwork(Network):
    """Recurrent message passing, then a decoder that reads nodes and, where wanted, edges."""

    edges_see_encoded_nodes: ClassVar[bool]

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.passing = MessagePassing(
            dimension=settings.dimension,
            width=settings.width,
            steps=settings.steps,
            edges_see_encoded_nodes=self.edges_see_encoded_nodes,
        )
        self.decoder = Decoder(settings.width, len(settings.times))

    def forward(self, graph: NeighbourGraph | GraphTensors) -> tuple[Tensor, Tensor | None]:
        """Return propensity [N, T] and bond extension [E, T] (None for a node-only network).

        Raises
        ------
        InputError
            The graph has another dimension or cutoff than the network was made for.

        """
        if isinstance(graph, NeighbourGraph):
            graph = self.tensors(graph)
        nodes, edges = self.passing(graph)
        return self.decoder(nodes), self.decoder(edges) if self.predicts_bonds else None

    def tensors(self, graph: NeighbourGraph) -> GraphTensors:
        """Convert a graph to this network's inputs, on its device and in its precision."""
        self.check(graph)
        parameter = next(self.parameters())
        return graph_tensors(graph, dtype=parameter.dtype, self_edges=self.self_edges).to(
            parameter.device
        )

    def check(self, graph: NeighbourGraph) -> None:
        """Refuse a graph of another dimension or cutoff."""
        dimension = graph.vectors.shape[1]
        if dimension != self.settings.dimension:
            raise InputError(
                f"the model is for {self.settings.dimension} dimensions "
                f"and the snapshot has {dimension}"
            )
        if abs(graph.cutoff - self.settings.cutoff) > 1e-9:
            raise InputError(
                f"the model needs a graph of cutoff {self.settings.cutoff:g}, "
                f"this one has {graph.cutoff:g}"
            )

    def scale_outputs(self, factors: Tensor) -> None:
        """Multiply what the network predicts by a factor for each time, shape [T].

        The last layer is linear, so that it alone changes.
        """
        read_out = self.decoder.out
        with torch.no_grad():
            read_out.weight.mul_(factors.to(read_out.weight)[:, None])
            read_out.bias.mul_(factors.to(read_out.bias))
