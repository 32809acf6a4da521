"""Averages over made-up ensembles, against formulas."""

import numpy as np
import pytest

import glassbotan as gb
from conftest import random_ensemble, random_snapshot
from glassbotan.dynamics import (
    Bonds,
    bond_extension,
    mean_squared_displacement,
    motion_of,
    noise_ceiling,
    propensity,
    self_intermediate_scattering,
)
from glassbotan.dynamics.motion import match_times


@pytest.mark.parametrize("dimension", [2, 3])
def test_ballistic_flight_has_known_averages(dimension):
    snapshot = random_snapshot(40, dimension=dimension)
    speeds = np.linspace(0.1, 0.4, 40)
    direction = np.eye(dimension)[0]
    times = np.array([1.0, 2.0])
    moved = times[:, None, None] * speeds[None, :, None] * direction
    ensemble = gb.IsoconfigurationalEnsemble(snapshot, times, (snapshot.positions + moved)[:, None])
    assert np.allclose(propensity(ensemble), times[:, None] * speeds)
    first = snapshot.species == 0
    assert np.allclose(mean_squared_displacement(ensemble), times**2 * np.mean(speeds[first] ** 2))


@pytest.mark.parametrize("dimension", [2, 3])
def test_gaussian_displacements_have_a_gaussian_scattering_function(dimension):
    snapshot = random_snapshot(2000, dimension=dimension, edge=60.0)
    ensemble = random_ensemble(snapshot, trajectories=20, times=(0.5, 1.0, 2.0))
    q = 4.0
    expected = np.exp(-(q**2) * 0.1**2 * ensemble.times / 2)
    assert np.allclose(self_intermediate_scattering(ensemble, wave_number=q), expected, atol=5e-3)


@pytest.mark.parametrize("dimension", [2, 3])
def test_bond_extension_of_uniform_dilation(dimension):
    snapshot = random_snapshot(30, dimension=dimension, edge=8.0)
    graph = gb.neighbour_graph(snapshot, 2.0)
    bonds = Bonds.of(graph)
    inside = np.abs(np.diff(snapshot.positions[bonds.pairs], axis=0)[0]).max(1) < 4.0
    ensemble = gb.IsoconfigurationalEnsemble(
        snapshot, np.array([1.0]), 1.1 * snapshot.positions[None, None]
    )
    extension = bond_extension(ensemble, graph)[0]
    assert np.allclose(extension[inside], 0.1 * bonds.distances[inside])


def test_a_rigid_translation_moves_particles_and_no_bond():
    snapshot = random_snapshot(50)
    graph = gb.neighbour_graph(snapshot)
    ensemble = gb.IsoconfigurationalEnsemble(
        snapshot, np.array([1.0]), (snapshot.positions + [9.0, 0.0, 0.0])[None, None]
    )
    motion = motion_of(ensemble, graph)
    assert np.allclose(motion.propensity, 9.0)
    assert np.allclose(motion.bond_extension, 0.0, atol=1e-12)


def test_noise_ceiling_is_the_correlation_that_the_truth_reaches():
    generator = np.random.default_rng(0)
    truth = generator.normal(size=5000)
    samples = truth + 3.0 * generator.normal(size=(16, 5000))
    reached = np.corrcoef(truth, samples.mean(0))[0, 1]
    assert noise_ceiling(samples) == pytest.approx(reached, abs=0.01)


def test_noise_ceiling_of_one_trajectory_is_unknown_and_of_pure_noise_is_low():
    generator = np.random.default_rng(0)
    assert np.isnan(noise_ceiling(generator.normal(size=(1, 100))))
    assert noise_ceiling(generator.normal(size=(16, 5000))) < 0.25


def test_times_that_are_rounded_differently_match():
    assert match_times(np.array([0.132, 4120.0, 7.0]), np.array([0.13, 1.3, 4120.0])) == [0, 2, -1]


@pytest.mark.parametrize(
    ("times", "shape", "message"),
    [
        ([1.0, 1.0], (2, 3, 10, 3), "increase"),
        ([1.0], (1, 3, 9, 3), "expected"),
        ([1.0], (1, 0, 10, 3), "expected"),
        ([1.0], (3, 10, 3), "expected"),
    ],
)
def test_what_is_no_ensemble_is_refused(times, shape, message):
    with pytest.raises(gb.InputError, match=message):
        gb.IsoconfigurationalEnsemble(random_snapshot(10), np.array(times), np.zeros(shape))


def test_positions_that_are_not_finite_are_refused():
    snapshot = random_snapshot(10)
    positions = np.repeat(snapshot.positions[None, None], 2, axis=1)
    positions[0, 1, 3, 0] = np.inf
    with pytest.raises(gb.InputError, match="not finite"):
        gb.IsoconfigurationalEnsemble(snapshot, np.array([1.0]), positions)
