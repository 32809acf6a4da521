"""The one time that a picture is of."""

import math

import numpy as np

from glassbotan.dynamics.motion import match_times
from glassbotan.errors import InputError
from glassbotan.structure.periodic import FloatArray


def choose_time(times: FloatArray, wanted: float | None, owner: str) -> int:
    """Return the index of a wanted time (to 3 %) among those of ``owner``; by default the longest.

    Raises
    ------
    InputError
        It is none of them; names those that there are.

    """
    if wanted is None:
        return len(times) - 1
    match = match_times(np.array([wanted]), times)[0] if math.isfinite(wanted) else -1
    if match < 0:
        known = ", ".join(f"{t:g}" for t in times)
        raise InputError(f"{owner}: has t = {known}, not t = {wanted:g}")
    return match
