"""How far a simulation is: a bar on a terminal, else a line a minute."""

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from glassbotan.simulation.progress import Progress, Report

LOGGER = logging.getLogger("glassbotan")

MINUTE = 60.0


class Measured(Protocol):
    """Anything of which a part is done."""

    @property
    def done(self) -> int:
        """How much is done."""

    @property
    def total(self) -> int:
        """How much there is to do."""


Some = TypeVar("Some", bound=Measured)


@contextmanager
def meter() -> "Iterator[Report]":
    """Yield the function that is told how far a campaign is; silent with --quiet."""
    with shown(describe) as report:
        yield report


@contextmanager
def shown(say: "Callable[[Some], str]") -> "Iterator[Callable[[Some], None]]":
    """Yield a function that is told how far something is, and shows it as ``say`` says it."""
    from rich.console import Console

    terminal = Console(stderr=True)
    if not LOGGER.isEnabledFor(logging.INFO):
        yield lambda progress: None  # noqa: ARG005 - --quiet
    elif terminal.is_terminal and not terminal.is_dumb_terminal:
        with _bar(terminal, say) as report:
            yield report
    else:
        yield _lines(say)


def describe(progress: "Progress") -> str:
    """Return how far a campaign is, as in "37 %, 1.2e+07 particle-steps/s, 2 h 10 min left"."""
    parts = [f"{100 * progress.done / progress.total:.3g} %"]
    if progress.rate > 0:
        parts.append(f"{progress.rate:.2g} particle-steps/s")
    if progress.seconds_left is not None and progress.done < progress.total:
        parts.append(f"{duration(progress.seconds_left)} left")
    parts.append(f"{progress.finished} of {progress.snapshots} snapshots finished")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """Return seconds in the two units that tell most: 2 d 4 h, 2 h 10 min, 3 min, 20 s."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


@contextmanager
def _bar(terminal: "Console", say: "Callable[[Some], str]") -> "Iterator[Callable[[Some], None]]":
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(bar_width=20), TextColumn("{task.description}", markup=False))
    with Bar(*columns, console=terminal, transient=True, redirect_stdout=False) as bar:
        task = bar.add_task("starting", total=None)

        def report(progress: Some) -> None:
            bar.update(
                task,
                completed=progress.done,
                total=progress.total,
                description=say(progress),
            )

        yield report


def _lines(say: "Callable[[Some], str]") -> "Callable[[Some], None]":
    last = time.monotonic()

    def report(progress: Some) -> None:
        nonlocal last
        if time.monotonic() - last >= MINUTE:
            last = time.monotonic()
            LOGGER.info("%s", say(progress))

    return report
