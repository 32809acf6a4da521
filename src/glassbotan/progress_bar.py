"""How far a job is, for people: a bar on a terminal, a line a minute in a log."""

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

LOGGER = logging.getLogger("glassbotan")

MINUTE = 60.0
"""Seconds between two lines in a log."""

UNCOUNTED = ("", "particle-steps")
"""Units of which people want to know the share that is done, not the number."""


class ShownProgress:
    """Tells people what it is told, with the rate and the time that is left.

    Attributes
    ----------
    text
        How far the job is, in words.

    """

    def __init__(self, bar: "RichProgress | None" = None, *, lines: bool = False) -> None:
        self.text = ""
        self._bar, self._lines = bar, lines
        self._task = None if bar is None else bar.add_task("starting", total=None)
        self._written = time.monotonic()
        self._last: float | None = None
        self._since: tuple[float, float] | None = None

    def __call__(self, done: float, total: float | None, what: str = "", /, **how: Any) -> None:
        """Show how much is done; see :class:`glassbotan.progress.Progress`."""
        now = time.monotonic()
        self.text = describe(done, total, what, rate=self._rate(done, now), **how)
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total, description=self.text)
        elif self._lines and now - self._written >= MINUTE:
            self._written = now
            LOGGER.info("%s", self.text)

    def aside(self) -> AbstractContextManager[object]:
        """Take the bar away for the block, which writes results on the same terminal."""
        return nullcontext() if self._bar is None else _hidden(self._bar)

    def _rate(self, done: float, now: float) -> float:
        """Return units of work a second since work was first told; 0 before."""
        if self._last is None or done < self._last:
            # Where a job stands when it is taken up; workers may take a while from there.
            self._since = None
        elif self._since is None:
            self._since = now, done
        self._last = done
        if self._since is None or now <= self._since[0]:
            return 0.0
        return (done - self._since[1]) / (now - self._since[0])


@contextmanager
def shown(*, lines: bool = True) -> Iterator[ShownProgress]:
    """Yield who is told how far a job is, and shows it on standard error until the block ends.

    Silent where the package's log is turned down, as by --quiet.

    Parameters
    ----------
    lines
        Whether a log, where no bar can be drawn, gets a line a minute.

    """
    if not is_drawn():
        yield ShownProgress(lines=lines)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.table import Column

    terminal = Console(stderr=True, color_system=None if os.environ.get("NO_COLOR") else "auto")
    with Progress(
        BarColumn(bar_width=min(20, terminal.width // 5)),
        # Never more than one line, also where the terminal is narrow: results stand right above.
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        console=terminal,
        transient=True,
        # Standard output may be a file or a pipe: what is written there is no business of the bar.
        redirect_stdout=False,
    ) as bar:
        yield ShownProgress(bar)


def is_drawn() -> bool:
    """Tell whether a bar is to be drawn: on a terminal that can, and not in quiet."""
    dumb = os.environ.get("TERM", "").lower() in ("dumb", "unknown")
    return sys.stderr.isatty() and not dumb and not is_quiet()


def is_quiet() -> bool:
    """Tell whether the package's log is turned down, as --quiet does."""
    return LOGGER.level > logging.INFO


def describe(
    done: float,
    total: float | None,
    what: str = "",
    *,
    unit: str = "",
    note: str = "",
    rate: float = 0.0,
    at_most: bool = False,
) -> str:
    """Return how far a job is, as in "cooling, 37 %, 1.2e+07 particle-steps/s, 2 h 10 min left".

    Parameters
    ----------
    done, total, what, unit, note, at_most
        See :class:`glassbotan.progress.Progress`.
    rate
        Units of work a second; 0 while unknown.

    """
    parts = [what] if what else []
    if unit == "B":
        parts.append(readable(done) if total is None else f"{readable(done)} of {readable(total)}")
    elif unit not in UNCOUNTED:
        whole = int(done)  # one that is half done is not done
        parts.append(f"{whole} {unit}" if total is None else f"{whole}/{total:.0f}")
    elif total and not at_most:
        parts.append(f"{100 * done / total:.3g} %")
    if rate > 0 and unit:
        parts.append(f"{readable(rate)}/s" if unit == "B" else f"{rate:.2g} {unit}/s")
    if rate > 0 and total is not None and done < total:
        limit = "at most " if at_most else ""
        parts.append(f"{limit}{duration((total - done) / rate)} left")
    if note:
        parts.append(note)
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


def readable(size: float) -> str:
    """Return a number of bytes for people: 3.2 MB."""
    value, units = size, ["B", "kB", "MB", "GB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.0f} B" if units[0] == "B" else f"{value:.1f} {units[0]}"


@contextmanager
def _hidden(bar: "RichProgress") -> Iterator[None]:
    bar.stop()
    try:
        yield
    finally:
        bar.start()
