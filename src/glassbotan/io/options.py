"""What a reader may be told about a file, and the few checks that all readers share."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np

from glassbotan.errors import InputError
from glassbotan.structure.periodic import FloatArray

BoxOption = float | Sequence[float] | FloatArray | None
Frame = TypeVar("Frame")


@dataclass(frozen=True)
class ReadOptions:
    """What the caller knows better than the file.

    Attributes
    ----------
    box
        Edge lengths, or one for all; None takes the file's own.
    species
        Species (0 = A, 1 = B, ...) by the symbol or type that stands in the file.
    frame
        Which frame of a trajectory, counted from 0, or from the end if negative.
    times
        Of trajectories or of a motion, shape [T]; None takes the file's own.
    format
        The file's, a name of ``FORMATS``; None finds it out.

    """

    box: BoxOption = None
    species: Mapping[str, int] | None = None
    frame: int = -1
    times: FloatArray | None = None
    format: str | None = None


PLAIN = ReadOptions()
"""The caller knows nothing better."""


def given_box(box: BoxOption, dimension: int, source: str) -> FloatArray:
    """Return a box option as edge lengths, shape [dimension].

    Raises
    ------
    InputError
        It is neither one number nor one a dimension, or an edge is not positive.

    """
    try:
        edges = np.atleast_1d(np.asarray(box, dtype=np.float64))
    except (TypeError, ValueError):
        raise InputError(f"{source}: the box {box!r} is not made of numbers") from None
    if edges.shape == (1,):
        edges = np.repeat(edges, dimension)
    if edges.shape != (dimension,):
        raise InputError(
            f"{source}: the box {edges.tolist()} must be one edge length or "
            f"{dimension} of them, for this configuration has {dimension} dimensions"
        )
    if not np.all(np.isfinite(edges)) or np.any(edges <= 0):
        raise InputError(f"{source}: box edge lengths {edges.tolist()} must all be positive")
    return edges


def pick_frame(frames: Iterable[Frame], frame: int, source: str) -> Frame:
    """Return one of many frames while holding no more than are needed to count from the end."""
    if frame >= 0:
        chosen = next(islice(frames, frame, None), None)
        kept = [] if chosen is None else [chosen]
    else:
        kept = list(deque(frames, maxlen=-frame))
        kept = kept[:1] if len(kept) == -frame else []
    if not kept:
        raise InputError(f"{source}: has no frame {frame}; frames count from 0, or -1 from the end")
    return kept[0]
