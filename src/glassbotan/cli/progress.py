"""How far a long command is, at what rate, and how long it will still take."""

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from glassbotan.cli.volume import is_quiet

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn


class Bar:
    """What a running command tells how far it is; draws nothing where nothing is shown."""

    def __init__(self, progress: "Progress | None", doing: str) -> None:
        self._progress = progress
        self._task = None if progress is None else progress.add_task(doing, total=None)

    def __call__(self, done: float, total: float, doing: str | None = None) -> None:
        """Say how many are done, of how many, and where it changes, what is done now."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=done, total=total, description=doing)

    def aside(self) -> AbstractContextManager[object]:
        """Take the bar away for the block, which writes results on the same terminal."""
        return nullcontext() if self._progress is None else _hidden(self._progress)


@contextmanager
def progress(doing: str, *, unit: str = "snapshots") -> Iterator[Bar]:
    """Show a bar on a terminal's standard error; nothing elsewhere, or with --quiet.

    Yields the function that is told how many are done and how many there are.
    """
    if not is_shown():
        yield Bar(None, doing)
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.table import Column

    from glassbotan.cli.console import console

    with Progress(
        # Never more than one line, also where the terminal is narrow: results stand right above.
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(bar_width=None),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        _rate_column(unit),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
        console=console(stderr=True),
        transient=True,
        # Standard output may be a file or a pipe: what is written there is no business of the bar.
        redirect_stdout=False,
    ) as shown:
        yield Bar(shown, doing)


def is_shown() -> bool:
    """Tell whether a bar is to be drawn: on a terminal that can, and without --quiet."""
    dumb = os.environ.get("TERM", "").lower() in ("dumb", "unknown")
    return sys.stderr.isatty() and not dumb and not is_quiet()


@contextmanager
def _hidden(progress: "Progress") -> Iterator[None]:
    progress.stop()
    try:
        yield
    finally:
        progress.start()


def _rate_column(unit: str) -> "ProgressColumn":
    from rich.progress import ProgressColumn, Task
    from rich.table import Column
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.speed or 0
            figures = f"{speed:.2g}" if speed < 10 else f"{speed:.0f}"
            return Text(f"{figures} {unit}/s" if speed else "")

    return Rate(table_column=Column(no_wrap=True))
