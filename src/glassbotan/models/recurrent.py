"""The form that BOTAN and the node-only network share: message passing and one decoder."""

from typing import ClassVar

from torch import Tensor

from glassbotan.models.graph_tensors import GraphTensors
from glassbotan.models.message_passing import MessagePassing
from glassbotan.models.network import Network, Settings
from glassbotan.models.perceptron import Decoder


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

    def predict_tensors(self, graph: GraphTensors) -> tuple[Tensor, Tensor | None]:
        """Return propensity [N, T] and bond extension [E, T], or None for the latter."""
        nodes, edges = self.passing(graph)
        return self.decoder(nodes), self.decoder(edges) if self.predicts_bonds else None
