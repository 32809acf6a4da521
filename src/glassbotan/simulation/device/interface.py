"""What a batch asks of its kernels, plain or in Triton."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from glassbotan.simulation.device.lists import PairList
from glassbotan.simulation.device.system import System

if TYPE_CHECKING:
    import torch


class Kernels(Protocol):
    """Lists, forces and steps; see :class:`glassbotan.simulation.device.plain.PlainKernels`.

    Attributes
    ----------
    name
        "plain" or "triton".
    captures
        Whether a stretch of steps can be kept as a CUDA graph.
    splines
        Whether they can run forms that are no Lennard-Jones.
    skins
        Reach of the outer and the inner list beyond the cutoff that suits them, length units.

    """

    name: str
    captures: bool
    splines: bool
    skins: tuple[float, float]

    def build(
        self, system: System, displacement: "torch.Tensor", skin: float, boxes: Sequence[int],
        pairs: PairList,
    ) -> None:  # fmt: skip
        """Fill the rows of some boxes."""

    def prune(
        self, system: System, displacement: "torch.Tensor", outer: PairList, skin: float,
        inner: PairList,
    ) -> None:  # fmt: skip
        """Take from ``outer`` what is within cutoff + skin."""

    def evaluate(
        self, system: System, displacement: "torch.Tensor", pairs: PairList
    ) -> tuple["torch.Tensor", "torch.Tensor"]:
        """Return forces and energies."""

    def step(
        self, system: System, source: "torch.Tensor", target: "torch.Tensor",
        lost: "torch.Tensor", half: "torch.Tensor", reference: "torch.Tensor", pairs: PairList,
        now: "torch.Tensor", offset: int, moved: "torch.Tensor",
    ) -> None:  # fmt: skip
        """Move by one timestep."""

    def slots(self, system: System) -> int:
        """Return how many numbers ``moved`` has."""

    def farthest(
        self, system: System, displacement: "torch.Tensor", reference: "torch.Tensor"
    ) -> "torch.Tensor":
        """Return every particle's largest square of a distance from a reference, [N_total]."""
