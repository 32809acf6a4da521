"""Motion: its error is as valid as its propensity; bonds of one cutoff as those of another."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glassbotan as gb
from conftest import random_ensemble, random_snapshot
from glassbotan.dynamics import Bonds, Motion, motion_of
from glassbotan.dynamics.motion import values_on
from glassbotan.structure import neighbour_graph

SNAPSHOT = random_snapshot(50)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (np.ones((2, 49)), r"net: propensity_error has shape \[2, 49\].*particles\] = \[2, 50\]"),
        (np.ones(50), "propensity_error has shape"),
        (np.full((2, 50), -0.1), "finite and not negative"),
        (np.full((2, 50), np.inf), "finite and not negative"),
        (np.full((2, 50), np.nan), "finite and not negative"),
    ],
)
def test_errors_that_are_none_are_refused(error, message):
    values = np.ones((2, 50))
    values[0, 3] = np.nan
    with pytest.raises(gb.InputError, match=message):
        Motion(
            SNAPSHOT,
            np.array([1.0, 2.0]),
            {"propensity": values},
            source="net",
            errors={"propensity": error},
        )


def test_an_error_may_be_blank_where_the_propensity_is_and_nowhere_else():
    values, error = np.ones((1, 50)), np.zeros((1, 50))
    values[0, 7] = error[0, 7] = np.nan
    assert Motion(SNAPSHOT, np.array([1.0]), {"propensity": values}, errors={"propensity": error})
    error[0, 8] = np.nan
    with pytest.raises(gb.InputError, match="wherever the propensity is known"):
        Motion(SNAPSHOT, np.array([1.0]), {"propensity": values}, errors={"propensity": error})


@given(cutoffs=st.tuples(st.floats(0.8, 2.4), st.floats(0.8, 2.4)))
def test_extensions_move_to_the_bonds_of_another_cutoff(cutoffs):
    ensemble = random_ensemble(SNAPSHOT, times=(1.0, 10.0))
    own, other = (neighbour_graph(SNAPSHOT, cutoff) for cutoff in cutoffs)
    found = values_on(Bonds.of(other), motion_of(ensemble, own), "bond_extension")
    expected = motion_of(ensemble, other).bond_extension
    common = Bonds.of(other).distances < own.cutoff
    assert np.allclose(found[:, common], expected[:, common], atol=1e-12)
    assert np.isnan(found[:, ~common]).all()


def test_without_bonds_there_is_no_extension():
    motion = motion_of(random_ensemble(SNAPSHOT))
    bonds = Bonds.up_to(SNAPSHOT, 2.0)
    assert values_on(bonds, motion, "bond_extension") is None
    bonded = dataclasses.replace(motion, bonds=bonds)
    assert values_on(bonds, bonded, "bond_extension") is None
