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


@contextmanager
def held() -> Iterator[None]:
    """Hold signals back, so that processes and threads begun in the block never see them.

    Ctrl-C and a batch system's SIGTERM reach every process of a command, and are for its first to
    answer. What arrives meanwhile is answered after the block.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    # Python's own helper lets signals through again once it is started.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
