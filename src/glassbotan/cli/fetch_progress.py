"""How a fetch looks on a terminal: a bar with rate and remaining time for each file."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from glassbotan.datasets.download import Observer


class TerminalObserver(Observer):
    """Draws the running action as one bar; where there is no terminal, writes a line for it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def begin(self, action: str, path: str, total: int | None, done: int = 0) -> None:
        """Put the bar of the new action in place of the last one."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        if not self._progress.console.is_terminal:
            self.note(f"{action} {path}")  # a log shows no bar
        self._task = self._progress.add_task(f"{action} {path}", total=total, completed=done)

    def advance(self, size: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._progress.advance(self._task, size)

    def note(self, line: str) -> None:
        """Write a line above the bar."""
        self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def shown_progress() -> Iterator[TerminalObserver]:
    """Yield an observer that draws on standard error until the end of the block.

    It keeps silent where the command line was asked to be quiet.
    """
    quiet = logging.getLogger("glassbotan").level > logging.INFO
    terminal = Console(stderr=True, quiet=quiet)
    progress = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=terminal,
        transient=True,
        disable=not terminal.is_terminal,
    )
    with progress:
        yield TerminalObserver(progress)
