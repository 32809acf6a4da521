"""What every network offers: settings that rebuild it, and motion from a graph."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from glassbotan.errors import InputError
from glassbotan.models.graph_tensors import GraphTensors, graph_tensors
from glassbotan.structure import NeighbourGraph


@dataclass(frozen=True)
class Settings:
    """What a network is built from; stored beside its weights.

    Attributes
    ----------
    times
        The T times that it predicts, Lennard-Jones units.
    dimension
        Space dimensions.
    cutoff
        Graph cutoff, length units.
    width, steps
        Channels of the perceptrons and recurrent steps.

    """

    times: tuple[float, ...]
    dimension: int = 3
    cutoff: float = 2.0
    width: int = 64
    steps: int = 7


class Network(nn.Module):
    """A graph network that predicts propensity [N, T] and, where it can, bond extension [E, T]."""

    architecture: ClassVar[str]
    self_edges: ClassVar[bool] = False
    predicts_bonds: ClassVar[bool]

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings

    @property
    def n_parameters(self) -> int:
        """The number of trained numbers."""
        return sum(p.numel() for p in self.parameters())

    def forward(self, graph: NeighbourGraph | GraphTensors) -> tuple[Tensor, Tensor | None]:
        """Return propensity [N, T] and bond extension [E, T] (None for a node-only network).

        Raises
        ------
        InputError
            The graph has another dimension or cutoff than the network was made for.

        """
        if isinstance(graph, NeighbourGraph):
            graph = self.tensors(graph)
        return self.predict_tensors(graph)

    def predict_tensors(self, graph: GraphTensors) -> tuple[Tensor, Tensor | None]:
        """Compute the outputs of ``forward`` from tensors."""
        raise NotImplementedError

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
