"""The form that BOTAN and the node-only network share: message passing and one decoder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from glassbotan.errors import InputError
from glassbotan.models.architecture import Count, ModelSettings, Preparation
from glassbotan.models.graph_tensors import GraphInputs, GraphTensors
from glassbotan.models.message_passing import MessagePassing
from glassbotan.models.network import Network, column_factors
from glassbotan.models.perceptron import Decoder
from glassbotan.models.read_out import fit_read_out
from glassbotan.models.state import load_state
from glassbotan.progress import Progress, silent
from glassbotan.settings import Positive
from glassbotan.structure import NeighbourGraph, Snapshot, neighbour_graph


class RecurrentSettings(ModelSettings):
    """What a recurrent network is built from.

    Attributes
    ----------
    cutoff
        Of the graph, length units.
    width, steps
        Channels of the perceptrons and recurrent steps.

    """

    self_edges: ClassVar[bool] = False

    cutoff: Positive = 2.0
    width: Count = 64
    steps: Count = 7

    def inputs(self, snapshot: Snapshot, progress: Progress = silent) -> GraphInputs:  # noqa: ARG002 - one part
        """Return the snapshot's graph."""
        return GraphInputs(neighbour_graph(snapshot, self.cutoff), self.self_edges)

    @property
    def longest_bond(self) -> float:
        """The cutoff of the graph."""
        return self.cutoff

    def record(self) -> dict[str, Any]:
        """Return what the graph follows from."""
        return {"cutoff": self.cutoff, "self_edges": self.self_edges}


class RecurrentNetwork(Network):
    """Recurrent message passing, then a decoder that reads nodes and, where wanted, edges."""

    settings_type: ClassVar[type[ModelSettings]] = RecurrentSettings
    edges_see_encoded_nodes: ClassVar[bool]
    settings: RecurrentSettings

    def __init__(self, settings: RecurrentSettings) -> None:
        super().__init__(settings)
        self.passing = MessagePassing(
            dimension=settings.dimension,
            width=settings.width,
            steps=settings.steps,
            edges_see_encoded_nodes=self.edges_see_encoded_nodes,
        )
        self.decoder = Decoder(settings.width, len(settings.columns) * len(settings.times))

    @classmethod
    def tensors_type(cls) -> type[GraphTensors]:
        """Return the kind of its inputs as tensors."""
        return GraphTensors

    def forward(self, graph: NeighbourGraph | GraphTensors) -> dict[str, Tensor]:
        """Return quantities by name: [N, T] on particles, [E, T] on bonds.

        Raises
        ------
        InputError
            The graph has another dimension or cutoff than the network was made for.

        """
        if isinstance(graph, NeighbourGraph):
            graph = self.tensors(graph)
        found: dict[str, Tensor] = {}
        for states, names in zip(self.passing(graph), self.by_states(), strict=True):
            if names:
                parts = self.decoder(states).split(len(self.settings.times), dim=1)
                found |= dict(zip(names, parts, strict=False))
        return {name: found[name] for name in self.settings.quantities}

    def by_states(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what is read from the states of nodes and of edges, a column each."""
        return self.settings.of("particles"), self.settings.of("bonds")

    def tensors(self, graph: NeighbourGraph) -> GraphTensors:
        """Convert a graph to this network's inputs, on its device and in its precision."""
        settings, dimension = self.settings, graph.vectors.shape[1]
        if dimension != settings.dimension:
            raise InputError(
                f"the model is for {settings.dimension} dimensions and the snapshot has {dimension}"
            )
        if abs(graph.cutoff - settings.cutoff) > 1e-9:
            raise InputError(
                f"the model needs a graph of cutoff {settings.cutoff:g}, "
                f"this one has {graph.cutoff:g}"
            )
        tensors = self.placed(GraphInputs(graph, settings.self_edges))
        assert isinstance(tensors, GraphTensors)
        return tensors

    def prepare(self, preparation: Preparation) -> None:
        """Let a fresh read-out begin at the best linear one, where the recipe standardises."""
        if preparation.fresh and preparation.standardise:
            fit_read_out(self, preparation)

    def begin_from(self, start: Self, path: str | Path) -> bool:
        """Take another network's weights; of one with other outputs, only its features."""
        state = start.state_dict()
        anew = start.decoder.out.out_features != self.decoder.out.out_features
        if anew:
            state |= {f"decoder.out.{k}": v for k, v in self.decoder.out.state_dict().items()}
        load_state(self, state, path)
        return anew

    def scale_outputs(self, factors: Mapping[str, Tensor]) -> None:
        """Multiply what the network predicts by factors for each time, each of shape [T].

        The last layer is linear, so that it alone changes.
        """
        read_out, every = self.decoder.out, column_factors(self.settings, factors)
        with torch.no_grad():
            read_out.weight.mul_(every.to(read_out.weight)[:, None])
            read_out.bias.mul_(every.to(read_out.bias))
