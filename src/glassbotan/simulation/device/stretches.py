"""Stretches of some ten or twenty steps, checked afterwards and repeated where a list was outrun.

Before a stretch the inner list is made, and the state is copied. Every step notes how far any
particle is from that copy, on the device and without waiting for it. When the stretch is over that
number is read, once: if twice the distance has outgrown the inner skin, a pair may have been
missed, and the stretch is *repeated from the copy* in two halves, with a fresh list each. A list is
thus never used too late, and this is checked, not assumed. Lengths follow the speed of the
particles, so that repetitions are rare, and leave no trace in the numbers.
"""

from functools import partial

import numpy as np
import torch

from glassbotan.simulation.device.blow_up import runaway
from glassbotan.simulation.device.graphs import Graphs
from glassbotan.simulation.device.interface import Kernels
from glassbotan.simulation.device.moving import Moving
from glassbotan.simulation.device.plain import ABSURD
from glassbotan.simulation.device.two_lists import TwoLists

LENGTHS = (1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32, 40, 48, 64)
"""Steps of a stretch: few different ones, each of which is a CUDA graph."""
FIRST_LENGTH = 8.0
USED_SKIN = 0.8
"""Part of the inner skin that a stretch should use up."""


class Stretches:
    """The steps of a batch.

    Parameters
    ----------
    moving
        What is moved.
    lists
        Its pairs.
    kernels
        That move it.

    Attributes
    ----------
    length
        Steps that the next stretch should have, before it is rounded to one of ``LENGTHS``.
    steps, repeated, done
        Steps that count, steps that were taken back, and stretches so far.

    """

    def __init__(self, moving: Moving, lists: TwoLists, kernels: Kernels) -> None:
        self._system, self._moving, self._lists = moving.system, moving, lists
        self._kernels = kernels
        self.length = FIRST_LENGTH
        self.steps = self.repeated = self.done = 0
        where, slots = self._system.device, kernels.slots(self._system)
        self._now = torch.zeros(1, dtype=torch.int64, device=where)
        self._moved = torch.zeros(slots, dtype=torch.float32, device=where)
        self._report = torch.zeros(2 + self._system.boxes, dtype=torch.float64, device=where)
        self._graphs = Graphs(usable=kernels.captures and where.type == "cuda")
        self._enlarged = lists.enlarged

    def run(self, most: int) -> None:
        """Take some steps, at most so many, with a list that held for all of them.

        Raises
        ------
        BatchBlownUpError
            A particle moves by half a skin in one step.

        """
        steps, limit = self._next_length(most), self._lists.inner_limit
        while True:
            self._lists.renew_outer()
            moved = self._attempt(steps)
            if moved is None:
                continue
            if moved < limit:
                break
            self._take_back(steps)
            if steps == 1:
                raise runaway(self._system, self._quickest_box(), self._moving.step)
            self.length = 0.5 * steps
            steps = self._next_length(steps)
        self._moving.step += steps
        self.steps += steps
        self.done += 1
        # A short one, before a stop, tells little: particles rattle, and do not fly on.
        if 1.5 * steps >= self.length:
            wanted = USED_SKIN * limit / max(moved, 1e-9) * steps
            self.length = min(max(wanted, 0.7 * self.length), 1.25 * self.length, LENGTHS[-1])

    def close(self) -> None:
        """Let go of the graphs, which hold memory of the device."""
        self._graphs.drop()

    def _next_length(self, remaining: int) -> int:
        """Return how many steps to take next."""
        most = max(min(self.length, remaining), 1)
        return max(length for length in LENGTHS if length <= most)

    def _attempt(self, steps: int) -> float | None:
        """Take the steps; return how far a particle came, None where the list was too small."""
        if self._enlarged != self._lists.enlarged:
            self._graphs.drop()
            self._enlarged = self._lists.enlarged
        self._now.fill_(self._moving.step)
        self._graphs.run(steps, partial(self._work, steps))
        moved2, longest, *outer2 = self._report.tolist()
        if not self._lists.fitted(int(longest), outer2):
            self._take_back(steps)
            return None
        return float(np.sqrt(moved2))

    def _work(self, steps: int) -> None:
        """Do all that a stretch does on the device, without waiting for it."""
        moving, lists = self._moving, self._lists
        moving.copy()
        self._moved.zero_()
        lists.thin_out()
        source, target = moving.displacement, moving.other
        for k in range(steps):
            self._step(source, target, k)
            source, target = target, source
        if steps % 2:
            moving.displacement.copy_(moving.other)
        self._report[0] = self._moved.max()
        self._report[1] = lists.inner.counts.max()
        self._report[2:] = lists.farthest()

    def _step(self, source: torch.Tensor, target: torch.Tensor, offset: int) -> None:
        self._kernels.step(
            self._moving, source, target, self._lists.inner, self._now, offset, self._moved
        )

    def _take_back(self, steps: int) -> None:
        """Return to the beginning of the stretch."""
        self._moving.take_back()
        self._lists.forget_inner()
        self.repeated += steps

    def _quickest_box(self) -> int:
        """Return where a particle moves farthest in the step that was taken back."""
        moving = self._moving
        self._lists.ensure_inner()
        self._step(moving.displacement, moving.other, 0)
        far = (moving.other - moving.reference).square().sum(1).amax(1)
        moving.take_back()
        self._lists.forget_inner()
        far = torch.where(far < ABSURD, far, ABSURD)
        return int(self._system.box_of[int(far.argmax())])
