"""A neighbour graph as the tensors that a network takes."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from glassbotan.models.kernels.edge_layout import EdgeLayout, edge_layout
from glassbotan.structure import NeighbourGraph


@dataclass(frozen=True, eq=False)
class GraphTensors:
    """Node inputs, edge inputs and edge layout of one graph.

    Attributes
    ----------
    species
        The species as a number, shape [N, 1].
    vectors
        r_receiver - r_sender, shape [E, d], length units.
    layout
        The edges, sorted by receiver.

    """

    species: Tensor
    vectors: Tensor
    layout: EdgeLayout

    def turned(self, matrix: Tensor) -> "GraphTensors":
        """Return the same graph with every vector v replaced by ``matrix`` v."""
        return replace(self, vectors=self.vectors @ matrix.T)

    def to(self, device: torch.device) -> "GraphTensors":
        """Return the same graph on another device."""
        return GraphTensors(
            self.species.to(device), self.vectors.to(device), self.layout.to(device)
        )


def graph_tensors(
    graph: NeighbourGraph, *, dtype: torch.dtype = torch.float32, self_edges: bool = False
) -> GraphTensors:
    """Convert a graph; ``self_edges`` adds a zero-length edge from each particle to itself.

    The self-edges come last among a particle's received edges of the tensors, and are not among
    the graph's bonds; a network that asks for them decodes nodes only.
    """
    edge_index = torch.from_numpy(graph.edge_index)
    vectors = torch.from_numpy(graph.vectors).to(dtype)
    if self_edges:
        edge_index, vectors = _with_self_edges(edge_index, vectors, graph.n_particles)
    return GraphTensors(
        species=torch.from_numpy(graph.species).to(dtype)[:, None],
        vectors=vectors,
        layout=edge_layout(edge_index[0], edge_index[1], graph.n_particles),
    )


def _with_self_edges(edge_index: Tensor, vectors: Tensor, n_nodes: int) -> tuple[Tensor, Tensor]:
    nodes = torch.arange(n_nodes)
    edge_index = torch.cat([edge_index, torch.stack([nodes, nodes])], dim=1)
    vectors = torch.cat([vectors, vectors.new_zeros(n_nodes, vectors.shape[1])])
    order = torch.argsort(edge_index[1], stable=True)
    return edge_index[:, order], vectors[order]
