"""Lines in a periodic picture: at both sides of the boundary, never across the picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassbotan.figures.segments import periodic_segments


def test_a_line_within_the_frame_is_drawn_once():
    lines, owners = periodic_segments(np.array([[1.0, 2.0]]), np.array([[0.5, 1.0]]), (4, 5))
    assert lines.tolist() == [[[1, 2], [1.5, 3]]]
    assert owners.tolist() == [0]


def test_a_line_that_leaves_comes_in_at_the_other_side():
    starts, vectors = np.array([[2.0, 2.0], [3.5, 4.5]]), np.array([[0.0, 0.1], [1.0, 1.0]])
    lines, owners = periodic_segments(starts, vectors, (4, 5))
    assert owners.tolist() == [0, 1, 1, 1, 1]  # through a corner: four images at most
    assert sorted(lines[owners == 1][:, 0].tolist()) == [
        [-0.5, -0.5],
        [-0.5, 4.5],
        [3.5, -0.5],
        [3.5, 4.5],
    ]


@given(
    x=st.floats(0, 3.99),
    y=st.floats(0, 4.99),
    u=st.floats(-1.5, 1.5),
    v=st.floats(-1.5, 1.5),
    along=st.floats(0, 1),
)
def test_every_point_of_a_line_is_seen_where_it_wraps_to(x, y, u, v, along):
    size = np.array([4.0, 5.0])
    start, vector = np.array([x, y]), np.array([u, v])
    lines, _ = periodic_segments(start[None], vector[None], (4, 5))
    assert np.allclose(lines[:, 1] - lines[:, 0], vector, atol=1e-12)
    seen = (start + along * vector) % size
    drawn = lines[:, 0] + along * vector
    apart = np.abs(drawn - seen)
    # The edge itself is the same place as the edge opposite.
    assert np.min(np.minimum(apart, np.abs(size - apart)).sum(axis=1)) == pytest.approx(0, abs=1e-9)
    inside = np.all((drawn >= -1e-9) & (drawn <= size + 1e-9), axis=1)
    assert inside.any()
