"""Requests to stop, heard between two slices of computing."""

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

LOGGER = logging.getLogger("glassbotan")

PATIENCE = 1.0
"""Seconds in which a signal that is repeated says nothing new."""


class Signals:
    """Counts requests to stop; the second ends everything at once."""

    def __init__(self) -> None:
        self.seen = 0
        self._first = 0.0

    def __call__(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a handler's
        """Take note of a signal, as its handler."""
        if self.seen and time.monotonic() - self._first < PATIENCE:
            # Some programs send a signal to a process and then to its group.
            return
        self.seen += 1
        if self.seen > 1:
            raise KeyboardInterrupt
        self._first = time.monotonic()
        LOGGER.info("stopping; once more to stop at once")


@contextmanager
def listening() -> Iterator[Signals]:
    """Count SIGINT and SIGTERM for the block, where this thread may listen to signals."""
    signals = Signals()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    before = {number: signal.signal(number, signals) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
