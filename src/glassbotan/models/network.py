"""What every network offers: settings that rebuild it, and motion from a snapshot's tensors."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn


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
    """A graph network that predicts propensity [N, T] and, where it can, bond extension [E, T].

    Called with its own kind of tensors, it returns both (None for a node-only network's bonds).
    """

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

    def scale_outputs(self, factors: Tensor) -> None:
        """Multiply what the network predicts by a factor for each time, shape [T].

        For training in other units; nothing else need know in which.
        """
        raise NotImplementedError
