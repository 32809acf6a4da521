"""How a fetch looks on a terminal: a bar with rate and remaining time for each file."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from glassbotan.cli.console import console
from glassbotan.datasets.download import Observer
from glassbotan.progress_bar import is_drawn, is_quiet

LOGGER = logging.getLogger("glassbotan")


class TerminalObserver(Observer):
    """Draws the running action as one bar, on a terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def begin(self, action: str, path: str, total: int | None, done: int = 0) -> None:
        """Put the bar of the new action in place of the last one."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        LOGGER.debug("%s %s", action, path)
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
    terminal = console(stderr=True)
    terminal.quiet = is_quiet()
    progress = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=terminal,
        transient=True,
        redirect_stdout=False,
        disable=not is_drawn(),
    )
    with progress:
        yield TerminalObserver(progress)
