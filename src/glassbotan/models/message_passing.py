"""The recurrent graph network that BOTAN and the node-only network share."""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from glassbotan.models.graph_tensors import GraphTensors
from glassbotan.models.kernels.edge_update import edge_update
from glassbotan.models.perceptron import Perceptron


class MessagePassing(nn.Module):
    """Encode nodes and edges, then update edges and nodes several times with the same weights.

    Each step computes (Battaglia et al., arXiv:1806.01261; Bapst et al., Nature Physics 16, 448
    (2020), Methods; Shiba et al., J. Chem. Phys. 158, 084503 (2023), Sec. II):

    e_ij <- edge_perceptron([n_i, n_j, e_ij, e0_ij])
    x_j  <- node_perceptron([x_j, x0_j, sum_i e_ij])

    where x0 and e0 are the encoded inputs. The node state that edges see, n_i, is x_i, or
    [x_i, x0_i] with ``edges_see_encoded_nodes``.

    Parameters
    ----------
    dimension
        Space dimensions d, the number of edge inputs.
    width
        Channels H of every state and hidden layer.
    steps
        Recurrent steps.
    edges_see_encoded_nodes
        As above: false for BOTAN, true for the node-only network.

    """

    def __init__(
        self, *, dimension: int, width: int, steps: int, edges_see_encoded_nodes: bool
    ) -> None:
        super().__init__()
        self.width, self.steps = width, steps
        self.edges_see_encoded_nodes = edges_see_encoded_nodes
        seen = 2 * width if edges_see_encoded_nodes else width
        self.node_encoder = Perceptron(1, width)
        self.edge_encoder = Perceptron(dimension, width)
        self.edge_perceptron = Perceptron(2 * seen + 2 * width, width)
        self.node_perceptron = Perceptron(3 * width, width)

    def forward(self, graph: GraphTensors) -> tuple[Tensor, Tensor]:
        """Return final node states [N, H] and edge states [E, H]."""
        encoded_nodes = self.node_encoder(graph.species)
        encoded_edges = self.edge_encoder(graph.vectors)
        first = self.edge_perceptron.hidden
        seen = (first.in_features - 2 * self.width) // 2
        by_sender, by_receiver, by_edge, by_encoded = torch.split(
            first.weight, [seen, seen, self.width, self.width], dim=1
        )
        edge_terms = linear(encoded_edges, by_encoded, first.bias)
        weights = (by_edge, self.edge_perceptron.out.weight, self.edge_perceptron.out.bias)
        nodes, edges = encoded_nodes, encoded_edges
        for _ in range(self.steps):
            visible = self._visible(nodes, encoded_nodes)
            edges, received = edge_update(
                visible @ by_sender.T,
                visible @ by_receiver.T,
                edge_terms,
                edges,
                weights,
                graph.layout,
                in_place=True,
            )
            nodes = self._update_nodes(nodes, encoded_nodes, received)
        return nodes, edges

    def _visible(self, nodes: Tensor, encoded: Tensor) -> Tensor:
        return torch.cat([nodes, encoded], dim=-1) if self.edges_see_encoded_nodes else nodes

    def _update_nodes(self, nodes: Tensor, encoded: Tensor, received: Tensor) -> Tensor:
        updated: Tensor = self.node_perceptron(torch.cat([nodes, encoded, received], dim=-1))
        return updated
