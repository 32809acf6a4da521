"""How far a long job is, told in one way by every room; progress_bar.py shows it."""

from typing import Protocol


class Progress(Protocol):
    """Who is told how far a job is, and works out its rate and the time that is left."""

    def __call__(
        self,
        done: float,
        total: float | None,
        what: str = "",
        /,
        *,
        unit: str = "",
        note: str = "",
        at_most: bool = False,
    ) -> object:
        """Say how much is done.

        Parameters
        ----------
        done, total
            In units of work, those of earlier runs included; the total is None while unknown. Who
            goes back (lost work, another file) is measured anew.
        what
            What is being done.
        unit
            Of done and total, such as "snapshots", "particle-steps" or "B" (bytes); empty where
            they are mere shares.
        note
            What else is worth saying now.
        at_most
            Whether the total is an upper limit.

        """


def silent(
    done: float,
    total: float | None,
    what: str = "",
    /,
    *,
    unit: str = "",
    note: str = "",
    at_most: bool = False,
) -> None:
    """Tell nobody."""


class Part:
    """A stretch of a job, which is told as a share of the whole.

    Parameters
    ----------
    whole
        Who is told how far the whole is.
    first, last
        What is done of the whole when the stretch begins and ends.
    total
        Of the whole; None while unknown.
    unit
        Of the whole.

    """

    def __init__(
        self, whole: Progress, first: float, last: float, total: float | None, unit: str = ""
    ) -> None:
        self._whole, self._first, self._last = whole, first, last
        self._total, self._unit = total, unit

    def __call__(
        self,
        done: float,
        total: float | None,
        what: str = "",
        /,
        *,
        unit: str = "",  # noqa: ARG002 - that of the whole stands
        note: str = "",
        at_most: bool = False,
    ) -> None:
        """Say how much of the stretch is done."""
        share = done / total if total else 0.0
        now = self._first + share * (self._last - self._first)
        self._whole(now, self._total, what, unit=self._unit, note=note, at_most=at_most)
