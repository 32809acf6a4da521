"""Large graphs without gradients: one tensor of [E, H], the states of the edges.

The usual form keeps a second one, what the encoded edges add to every step: another 10 GB at a
million particles and 64 channels. Here it is computed again in each step for one span of edges at
a time. A span is all the edges that some nodes receive, so that both are finished together; of
the states before the step only what senders showed is kept.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from glassbotan.models.graph_tensors import GraphTensors
from glassbotan.models.kernels.edge_layout import blocks_of
from glassbotan.models.kernels.edge_update import edge_update

if TYPE_CHECKING:
    from glassbotan.models.message_passing import MessagePassing

MOST_EDGES_AT_ONCE = 2**23
"""200 thousand particles, for which the usual form takes 4 GiB of 64 channels in float32. It is
never the slower one (1.7 times as much arithmetic here), so that memory alone sets the limit."""
SPAN_EDGES = 2**15
"""A tensor of 64 channels is 8 MiB, and calls cost nothing; half or twice as many are as fast."""


def is_large(n_edges: int) -> bool:
    """Tell whether to work by spans: edges are many, and no gradient is recorded."""
    return n_edges > MOST_EDGES_AT_ONCE and not torch.is_grad_enabled()


def pass_by_spans(passing: "MessagePassing", graph: GraphTensors) -> tuple[Tensor, Tensor]:
    """Return the final node states [N, H] and edge states [E, H], without a gradient."""
    spans = blocks_of(graph.layout.offsets, SPAN_EDGES)
    weights = passing.edge_weights()
    encoded_nodes = passing.node_encoder(graph.species)
    nodes = encoded_nodes.clone()
    edges = graph.vectors.new_empty(graph.layout.n_edges, passing.width)
    for step in range(passing.steps):
        sender_terms = passing.visible(nodes, encoded_nodes) @ weights.sender.T
        for span in spans:
            own = span.nodes
            encoded_edges = passing.edge_encoder(graph.vectors[span.edges])
            edges[span.edges], received = edge_update(
                sender_terms,
                passing.visible(nodes[own], encoded_nodes[own]) @ weights.receiver.T,
                weights.terms(encoded_edges),
                edges[span.edges] if step else encoded_edges,
                weights.update,
                graph.layout.part(span),
                in_place=True,
            )
            nodes[own] = passing.update_nodes(nodes[own], encoded_nodes[own], received)
    return nodes, edges


def apply_by_spans(function: Callable[[Tensor], Tensor], rows: Tensor, outputs: int) -> Tensor:
    """Return function(rows), shape [M, outputs], without a gradient.

    ``function`` works on each of the rows [M, H] for itself; what it makes on the way exists for
    one span at a time.
    """
    result = rows.new_empty(len(rows), outputs)
    for start in range(0, len(rows), SPAN_EDGES):
        span = slice(start, start + SPAN_EDGES)
        result[span] = function(rows[span])
    return result
