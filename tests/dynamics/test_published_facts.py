"""Facts of the published snapshots 401 and 402, measured independently of this code."""

import numpy as np
import pytest

import glassbotan as gb
from glassbotan.dynamics import (
    mean_squared_displacement,
    noise_ceiling,
    self_intermediate_scattering,
    tau_alpha,
)
from glassbotan.dynamics.propensity import displacement_lengths


@pytest.fixture(scope="module")
def ensembles(published):
    return [gb.read_ensemble(path) for path in published]


def test_time_temperature_and_box_are_known(ensembles):
    for ensemble in ensembles:
        assert ensemble.times.tolist() == [4120.0]
        assert ensemble.n_trajectories == 32
        assert ensemble.snapshot.temperature == 0.44
        assert ensemble.snapshot.box.tolist() == [15.05658] * 3


def test_graph_of_401_has_the_published_number_of_edges(labelled):
    assert 2 * len(labelled[0].bonds) == 166_240


@pytest.mark.parametrize(("index", "a", "b"), [(0, 0.375, 0.708), (1, 0.431, 0.793)])
def test_mean_propensity(labelled, index, a, b):
    motion = labelled[index].motion
    first = motion.snapshot.species == 0
    assert motion.propensity[0, first].mean() == pytest.approx(a, abs=5e-4)
    assert motion.propensity[0, ~first].mean() == pytest.approx(b, abs=5e-4)


@pytest.mark.parametrize(("index", "expected"), [(0, 0.42), (1, 0.37)])
def test_scattering_function(ensembles, index, expected):
    assert self_intermediate_scattering(ensembles[index])[0] == pytest.approx(expected, abs=5e-3)


@pytest.mark.parametrize(("index", "expected"), [(0, 0.926), (1, 0.946)])
def test_noise_ceiling_of_a(labelled, index, expected):
    assert labelled[index].ceilings["propensity"]["A"][0] == pytest.approx(expected, abs=2e-3)


def test_mean_squared_displacement_bounds_the_squared_propensity(ensembles, labelled):
    for ensemble, labels in zip(ensembles, labelled, strict=True):
        for species in (0, 1):
            chosen = ensemble.snapshot.species == species
            squared = np.mean(labels.motion.propensity[0, chosen] ** 2)
            assert mean_squared_displacement(ensemble, species=species)[0] > squared


def test_bond_extension_agrees_with_a_direct_computation(ensembles, labelled):
    ensemble, motion = ensembles[0], labelled[0].motion
    box = ensemble.snapshot.box
    final = ensemble.positions[0]
    for k in np.random.default_rng(0).integers(len(motion.bonds), size=50):
        i, j = motion.bonds.pairs[:, k]
        start = ensemble.snapshot.positions[j] - ensemble.snapshot.positions[i]
        image = box * np.round(start / box)
        now = np.linalg.norm(final[:, j] - final[:, i] - image, axis=1)
        expected = now.mean() - np.linalg.norm(start - image)
        assert motion.bond_extension[0, k] == pytest.approx(expected, abs=1e-5)


def test_ceiling_rises_with_trajectories(ensembles):
    first = ensembles[0].snapshot.species == 0
    lengths = displacement_lengths(ensembles[0])[0][:, first]
    ceilings = [noise_ceiling(lengths[:n]) for n in (4, 8, 16, 32)]
    assert ceilings == sorted(ceilings)


def test_tau_alpha_of_a_stretched_exponential():
    times = np.geomspace(1, 1e4, 41)
    scattering = 0.9 * np.exp(-((times / 300) ** 0.6))
    exact = 300 * (1 + np.log(0.9)) ** (1 / 0.6)
    assert tau_alpha(times, scattering) == pytest.approx(exact, rel=5e-3)
    assert np.isnan(tau_alpha(times[:5], scattering[:5]))
