"""Random snapshots for round trips, and what is done with damaged files."""

from collections.abc import Callable

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import glassbotan as gb
from glassbotan.errors import InputError
from glassbotan.structure import minimum_image

harmless = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
"""For examples that go through files in one temporary folder."""


def complaint(job: Callable[[], object]) -> str | None:
    """Return the one-line message of a job that is refused; None if it is done."""
    try:
        job()
    except InputError as error:
        return str(error)
    return None


_numbers = st.floats(-100, 100, allow_nan=False, allow_subnormal=False)


@st.composite
def snapshots(draw: st.DrawFn, *, with_fields: bool = False) -> gb.Snapshot:
    """Two or three dimensions, wrapped or not, in boxes of any edges."""
    dimension = draw(st.sampled_from([2, 3]))
    n = draw(st.integers(2, 9))
    box = draw(npst.arrays(np.float64, dimension, elements=st.floats(0.5, 80)))
    positions = box * draw(
        npst.arrays(np.float64, (n, dimension), elements=st.floats(-2, 3, allow_subnormal=False))
    )
    for axis in range(dimension):
        # A layer or a heap of particles has no dimension that a file could tell.
        if np.ptp(minimum_image(positions, box)[:, axis]) < 1e-3 * box[axis]:
            positions[:, axis] = np.linspace(0, 0.4 * box[axis], n)
    fields = {}
    if with_fields:
        fields = {
            "charge": draw(npst.arrays(np.float64, n, elements=_numbers)),
            "velocity": draw(npst.arrays(np.float64, (n, dimension), elements=_numbers)),
            "molecule": draw(npst.arrays(np.int64, n, elements=st.integers(-5, 10**9))),
        }
    return gb.Snapshot(
        positions=positions,
        species=draw(npst.arrays(np.int64, n, elements=st.integers(0, 3))),
        box=box,
        fields=fields,
        temperature=draw(st.none() | st.floats(0.01, 10)),
    )
