"""The recurrent graph network that BOTAN and the node-only network share."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from glassbotan.models import spans
from glassbotan.models.graph_tensors import GraphTensors
from glassbotan.models.kernels.choice import Triton, chosen
from glassbotan.models.kernels.edge_layout import blocks_of
from glassbotan.models.kernels.edge_update import edge_update
from glassbotan.models.perceptron import Perceptron


class EdgeWeights(NamedTuple):
    """The edge perceptron's weights, its first layer split by what it multiplies.

    Attributes
    ----------
    sender, receiver
        Of what edges see of a node, shape [H, H] or [H, 2 H].
    encoded, bias
        Of the encoded edge, shapes [H, H] and [H].
    update
        Of edge state and hidden layer, and the last bias, as ``edge_update`` takes them.

    """

    sender: Tensor
    receiver: Tensor
    encoded: Tensor
    bias: Tensor
    update: tuple[Tensor, Tensor, Tensor]

    def terms(self, encoded_edges: Tensor) -> Tensor:
        """Return what encoded edges add to the hidden layer in every step, bias included."""
        return linear(encoded_edges, self.encoded, self.bias)


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
        path = chosen(self.width, (graph.species, graph.vectors, *self.parameters()))
        if isinstance(path, Triton):
            return self._all_steps_at_once(graph, path)
        if spans.is_large(graph.layout.n_edges):
            return self._by_spans(graph)
        encoded_nodes = self.node_encoder(graph.species)
        encoded_edges = self.edge_encoder(graph.vectors)
        weights = self.edge_weights()
        edge_terms = weights.terms(encoded_edges)
        nodes, edges = encoded_nodes, encoded_edges
        for _ in range(self.steps):
            visible = self.visible(nodes, encoded_nodes)
            edges, received = edge_update(
                visible @ weights.sender.T,
                visible @ weights.receiver.T,
                edge_terms,
                edges,
                weights.update,
                graph.layout,
                in_place=True,
            )
            nodes = self.update_nodes(nodes, encoded_nodes, received)
        return nodes, edges

    def _by_spans(self, graph: GraphTensors) -> tuple[Tensor, Tensor]:
        """As the usual form, without a gradient: one tensor of [E, H], the states of the edges.

        The usual form keeps a second one, what the encoded edges add to every step: another 10 GB
        at a million particles and 64 channels. Here it is computed again in each step for one span
        of edges at a time. A span is all the edges that some nodes receive, so that both are
        finished together; of the states before the step only what senders showed is kept.
        """
        parts = blocks_of(graph.layout.offsets, spans.SPAN_EDGES)
        weights = self.edge_weights()
        encoded_nodes = self.node_encoder(graph.species)
        nodes = encoded_nodes.clone()
        edges = graph.vectors.new_empty(graph.layout.n_edges, self.width)
        for step in range(self.steps):
            sender_terms = self.visible(nodes, encoded_nodes) @ weights.sender.T
            for span in parts:
                own = span.nodes
                encoded_edges = self.edge_encoder(graph.vectors[span.edges])
                edges[span.edges], received = edge_update(
                    sender_terms,
                    self.visible(nodes[own], encoded_nodes[own]) @ weights.receiver.T,
                    weights.terms(encoded_edges),
                    edges[span.edges] if step else encoded_edges,
                    weights.update,
                    graph.layout.part(span),
                    in_place=True,
                )
                nodes[own] = self.update_nodes(nodes[own], encoded_nodes[own], received)
        return nodes, edges

    def _all_steps_at_once(self, graph: GraphTensors, path: Triton) -> tuple[Tensor, Tensor]:
        from glassbotan.models.kernels.gpu.recurrence import Inputs, Weights, recurrence

        encoded_nodes = self.node_encoder(graph.species)
        encoded_edges = self.edge_encoder(graph.vectors)
        of_edges, width = self.edge_weights(), self.width
        edge, edge_out, edge_bias = of_edges.update
        first, out = self.node_perceptron.hidden, self.node_perceptron.out
        node, encoded_node, received = torch.split(first.weight, width, dim=1)
        # What edges see of the encoded nodes, where they do, is the same in every step.
        now, at_first = slice(None, width), slice(width, None)
        weights = Weights(
            edge=edge,
            edge_out=edge_out,
            sender=of_edges.sender[:, now],
            receiver=of_edges.receiver[:, now],
            node=node,
            received=received,
            node_out=out.weight,
        )
        inputs = Inputs(
            nodes=encoded_nodes,
            edges=encoded_edges,
            edge_terms=of_edges.terms(encoded_edges),
            node_terms=linear(encoded_nodes, encoded_node, first.bias),
            weights=torch.stack(weights),
            biases=torch.stack([edge_bias, out.bias]),
        )
        if self.edges_see_encoded_nodes:
            inputs = inputs._replace(
                sender_terms=linear(encoded_nodes, of_edges.sender[:, at_first]),
                receiver_terms=linear(encoded_nodes, of_edges.receiver[:, at_first]),
            )
        return recurrence(inputs, graph.layout, steps=self.steps, path=path)

    def edge_weights(self) -> EdgeWeights:
        """Split the edge perceptron's first layer."""
        first, out, width = self.edge_perceptron.hidden, self.edge_perceptron.out, self.width
        seen = (first.in_features - 2 * width) // 2
        sender, receiver, edge, encoded = torch.split(
            first.weight, [seen, seen, width, width], dim=1
        )
        return EdgeWeights(sender, receiver, encoded, first.bias, (edge, out.weight, out.bias))

    def visible(self, nodes: Tensor, encoded: Tensor) -> Tensor:
        """Return what edges see of the nodes."""
        return torch.cat([nodes, encoded], dim=-1) if self.edges_see_encoded_nodes else nodes

    def update_nodes(self, nodes: Tensor, encoded: Tensor, received: Tensor) -> Tensor:
        """Return the next states of nodes that have received these sums."""
        updated: Tensor = self.node_perceptron(torch.cat([nodes, encoded, received], dim=-1))
        return updated
