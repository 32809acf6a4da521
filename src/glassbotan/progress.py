"""How far a long job is, told in one way by every room; progress_bar.py shows it."""

from typing import Any, Protocol


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


def silent(*_: object, **__: object) -> None:
    """Tell nobody."""


def part(
    whole: Progress, first: float, last: float, total: float | None, unit: str = ""
) -> Progress:
    """Return who is told how far a stretch of a job is, and tells it as a share of the whole.

    Parameters
    ----------
    whole
        Who is told how far the whole is.
    first, last
        What is done of the whole when the stretch begins and ends.
    total, unit
        Of the whole.

    """

    def tell(done: float, of: float | None, what: str = "", /, **how: Any) -> None:
        share = done / of if of else 0.0
        whole(first + share * (last - first), total, what, **{**how, "unit": unit})

    return tell
