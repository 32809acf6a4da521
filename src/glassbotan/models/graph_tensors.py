"""A neighbour graph as the tensors that a network takes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from glassbotan.models.architecture import WHOLE
from glassbotan.models.example import Tensors
from glassbotan.models.kernels.edge_layout import INDICES, EdgeLayout, edge_layout
from glassbotan.structure import NeighbourGraph


@dataclass(frozen=True, eq=False)
class GraphTensors(Tensors):
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

    def stored(self) -> dict[str, Tensor]:
        """Return by name the tensors from which :meth:`of_stored` makes the same graph."""
        layout = {f"layout.{name}": indices for name, indices in self.layout.tensors().items()}
        return {"species": self.species, "vectors": self.vectors, **layout}

    @classmethod
    def of_stored(cls, stored: Mapping[str, Tensor]) -> "GraphTensors":
        """Return the graph of stored tensors."""
        layout = EdgeLayout.of_tensors({name: stored[f"layout.{name}"] for name in INDICES})
        return cls(stored["species"], stored["vectors"], layout)


@dataclass(frozen=True, eq=False)
class GraphInputs:
    """The bonds of the thermal snapshot, and where wanted one from each particle to itself.

    These have no length, come last among a particle's received edges of the tensors, and are not
    among the graph's bonds; a network that asks for them decodes nodes only.
    """

    graph: NeighbourGraph
    self_edges: bool = False

    def tensors(self, dtype: torch.dtype = torch.float32, fold: int = WHOLE) -> GraphTensors:  # noqa: ARG002 - nothing is cross-validated
        """Return the network's input tensors."""
        graph, edge_index, vectors = self.graph, self.graph.edge_index, self.graph.vectors
        if self.self_edges:
            # Before the first edge of the next particle.
            nodes, places = np.arange(graph.n_particles), graph.row_offsets[1:]
            edge_index = np.insert(edge_index, places, nodes, axis=1)
            vectors = np.insert(vectors, places, 0.0, axis=0)
        senders, receivers = torch.from_numpy(edge_index)
        return GraphTensors(
            species=torch.from_numpy(graph.species).to(dtype)[:, None],
            vectors=torch.from_numpy(vectors).to(dtype),
            layout=edge_layout(senders, receivers, graph.n_particles),
        )
