"""When the two union lists of a batch are made, and that they are large enough.

There are two, as in the native engine. The outer one holds every pair within cutoff + outer skin in
any trajectory, and is made anew for a box whose particles have moved too far since. Before every
stretch of steps (stretches.py) it is thinned out to the inner list (inner skin). Rows are in an
order of their own (lists.py), so that neither skins nor the times at which lists are made leave a
trace in the numbers. A row that finds no room is noticed when its list has been made, and before
anything computed with it is believed: the list gets a larger place and is made again.
"""

from collections.abc import Sequence

import torch

from glassbotan.errors import RunError
from glassbotan.simulation.device.blow_up import runaway
from glassbotan.simulation.device.interface import Kernels
from glassbotan.simulation.device.lists import IMAGE_OFFSET, SLACK, PairList
from glassbotan.simulation.device.moving import Moving

FIRST_CAPACITY = 8


class TwoLists:
    """The outer and the inner list of what moves in a batch.

    Parameters
    ----------
    moving
        Whose pairs they are.
    kernels
        That make them.
    skins
        Reach of the outer and the inner one beyond the cutoff, length units; never more than the
        shortest box allows.

    Attributes
    ----------
    outer, inner
        The lists.
    made
        How many boxes' outer lists were made so far.
    enlarged
        How many times a list got a larger place: others than its tensors of before.

    """

    def __init__(self, moving: Moving, kernels: Kernels, skins: tuple[float, float]) -> None:
        self._system, self._moving, self._kernels = moving.system, moving, kernels
        # Of an axis no more than the nearest image and the next are looked at.
        outer = min(skins[0], self._system.shortest_edge - self._system.cutoff - 2 * SLACK)
        self.outer, self.inner = (
            PairList.empty(self._system, FIRST_CAPACITY, skin)
            for skin in (outer, min(skins[1], 0.5 * outer))
        )
        self.made = self.enlarged = 0
        self._outer_reference = self._system.empty_state()
        self.forget()

    def forget(self) -> None:
        """Take no list for valid: particles are somewhere else altogether."""
        self._stale = list(range(self._system.boxes))
        self._inner_holds = False

    def forget_inner(self) -> None:
        """Take the inner list for one of another time."""
        self._inner_holds = False

    @property
    def inner_limit(self) -> float:
        """How far particles may come from where the inner list was made."""
        return 0.5 * self.inner.skin - SLACK

    def renew_outer(self) -> None:
        """Make the outer list anew for boxes whose particles have moved too far since."""
        if not self._stale:
            return
        self._check_bounds(self._stale)
        system, moving, stale = self._system, self._moving, self._stale
        while True:
            self._kernels.build(system, moving.displacement, stale, self.outer)
            longest = self.outer.longest()
            if longest <= self.outer.capacity:
                break
            self.outer = self._larger(self.outer, longest)
            stale = list(range(system.boxes))
        for box in stale:
            rows = system.rows(box)
            self._outer_reference[rows] = moving.displacement[rows]
        self.made += len(stale)
        self._stale = []

    def thin_out(self) -> None:
        """Make the inner list from the outer one, without waiting for the device."""
        self._kernels.prune(self._system, self._moving.displacement, self.outer, self.inner)

    def ensure_inner(self) -> None:
        """Have an inner list that holds for where the particles are."""
        if self._inner_holds:
            return
        self.renew_outer()
        while True:
            self.thin_out()
            longest = self.inner.longest()
            if longest <= self.inner.capacity:
                break
            self.inner = self._larger(self.inner, longest)
        self._inner_holds = True

    def farthest(self) -> torch.Tensor:
        """Return the largest square of a distance since each box's outer list was made, [B]."""
        system = self._system
        moved = self._kernels.farthest(system, self._moving.displacement, self._outer_reference)
        boxes = torch.zeros(system.boxes, dtype=torch.float64, device=system.device)
        return boxes.scatter_reduce_(0, system.box_of.long(), moved.double(), "amax")

    def fitted(self, longest: int, farthest: Sequence[float]) -> bool:
        """Take up what was found after a stretch; return whether the inner list had room.

        Parameters
        ----------
        longest
            Of the inner list's rows.
        farthest
            What :meth:`farthest` returned, [B].

        """
        self._inner_holds = longest <= self.inner.capacity
        if not self._inner_holds:
            self.inner = self._larger(self.inner, longest)
            return False
        spare = 0.5 * (self.outer.skin - self.inner.skin) - SLACK
        self._stale = [box for box, square in enumerate(farthest) if not square < spare * spare]
        return True

    def _larger(self, pairs: PairList, longest: int) -> PairList:
        """Return a list with room for rows of that length and some more."""
        self.enlarged += 1
        capacity = int(1.15 * longest) + 8
        try:
            return PairList.empty(self._system, capacity, pairs.skin)
        except RuntimeError as error:
            raise RunError(
                f"no memory for the pair lists of {self._system.boxes} boxes with rows of "
                f"{capacity} pairs; run fewer at once"
            ) from error

    def _check_bounds(self, boxes: Sequence[int]) -> None:
        """Raise where a particle is so far away that its image has no number."""
        system = self._system
        for box in boxes:
            edge = system.edges[box, : system.dimension].min()
            limit = float((IMAGE_OFFSET - 4) / 2 * edge)
            largest = float(self._moving.displacement[system.rows(box)].abs().max())
            if not largest < limit:
                raise runaway(system, box, self._moving.step)
