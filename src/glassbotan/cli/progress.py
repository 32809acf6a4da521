"""How far a long command is, at what rate, and how long it will still take."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Task
    from rich.text import Text


@contextmanager
def progress(doing: str, *, unit: str = "snapshots") -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal's standard error; nothing elsewhere, or with --quiet.

    Yields the function that is told how many are done and how many there are.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: "Task") -> "Text":
            return Text(f"{task.speed:.2g} {unit}/s" if task.speed else "")

    terminal = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
        console=terminal,
        transient=True,
        disable=not terminal.is_terminal or quiet(),
    ) as bar:
        task = bar.add_task(doing, total=None)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield tell


def quiet() -> bool:
    """Tell whether --quiet was given."""
    return logging.getLogger("glassbotan").getEffectiveLevel() > logging.INFO
