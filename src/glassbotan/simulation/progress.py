"""How far a campaign is: work done, its rate, the time that is left."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from glassbotan.simulation.plan import Plan
from glassbotan.simulation.protocol import Block


@dataclass(frozen=True)
class Progress:
    """How far a campaign is.

    Attributes
    ----------
    done, total
        Particle-steps, those of earlier runs included.
    rate
        Particle-steps a second since the first that were done; 0 while it is not known.
    snapshots, finished
        Number of snapshots, and of those that are finished.

    """

    done: int
    total: int
    rate: float
    snapshots: int
    finished: int

    @property
    def seconds_left(self) -> float | None:
        """Seconds that the rest takes at this rate; None before a rate is known."""
        return (self.total - self.done) / self.rate if self.rate > 0 else None


Report = Callable[[Progress], None]


class Tally:
    """Counts steps of blocks as they are told, and reports.

    Parameters
    ----------
    plan
        Whose work it is.
    steps
        Steps that each block has done before.
    finished
        Number of snapshots finished before.
    report
        Who wants to know.

    """

    def __init__(self, plan: Plan, steps: dict[Block, int], finished: int, report: Report) -> None:
        self._steps, self._report, self._finished = steps, report, finished
        self._weights = {
            block: len(block.trajectories) * plan.snapshots[block.snapshot].n_particles
            for block in plan.blocks
        }
        self._total = sum(plan.particle_steps(block) for block in plan.blocks)
        self._snapshots = len(plan.snapshots)
        self._start: float | None = None
        self._before = self._done()
        self._say()

    def at(self, block: Block, step: int) -> None:
        """Take note that a block is at a step; one that lost its work goes back."""
        if step < self._steps[block]:
            # What is done again is no progress, and no rate either.
            self._before -= (self._steps[block] - step) * self._weights[block]
        self._steps[block] = step
        if self._start is None:
            # Workers take a while to come up; the clock of the rate begins when they work.
            self._start, self._before = time.monotonic(), self._done()
        self._say()

    def finish(self) -> None:
        """Take note that a snapshot is finished."""
        self._finished += 1
        self._say()

    @property
    def progress(self) -> Progress:
        """How far it is now."""
        done = self._done()
        elapsed = 0.0 if self._start is None else time.monotonic() - self._start
        rate = max(done - self._before, 0) / elapsed if elapsed > 0 else 0.0
        return Progress(done, self._total, rate, self._snapshots, self._finished)

    def _done(self) -> int:
        return sum(step * self._weights[block] for block, step in self._steps.items())

    def _say(self) -> None:
        self._report(self.progress)
