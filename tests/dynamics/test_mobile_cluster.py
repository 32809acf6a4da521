"""The most mobile region: where the fast stand together, across the boundary too."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassbotan as gb
from conftest import random_snapshot
from glassbotan.dynamics.mobile_cluster import most_mobile_cluster


def chain(places: list[float], edge: float = 20.0) -> gb.Snapshot:
    positions = np.zeros((len(places), 3))
    positions[:, 0] = places
    return gb.Snapshot(positions, np.zeros(len(places)), [edge] * 3)


def test_a_cluster_is_found_across_the_periodic_boundary():
    #               cluster of three around 0 | pair        | slow ones
    snapshot = chain([19.0, 0.0, 1.0, 8.0, 9.0, 2.0, 7.0, 12.0, 13.0, 14.0])
    mobility = np.array([1.0, 1.0, 1.0, 9.0, 9.0, 0.1, 0.1, 0.1, 0.1, 0.1])
    found = most_mobile_cluster(snapshot, mobility, fraction=0.5, cutoff=1.35)
    assert found.tolist() == [0, 1, 2]


def test_of_equal_clusters_the_one_that_moves_farther():
    snapshot = chain([1.0, 2.0, 8.0, 9.0])
    for fast in ([0, 1], [2, 3]):
        mobility = np.ones(4)
        mobility[fast] = 2.0
        found = most_mobile_cluster(snapshot, mobility, fraction=1.0, cutoff=1.35)
        assert found.tolist() == fast


def test_the_fastest_alone_are_in_it():
    snapshot = chain([1.0, 2.0, 3.0, 4.0])
    mobility = np.array([0.0, 1.0, 2.0, 3.0])
    found = most_mobile_cluster(snapshot, mobility, fraction=0.75, cutoff=1.35)
    assert found.tolist() == [1, 2, 3]
    # One at least, however small the fraction.
    found = most_mobile_cluster(snapshot, mobility, fraction=1e-9, cutoff=1.35)
    assert found.tolist() == [3]


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1000),
    fraction=st.floats(0.02, 1.0),
    shift=st.tuples(*[st.floats(-20, 20)] * 3),
)
def test_a_shift_of_everything_changes_nothing(seed, fraction, shift):
    snapshot = random_snapshot(60, seed=seed)
    mobility = np.random.default_rng(seed).random(60)
    options = {"fraction": fraction, "cutoff": 1.0}
    found = most_mobile_cluster(snapshot, mobility, **options)
    moved = replace(snapshot, positions=snapshot.positions + np.array(shift))
    assert np.array_equal(found, most_mobile_cluster(moved, mobility, **options))
    assert np.all(np.diff(found) > 0)
    slowest = np.sort(mobility)[-max(1, round(fraction * 60))]
    assert np.all(mobility[found] >= slowest)


@pytest.mark.parametrize("fraction", [0.0, -0.1, 1.01, np.nan])
def test_no_such_fraction(fraction):
    with pytest.raises(gb.InputError, match="above 0 and up to 1"):
        most_mobile_cluster(random_snapshot(60), np.ones(60), fraction=fraction, cutoff=1.0)
