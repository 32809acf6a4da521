"""Energies and forces against a plain double loop, and the symmetries of physics."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassbotan as gb
from conftest import random_snapshot
from glassbotan.errors import InputError
from glassbotan.structure.interaction.forms.lennard_jones import LennardJones
from glassbotan.structure.potential import (
    KOB_ANDERSEN,
    KOB_ANDERSEN_CUT,
    PairPotential,
    energies_and_forces,
    interacting_pairs,
    particle_energies,
    potential_energy,
)

CUTOFFS = {(0, 0): 2.5, (0, 1): 2.0, (1, 1): 2.2}
SIGMAS = {(0, 0): 1.0, (0, 1): 0.8, (1, 1): 0.88}
EPSILONS = {(0, 0): 1.0, (0, 1): 1.5, (1, 1): 0.5}


def plain_energies_and_forces(snapshot, shift="energy"):
    """The textbook, one pair at a time, with the parameters written out again."""

    def slope_of_lennard_jones(r, epsilon, sigma):
        return -24 * epsilon * (2 * (sigma / r) ** 12 - (sigma / r) ** 6) / r

    def lennard_jones(r, epsilon, sigma):
        return 4 * epsilon * ((sigma / r) ** 12 - (sigma / r) ** 6)

    energies, forces = np.zeros(snapshot.n_particles), np.zeros_like(snapshot.positions)
    for i in range(snapshot.n_particles):
        for j in range(i):
            pair = tuple(sorted((int(snapshot.species[i]), int(snapshot.species[j]))))
            epsilon, sigma, cutoff = EPSILONS[pair], SIGMAS[pair], CUTOFFS[pair]
            vector = snapshot.positions[i] - snapshot.positions[j]
            vector -= snapshot.box * np.round(vector / snapshot.box)
            r = np.sqrt(vector @ vector)
            if r >= cutoff:
                continue
            energy = lennard_jones(r, epsilon, sigma) - lennard_jones(cutoff, epsilon, sigma)
            slope = slope_of_lennard_jones(r, epsilon, sigma)
            if shift == "force":
                at_cutoff = slope_of_lennard_jones(cutoff, epsilon, sigma)
                energy -= (r - cutoff) * at_cutoff
                slope -= at_cutoff
            energies[[i, j]] += energy / 2
            forces[i] -= slope * vector / r
            forces[j] += slope * vector / r
    return energies, forces


def crowd(dimension, seed=0, n=100):
    return random_snapshot(n, dimension=dimension, edge=5.4 if dimension == 3 else 10.0, seed=seed)


@pytest.mark.parametrize("potential", [KOB_ANDERSEN_CUT, KOB_ANDERSEN])
@pytest.mark.parametrize("dimension", [2, 3])
def test_energies_and_forces_are_those_of_the_double_loop(dimension, potential):
    snapshot = crowd(dimension)
    pairs = interacting_pairs(snapshot, potential)
    energies, forces = energies_and_forces(snapshot.positions, pairs)
    expected_energies, expected_forces = plain_energies_and_forces(snapshot, potential.shift)
    assert np.allclose(energies, expected_energies, rtol=1e-10, atol=1e-10)
    assert np.allclose(forces, expected_forces, rtol=1e-10, atol=1e-9)
    assert np.allclose(particle_energies(snapshot, potential), expected_energies)
    total = potential_energy(snapshot, potential)
    assert total == pytest.approx(expected_energies.sum(), rel=1e-12)


@pytest.mark.parametrize("potential", [KOB_ANDERSEN_CUT, KOB_ANDERSEN])
@pytest.mark.parametrize("dimension", [2, 3])
def test_forces_are_minus_the_gradient_of_the_energy(dimension, potential):
    snapshot = crowd(dimension, seed=1)
    pairs = interacting_pairs(snapshot, potential)
    forces = energies_and_forces(snapshot.positions, pairs)[1]
    for particle, axis in [(0, 0), (17, 1), (50, dimension - 1), (99, 0)]:
        ends = []
        for step in (-1e-6, 1e-6):
            positions = snapshot.positions.copy()
            positions[particle, axis] += step
            ends.append(potential_energy(replace(snapshot, positions=positions), potential))
        slope = (ends[1] - ends[0]) / 2e-6
        assert forces[particle, axis] == pytest.approx(-slope, rel=1e-5, abs=1e-4)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 1000), dimension=st.sampled_from([2, 3]), shift=st.floats(-40, 40)
)  # fmt: skip
def test_shifts_and_wraps_change_nothing_and_forces_add_up_to_zero(seed, dimension, shift):
    snapshot = crowd(dimension, seed=seed, n=60)
    images = np.random.default_rng(seed).integers(-2, 3, snapshot.positions.shape)
    moved = replace(snapshot, positions=snapshot.positions + shift + images * snapshot.box)
    energies, forces = energies_and_forces(snapshot.positions, interacting_pairs(snapshot))
    scale = np.abs(forces).max()
    again = energies_and_forces(moved.positions, interacting_pairs(moved))
    assert np.allclose(again[0], energies, atol=1e-9 * scale)
    assert np.allclose(again[1], forces, atol=1e-9 * scale)
    assert np.abs(forces.sum(axis=0)).max() < 1e-11 * scale * snapshot.n_particles


def test_two_particles_push_each_other_apart_or_together_with_equal_force():
    for distance in (0.9, 1.3):
        pair = gb.Snapshot([[0.1, 0, 0], [10.1 - distance, 0, 0]], [0, 0], [10.0] * 3)
        forces = energies_and_forces(pair.positions, interacting_pairs(pair))[1]
        assert np.array_equal(forces[0], -forces[1])
        assert (forces[0, 0] > 0) == (distance < 2 ** (1 / 6))


def test_a_list_with_skin_gives_the_same_and_stays_right_after_small_moves():
    snapshot = crowd(3, seed=3)
    pairs = interacting_pairs(snapshot, skin=0.2)
    nudge = np.random.default_rng(0).uniform(-0.05, 0.05, snapshot.positions.shape)
    moved = replace(snapshot, positions=snapshot.positions + nudge)
    fresh = energies_and_forces(moved.positions, interacting_pairs(moved))
    kept = energies_and_forces(moved.positions, pairs)
    assert np.allclose(kept[0], fresh[0])
    assert np.allclose(kept[1], fresh[1])


def test_the_energy_vanishes_at_the_cutoff_and_stays_zero_beyond():
    for pair, cutoff in CUTOFFS.items():
        for distance, expected in ((cutoff - 1e-9, 0.0), (cutoff + 1e-9, 0.0)):
            two = gb.Snapshot([[0, 0, 0], [distance, 0, 0]], pair, [10.0] * 3)
            assert potential_energy(two) == pytest.approx(expected, abs=1e-8)


def test_a_shifted_force_vanishes_at_the_cutoff_and_a_plain_one_does_not():
    for pair, cutoff in CUTOFFS.items():
        two = gb.Snapshot([[0, 0, 0], [cutoff - 1e-9, 0, 0]], pair, [10.0] * 3)
        plain, shifted = (
            energies_and_forces(two.positions, interacting_pairs(two, potential))[1]
            for potential in (KOB_ANDERSEN_CUT, KOB_ANDERSEN)
        )
        assert np.abs(shifted).max() < 1e-7
        assert plain[0, 0] > 0.01
        assert potential_energy(two, KOB_ANDERSEN) == pytest.approx(0.0, abs=1e-12)


def test_published_glass_has_the_energy_of_a_supercooled_kob_andersen_mixture(published):
    snapshot = gb.read(published[0])
    for potential, expected in ((KOB_ANDERSEN, -6.2331), (KOB_ANDERSEN_CUT, -7.0568)):
        energy = potential_energy(snapshot, potential) / snapshot.n_particles
        assert energy == pytest.approx(expected, abs=1e-3)


def test_refusals_name_what_is_wrong():
    snapshot = crowd(3)
    with pytest.raises(InputError, match=r"species 2 \(C\)"):
        potential_energy(replace(snapshot, species=snapshot.species + 1))
    with pytest.raises(InputError, match="half the shortest box edge"):
        potential_energy(random_snapshot(30, edge=4.0))
    with pytest.raises(InputError, match="overlap"):
        potential_energy(gb.Snapshot([[0, 0, 0], [0.01, 0, 0]], [0, 0], [9.0] * 3))
    one = np.ones((2, 2))
    unit = LennardJones(one, one)
    for form, options, message in (
        (LennardJones(one, 0 * one), {}, "sigma must be a positive"),
        (LennardJones(one + np.triu(one), one), {}, "epsilon must be symmetric"),
        (LennardJones(one, one, c0=np.nan), {}, "c0 must be a finite"),
        (unit, {"cutoff": np.ones((3, 3))}, r"cutoff has shape \[3, 3\]"),
        (unit, {"masses": np.ones(3)}, r"masses have shape \[3\]"),
        (unit, {"masses": np.zeros(2)}, "every mass must be a positive"),
        (unit, {"shift": "sudden"}, "shift is 'sudden'"),
    ):
        with pytest.raises(InputError, match=message):
            PairPotential(form, **{"cutoff": one, **options})
    assert KOB_ANDERSEN_CUT.n_species == 2
