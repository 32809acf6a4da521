"""Random snapshots for round trips."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import glassbotan as gb

_numbers = st.floats(-100, 100, allow_nan=False, allow_subnormal=False)


@st.composite
def snapshots(draw: st.DrawFn, *, with_fields: bool = False) -> gb.Snapshot:
    """Two or three dimensions, wrapped or not, in boxes of any edges."""
    dimension = draw(st.sampled_from([2, 3]))
    # A single particle, or a flat layer of them, has no dimension that LAMMPS files could tell.
    n = draw(st.integers(2, 9))
    box = draw(npst.arrays(np.float64, dimension, elements=st.floats(0.5, 80)))
    positions = box * draw(
        npst.arrays(np.float64, (n, dimension), elements=st.floats(-2, 3, allow_subnormal=False))
    )
    if dimension == 3:
        positions[:, 2] += np.linspace(0, box[2] / 3, n) + (np.ptp(positions[:, 2]) < 1e-6)
        positions[0, 2] -= 0.01 * (np.ptp(positions[:, 2]) == 0)
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
