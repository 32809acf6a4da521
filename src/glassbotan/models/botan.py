"""BOTAN, the bond targeting network."""

from torch import Tensor

from glassbotan.models.graph_tensors import GraphTensors
from glassbotan.models.message_passing import MessagePassing
from glassbotan.models.network import Network, Settings
from glassbotan.models.perceptron import Decoder


class Botan(Network):
    """The bond targeting network: one decoder reads both nodes and edges.

    Shiba, Hanai, Suzumura, Shimokawabe, J. Chem. Phys. 158, 084503 (2023),
    doi:10.1063/5.0129791. With 64 channels and one time it has 54,209 parameters.
    """

    architecture = "botan"
    predicts_bonds = True

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.passing = MessagePassing(
            dimension=settings.dimension,
            width=settings.width,
            steps=settings.steps,
            edges_see_encoded_nodes=False,
        )
        self.decoder = Decoder(settings.width, len(settings.times))

    def predict_tensors(self, graph: GraphTensors) -> tuple[Tensor, Tensor | None]:
        """Return propensity [N, T] and bond extension [E, T]."""
        nodes, edges = self.passing(graph)
        return self.decoder(nodes), self.decoder(edges)
