"""What a batch asks of its kernels, plain or in Triton."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

from torch import Tensor

from glassbotan.simulation.device.lists import PairList
from glassbotan.simulation.device.moving import Moving
from glassbotan.simulation.device.system import System


class Kernels(Protocol):
    """Lists, forces and steps; plain.py has them in PyTorch, kernels.py in Triton.

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

    name: ClassVar[str]
    captures: ClassVar[bool]
    splines: ClassVar[bool]
    skins: ClassVar[tuple[float, float]]

    def build(
        self, system: System, displacement: Tensor, boxes: Sequence[int], pairs: PairList
    ) -> None:
        """Fill the rows of some boxes: pairs within cutoff + skin in any trajectory.

        Particles that can never be in reach are left out by spheres around where each is in all
        of its trajectories; the rest is tested trajectory by trajectory, with every image.
        """

    def prune(self, system: System, displacement: Tensor, outer: PairList, inner: PairList) -> None:
        """Take from ``outer`` the pairs within cutoff + inner skin in any trajectory."""

    def evaluate(
        self, system: System, displacement: Tensor, pairs: PairList
    ) -> tuple[Tensor, Tensor]:
        """Return forces [N_total, 3, R], and energies [N_total, R]: half of a pair's, a wall's."""

    def step(
        self, moving: Moving, source: Tensor, target: Tensor, pairs: PairList,
        now: Tensor, offset: int, moved: Tensor,
    ) -> None:  # fmt: skip
        """Move by one timestep from ``source`` to ``target``, both [N_total, 3, R].

        Leapfrog, or BAOAB with its two half kicks joined; ``lost`` and ``half`` of what moves are
        changed in place. ``now`` + ``offset`` is the step's number; ``moved`` becomes the largest
        square of a distance from ``reference`` that it or a step before has seen.
        """

    def slots(self, system: System) -> int:
        """Return how many numbers ``moved`` has."""

    def farthest(self, system: System, displacement: Tensor, reference: Tensor) -> Tensor:
        """Return every particle's largest square of a distance from a reference, [N_total]."""
