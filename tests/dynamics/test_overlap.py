"""Overlap and chi_4: limits that are known exactly, and estimates that are not biased."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi

from dynamics.gases import ballistic_gas, ensemble_of, within_errors
from glassbotan.dynamics import four_point_susceptibility, overlap, relaxation_of

OVERLAPS = st.lists(
    st.lists(st.floats(0, 1), min_size=2, max_size=5).map(np.array), min_size=2, max_size=6
)


def test_the_overlap_is_the_part_that_stayed():
    squared = np.array([[0.0, 0.08, 0.1, 4.0], [0.0, 0.0, 0.0, 0.0]])
    assert overlap(squared).tolist() == [0.5, 1.0]
    assert overlap(squared, length=0.1).tolist() == [0.25, 1.0]


@pytest.mark.parametrize("dimension", [2, 3])
def test_independent_particles_have_the_variance_of_a_binomial_distribution(dimension):
    times = np.array([0.3, 0.5, 1.0])
    ensembles = [ballistic_gas(200, dimension=dimension, times=times, seed=k) for k in range(60)]
    (found,) = relaxation_of(ensembles)
    q = chi.cdf(0.3 / (np.sqrt(0.44) * times), df=dimension)
    # A variance from so many samples is known to this part.
    part = np.sqrt(2 / (60 * 16))
    for whose in (found, *found.species):
        assert within_errors(whose.overlap, q)
        measured = whose.susceptibility
        assert np.allclose(measured.total.value, q * (1 - q), rtol=4 * part)
        assert np.allclose(measured.isoconfigurational.value, q * (1 - q), rtol=4 * part)
        assert within_errors(measured.structural, 0.0)
        assert np.allclose(measured.total.error, part * q * (1 - q), rtol=0.5)


def test_groups_that_move_together_count_as_one():
    # Twelve groups of ten: the whole group leaves with probability 0.3, or stays.
    generator = np.random.default_rng(0)
    left = generator.random((1, 4000, 12)) < 0.3
    moved = np.zeros((1, 4000, 120, 3))
    moved[..., 0] = np.repeat(left, 10, axis=2)
    (found,) = relaxation_of([ensemble_of(moved)])
    chi_4 = found.susceptibility
    assert within_errors(chi_4.isoconfigurational, 10 * 0.3 * 0.7)
    assert chi_4.isoconfigurational.error[0] < 0.1
    assert np.isnan(chi_4.total.value)  # one snapshot tells nothing of others
    assert np.isnan(chi_4.structural.value)


def test_what_the_structure_decides_is_told_from_what_chance_does():
    # Of every snapshot's particles a part of its own stays, whatever the velocities.
    generator = np.random.default_rng(1)
    mean = generator.normal(0.5, 0.05, size=(300, 1))
    overlaps = list(mean + generator.normal(0, 0.1, size=(300, 8)))
    chi_4 = four_point_susceptibility([overlaps], particles=100)
    assert within_errors(chi_4.structural, 100 * 0.05**2)
    assert within_errors(chi_4.isoconfigurational, 100 * 0.1**2)
    assert within_errors(chi_4.total, 100 * (0.05**2 + 0.1**2))
    assert chi_4.structural.error[0] < 0.2 * chi_4.structural.value[0]


def test_estimates_from_few_trajectories_are_not_biased():
    generator = np.random.default_rng(2)
    trials = 3000
    counts = (2, 3, 5)  # unequal: some trajectories ended early
    overlaps = [
        [generator.normal(0, 0.05) + generator.normal(0, 0.1, size=n) for n in counts]
        for _ in range(trials)
    ]
    chi_4 = four_point_susceptibility(overlaps, particles=1)
    for part, expected in zip(vars(chi_4).values(), (0.0125, 0.01, 0.0025), strict=True):
        error = part.value.std() / np.sqrt(trials)
        assert abs(part.value.mean() - expected) < 4 * error


@pytest.mark.parametrize("snapshots", [1, 12])
def test_the_error_of_chi_4_is_its_scatter(snapshots):
    generator = np.random.default_rng(3)
    overlaps = [list(generator.normal(size=(snapshots, 20))) for _ in range(300)]
    chi_4 = four_point_susceptibility(overlaps, particles=1).isoconfigurational
    assert np.mean(chi_4.error) == pytest.approx(chi_4.value.std(), rel=0.15)


@settings(max_examples=25, deadline=None)
@given(overlaps=OVERLAPS)
def test_both_parts_make_the_whole(overlaps):
    chi_4 = four_point_susceptibility([overlaps], particles=10)
    parts = chi_4.isoconfigurational.value + chi_4.structural.value
    assert np.allclose(chi_4.total.value, parts, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(values=st.lists(st.floats(0, 1), min_size=2, max_size=9))
def test_with_one_trajectory_a_snapshot_chi_4_is_the_plain_variance(values):
    chi_4 = four_point_susceptibility([[np.array([q]) for q in values]], particles=10)
    assert np.allclose(chi_4.total.value, 10 * np.var(values, ddof=1), atol=1e-12)
    assert np.isnan(chi_4.isoconfigurational.value)
    assert np.isnan(chi_4.structural.value)


def test_errors_need_enough_snapshots():
    generator = np.random.default_rng(4)

    def errors(*shape):
        chi_4 = four_point_susceptibility([list(generator.random(shape))], particles=1)
        return [bool(np.isfinite(part.error[0])) for part in vars(chi_4).values()]

    assert errors(1, 2) == [False, False, False]
    assert errors(1, 3) == [False, True, False]
    assert errors(2, 3) == [False, True, False]
    assert errors(3, 3) == [True, True, True]
