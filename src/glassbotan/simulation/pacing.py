"""Long runs in slices, between which progress is told, checkpoints are written and runs stop."""

import time
from collections.abc import Callable
from typing import Protocol

from glassbotan.errors import RunError

SLICE = 0.5
"""Seconds of computing between two looks at whether to stop."""

FIRST_SLICE = 20
"""Steps before the first look, when the engine's speed is not known yet."""


class BlownUpError(RunError):
    """The engine gave up on its trajectories."""


class StoppedError(Exception):
    """The run was asked to stop; its checkpoint is written."""


class Steppable(Protocol):
    """What goes on step by step: a run, or several together."""

    @property
    def step(self) -> int:
        """The number of steps done."""

    def advance(self, steps: int) -> None:
        """Take a number of steps."""


class Pacer:
    """Takes runs forward in slices of about half a second.

    Parameters
    ----------
    tell
        Called after a slice, about twice a second, to say how far it is.
    stop
        Asked after every slice; once it is true, a checkpoint is written and the run ends.
    save
        Writes the checkpoint.
    interval
        Seconds between checkpoints.

    """

    def __init__(
        self,
        *,
        tell: Callable[[], object] = lambda: None,
        stop: Callable[[], bool] = lambda: False,
        save: Callable[[], None] = lambda: None,
        interval: float = float("inf"),
    ) -> None:
        self._tell, self._stop, self._save, self._interval = tell, stop, save, interval
        self._slice, self._told = FIRST_SLICE, -float("inf")
        self._saved = time.monotonic()

    def advance(
        self, run: Steppable, step: int, *, reached: Callable[[], None] = lambda: None
    ) -> None:
        """Take a run to a step.

        Parameters
        ----------
        run
            What goes on.
        step
            Where to, from here on.
        reached
            Called at that step, before a checkpoint of it may be written.

        Raises
        ------
        BlownUpError
            The engine gave up.
        StoppedError
            It was asked to stop, perhaps right after ``reached``.

        """
        while run.step < step:
            todo = min(self._slice, step - run.step)
            began = time.perf_counter()
            try:
                run.advance(todo)
            except RunError as error:
                raise BlownUpError(str(error)) from None
            elapsed = max(time.perf_counter() - began, 1e-6)
            # Never far from the last one: a slice may have been disturbed. And none is chosen by
            # a slice that ended before its time.
            if todo == self._slice or elapsed > SLICE:
                self._slice = max(1, min(int(todo * SLICE / elapsed), 4 * self._slice))
            if run.step >= step:
                reached()
            self._pause()

    def _pause(self) -> None:
        now = time.monotonic()
        if now - self._told >= SLICE:
            self._told = now
            self._tell()
        stopping = self._stop()
        if stopping or now - self._saved > self._interval:
            self._save()
            self._saved = time.monotonic()
        if stopping:
            raise StoppedError
