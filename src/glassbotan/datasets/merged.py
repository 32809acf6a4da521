"""Labels of the same snapshots that lie in several files, each with times of its own."""

from collections.abc import Iterable, Sequence
from functools import reduce
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glassbotan.datasets.labelled import Ceilings, LabelledSnapshot, load_labelled
from glassbotan.dynamics import Motion
from glassbotan.dynamics.motion import match_times, values_on
from glassbotan.errors import InputError
from glassbotan.io.options import BoxOption
from glassbotan.structure.snapshot import fingerprint

Values = NDArray[np.floating]


def load_all_labelled(
    paths: Iterable[str | Path],
    *,
    cutoff: float = 2.0,
    box: BoxOption = None,
    any_cutoff: bool = False,
) -> list[LabelledSnapshot]:
    """Read files with labels; those of one configuration become one snapshot with all their times.

    Parameters
    ----------
    paths, cutoff, box, any_cutoff
        As in :func:`glassbotan.datasets.load_labelled`.

    Returns
    -------
    list of LabelledSnapshot
        In the order in which their first files came.

    Raises
    ------
    InputError
        A file cannot be read, or two hold the same snapshot at the same time.

    """
    return merged(
        [load_labelled(path, cutoff=cutoff, box=box, any_cutoff=any_cutoff) for path in paths]
    )


def merged(labels: Sequence[LabelledSnapshot]) -> list[LabelledSnapshot]:
    """Join labels of one configuration; see :func:`load_all_labelled`."""
    groups: dict[str, list[LabelledSnapshot]] = {}
    for one in labels:
        groups.setdefault(fingerprint(one.motion.snapshot), []).append(one)
    return [reduce(_join, group) for group in groups.values()]


def _join(one: LabelledSnapshot, other: LabelledSnapshot) -> LabelledSnapshot:
    a, b = one.motion, other.motion
    for time, match in zip(b.times, match_times(b.times, a.times), strict=True):
        if match >= 0:
            raise InputError(
                f"{b.source}: holds the same snapshot as {a.source} at the same time, "
                f"t = {time:g}; leave one of the two out"
            )
    order = np.argsort(np.concatenate([a.times, b.times]))
    # The bonds that both have are those of the shorter cutoff.
    bonds = min(one.bonds, other.bonds, key=lambda bonds: bonds.cutoff)
    both = [name for name in a.values if name in b.values]
    lengths = len(a.times), len(b.times)
    motion = Motion(
        a.snapshot,
        np.concatenate([a.times, b.times])[order],
        {
            name: _in_order(values_on(bonds, a, name), values_on(bonds, b, name), order)
            for name in both
        },
        bonds,
        f"{a.source} and {b.source}",
        {
            name: np.concatenate([a.errors[name], b.errors[name]])[order]
            for name in both
            if name in a.errors and name in b.errors
        },
    )
    ceilings = {
        name: _ceilings(one.ceilings.get(name, {}), other.ceilings.get(name, {}), lengths, order)
        for name in both
    }
    return LabelledSnapshot(motion, ceilings)


def _in_order(one: Values | None, other: Values | None, order: NDArray[np.intp]) -> Values:
    assert one is not None
    assert other is not None
    return np.concatenate([one, other])[order]


def _ceilings(
    one: Ceilings, other: Ceilings, lengths: tuple[int, int], order: NDArray[np.intp]
) -> Ceilings:
    """Return the ceilings of both; NaN where they are not known."""
    return {
        name: np.concatenate(
            [
                part.get(name, np.full(length, np.nan))
                for part, length in zip((one, other), lengths, strict=True)
            ]
        )[order]
        for name in {**one, **other}
    }
