"""What is a snapshot, and what is refused as one."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import glassbotan as gb
from glassbotan.structure import minimum_image, wrap


@pytest.mark.parametrize(
    ("positions", "species", "box", "message"),
    [
        ([[0, 0, np.nan]], [0], [9, 9, 9], r"positions\[0, 2\] is nan"),
        ([[0, np.inf, 0]], [0], [9, 9, 9], "finite"),
        ([[0, 0, 0]], [0, 1], [9, 9, 9], "one species a particle"),
        ([[0, 0, 0]], [0], [9, 9], "3 edge lengths"),
        ([[0, 0, 0]], [0], [9, 0, 9], "positive"),
        ([[0, 0, 0]], [-1], [9, 9, 9], "count from 0"),
        ([[0, 0, 0]], [0.5], [9, 9, 9], "whole numbers"),
        ([[0, 0, 0, 0]], [0], [9, 9, 9, 9], r"\[N, 2\] or \[N, 3\]"),
        ([[0, 0, 0]], [np.inf], [9, 9, 9], "whole numbers"),
        ([[0, 0, 0]], [np.nan], [9, 9, 9], "whole numbers"),
        ([[0, 0, 0]], [1e300], [9, 9, 9], "whole numbers"),
        ([[0, 0, 0]], ["A"], [9, 9, 9], "whole numbers"),
        (np.zeros((0, 3)), [], [9, 9, 9], "at least one"),
        ([["x", 0, 0]], [0], [9, 9, 9], "not numbers"),
        ([[10**400, 0, 0]], [0], [9, 9, 9], "not numbers"),
        ([[0, 0, 1e8]], [0], [9, 9, 9], "box lengths away from the origin"),
    ],
)
def test_what_is_no_configuration_is_refused(positions, species, box, message):
    with pytest.raises(gb.InputError, match=message):
        gb.Snapshot(positions, np.array(species), box, source="x")


@pytest.mark.parametrize("temperature", [0.0, -0.4, np.nan, np.inf, 10**400, "warm"])
def test_what_is_no_temperature_is_refused(temperature):
    with pytest.raises(gb.InputError, match="temperature"):
        gb.Snapshot(np.zeros((1, 3)), [0], [9.0, 9, 9], temperature=temperature)


@pytest.mark.parametrize("values", [np.float64(1.0), 1.0, np.zeros(3), np.zeros((0, 2))])
def test_a_field_has_a_row_for_every_particle(values):
    with pytest.raises(gb.InputError, match=r"x: field 'f' has shape .* each of 2 particles"):
        gb.Snapshot(np.zeros((2, 3)), [0, 1], [9.0, 9, 9], fields={"f": values}, source="x")


def test_a_field_may_be_blank_where_nothing_is_known():
    fields = {"f": np.array([np.nan, 1.0]), "g": [[1, 2], [3, 4]]}
    kept = gb.Snapshot(np.zeros((2, 3)), [0, 1], [9.0, 9, 9], fields=fields).fields
    assert {name: type(values) for name, values in kept.items()} == dict.fromkeys("fg", np.ndarray)
    assert np.array_equal(kept["f"], fields["f"], equal_nan=True)
    assert kept["g"].tolist() == fields["g"]


def test_density_and_composition():
    snapshot = gb.Snapshot(np.zeros((4, 2)), [0, 0, 0, 1], [2.0, 4.0])
    assert snapshot.density == 0.5
    assert snapshot.composition == {0: 0.75, 1: 0.25}


coordinates = st.floats(-1e3, 1e3)


@given(st.tuples(coordinates, coordinates, coordinates))
@example((0.0, -1e-17, -5e-324))
def test_wrapping_keeps_the_point_and_lands_in_the_box(point):
    box = np.array([1.0, 7.3, 15.05658])
    folded = wrap(np.array([point]), box)
    assert np.all((folded >= 0) & (folded < box))
    images = (np.array([point]) - folded) / box
    assert np.allclose(images, np.rint(images), atol=1e-9)


@given(st.tuples(coordinates, coordinates))
def test_minimum_image_is_the_shortest(vector):
    box = np.array([3.0, 5.0])
    shortest = minimum_image(np.array(vector), box)
    assert np.all(np.abs(shortest) <= box / 2 + 1e-9)
