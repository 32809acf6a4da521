"""The node-only network, BOTAN's predecessor."""

from torch import Tensor

from glassbotan.models.graph_tensors import GraphTensors
from glassbotan.models.message_passing import MessagePassing
from glassbotan.models.network import Network, Settings
from glassbotan.models.perceptron import Decoder


class NodeOnly(Network):
    """The graph network of Bapst et al., Nature Physics 16, 448 (2020).

    It differs from BOTAN in that every particle has an edge to itself, edges see the encoded nodes
    beside the current ones, and nodes alone are decoded.
    """

    architecture = "node-only"
    self_edges = True
    predicts_bonds = False

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.passing = MessagePassing(
            dimension=settings.dimension,
            width=settings.width,
            steps=settings.steps,
            edges_see_encoded_nodes=True,
        )
        self.decoder = Decoder(settings.width, len(settings.times))

    def predict_tensors(self, graph: GraphTensors) -> tuple[Tensor, Tensor | None]:
        """Return propensity [N, T] and None."""
        nodes, _ = self.passing(graph)
        return self.decoder(nodes), None
