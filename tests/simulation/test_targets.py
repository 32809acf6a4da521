"""Sums of targets as trajectories arrive, against averages over the whole ensemble."""

from itertools import pairwise

import numpy as np
import pytest

from conftest import random_ensemble, random_snapshot
from glassbotan.dynamics import bond_breaking, bond_extension, propensity
from glassbotan.dynamics.quantities import QUANTITIES
from glassbotan.errors import InputError
from glassbotan.simulation.targets import (
    Averages,
    averages,
    followed,
    rounded,
    stored_form,
    sums_over,
)
from glassbotan.structure import neighbour_graph


def reduced(ensemble, blocks, cutoff=2.0):
    """Averages at the first time, from sums over blocks of these sizes."""
    bonds = followed(ensemble.snapshot, cutoff)
    edges = np.cumsum([0, *blocks])
    moved = ensemble.displacements(0)
    sums = [sums_over(bonds, moved[a:b], range(a, b)) for a, b in pairwise(edges)]
    total = int(edges[-1])
    return {name: averages([one[name] for one in sums], total) for name in QUANTITIES}


def by_definition(ensemble, trajectories):
    """Each quantity over some of the trajectories, bonds once."""
    from dataclasses import replace

    part = replace(ensemble, positions=ensemble.positions[:, trajectories])
    graph = neighbour_graph(ensemble.snapshot)
    return {
        "propensity": propensity(part)[0],
        "bond_extension": bond_extension(part, graph)[0],
        "bond_breaking": bond_breaking(part)[0],
    }


@pytest.mark.parametrize("blocks", [[7], [4, 3], [1, 2, 2, 2]])
@pytest.mark.parametrize("dimension", [2, 3])
def test_are_the_ensembles_averages_errors_and_halves(dimension, blocks):
    snapshot = random_snapshot(60, dimension=dimension, edge=5.0 if dimension == 3 else 8.0)
    ensemble = random_ensemble(snapshot, trajectories=7, times=(9.0,))
    found = reduced(ensemble, blocks)
    whole = by_definition(ensemble, np.arange(7))
    even, odd = by_definition(ensemble, np.arange(0, 7, 2)), by_definition(ensemble, [1, 3, 5])
    singles = [by_definition(ensemble, [r]) for r in range(7)]
    for name in QUANTITIES:
        error = np.std([one[name] for one in singles], axis=0, ddof=1) / np.sqrt(7)
        assert np.allclose(found[name].mean, whole[name], rtol=0, atol=1e-13)
        assert np.allclose(found[name].split, even[name] - odd[name], rtol=0, atol=1e-13)
        # Where all agree, rounding leaves the root of 1e-16.
        assert np.allclose(found[name].error, error, rtol=1e-9, atol=1e-8)


def test_one_trajectory_has_no_error():
    found = reduced(random_ensemble(random_snapshot(), trajectories=1), [1])
    for name in QUANTITIES:
        assert np.isfinite(found[name].mean).all()
        assert np.isnan(found[name].error).all()
        assert np.isnan(found[name].split).all()


def test_particles_that_agree_have_no_error():
    sums = np.array([[0.3, 0.2], [0.1, 0.2], [0.1**2 + 3 * 0.1**2, 4 * 0.1**2]])
    assert np.allclose(averages([sums], 4).error, 0, atol=1e-8)


@pytest.mark.parametrize("cutoff", [1.0, float("nan"), 2.6])
def test_a_cutoff_that_makes_no_sense_is_refused(cutoff):
    with pytest.raises(InputError, match="cutoff"):
        followed(random_snapshot(), cutoff)


def test_rounding_is_to_a_power_of_two_and_keeps_blanks():
    values = np.array([0.1234567, -3.3, 0.0, np.nan])
    found = rounded(values, 1e-4)
    assert found.dtype == np.float32
    assert np.nanmax(np.abs(found - values)) <= 2.0**-15
    assert np.array_equal(found[:3] * 2**14, np.rint(values[:3] * 2**14))
    assert np.isnan(found[3])


def test_stored_errors_and_splits_keep_what_noise_leaves_of_them():
    generator = np.random.default_rng(5)
    average = Averages(*generator.normal(0.2, 0.1, (3, 500)))
    found = stored_form(average, 1e-3)
    assert np.abs(found.mean - average.mean).max() <= 2.0**-11
    assert np.abs(found.split - average.split).max() <= 2.0**-9
    np.testing.assert_allclose(found.error, average.error, rtol=1 / 32)
    assert np.isnan(stored_form(Averages(*np.full((3, 1), np.nan)), 1e-3).error).all()
