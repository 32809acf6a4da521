"""The path of steepest descent: against solutions that are known, and as physics."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import glassbotan as gb
from conftest import random_snapshot
from glassbotan.errors import InputError
from glassbotan.structure import verlet_list
from glassbotan.structure.descent import DURATIONS, TOLERANCE, descent_path, largest_curvature
from glassbotan.structure.inherent import inherent_structure
from glassbotan.structure.potential import (
    KOB_ANDERSEN,
    KOB_ANDERSEN_CUT,
    energies_and_forces,
    interacting_pairs,
    potential_energy,
)


@cache
def minimum(dimension):
    n, edge = (230, 5.8) if dimension == 3 else (100, 9.0)
    return inherent_structure(random_snapshot(n, dimension=dimension, edge=edge), method="fire")


def warm(dimension, *, amplitude=0.05, seed=1):
    """As thermal vibration would have it, near enough."""
    cold = minimum(dimension)
    noise = np.random.default_rng(seed).normal(scale=amplitude, size=cold.positions.shape)
    return replace(cold, positions=cold.positions + noise)


def moved(snapshot, displacement):
    return replace(snapshot, positions=snapshot.positions + displacement)


def rms(vectors):
    return np.sqrt(np.mean(np.sum(vectors**2, axis=-1), axis=-1))


def fourth_order(snapshot, durations, step):
    """The classical Runge-Kutta method with steps that resolve the stiffest contact."""
    pairs = interacting_pairs(snapshot, skin=0.4)

    def forces(at):
        return energies_and_forces(at, pairs)[1]

    positions, path, tau = snapshot.positions, [], 0.0
    for end in durations:
        number = int(np.ceil((end - tau) / step))
        h = (end - tau) / number
        for _ in range(number):
            a = forces(positions)
            b = forces(positions + h / 2 * a)
            c = forces(positions + h / 2 * b)
            d = forces(positions + h * c)
            positions = positions + h / 6 * (a + 2 * b + 2 * c + d)
        path.append(positions - snapshot.positions)
        tau = end
    return np.array(path)


@pytest.mark.parametrize("dimension", [2, 3])
def test_is_the_path_that_many_small_steps_take(dimension):
    glass = warm(dimension)
    path, expected = descent_path(glass), fourth_order(glass, DURATIONS, 5e-5)
    assert np.all(rms(path - expected) < TOLERANCE * rms(expected))


@pytest.mark.slow
def test_is_the_path_of_a_published_glass(published):
    glass = gb.read(published[0])
    path, expected = descent_path(glass), fourth_order(glass, DURATIONS, 1e-4)
    assert np.all(rms(path - expected) < 0.01 * rms(expected))


@pytest.mark.parametrize("dimension", [2, 3])
def test_energy_falls_all_the_way(dimension):
    glass = warm(dimension)
    path = descent_path(glass, durations=np.geomspace(1e-4, 1, 12))
    energies = [potential_energy(glass)] + [potential_energy(moved(glass, u)) for u in path]
    assert np.all(np.diff(energies) < 0)


def test_a_pair_near_its_minimum_relaxes_exponentially():
    closest, stretch = 2 ** (1 / 6), 1e-4
    pair = gb.Snapshot([[9.9, 0, 0], [9.9 + closest + stretch, 0, 0]], [0, 0], [10.0] * 3)
    curvature = 72 / closest**2  # V'' at the minimum; both ends give way
    durations = np.array([0.001, 0.005, 0.01, 0.03])
    path = descent_path(pair, KOB_ANDERSEN_CUT, durations=durations)
    expected = 0.5 * stretch * (1 - np.exp(-2 * curvature * durations))
    assert np.allclose(path[:, 0, 0], expected, rtol=0.01)
    assert np.allclose(path[:, 1, 0], -expected, rtol=0.01)
    assert not path[:, :, 1:].any()


@pytest.mark.parametrize("dimension", [2, 3])
def test_ends_in_the_inherent_structure(dimension):
    glass = warm(dimension, amplitude=0.02)
    to_minimum = inherent_structure(glass, method="fire").positions - glass.positions
    path = descent_path(glass, durations=[0.02, 0.2, 2.0, 20.0])
    # Steepest descent leaves the centre of mass where it is, as FIRE does.
    left = rms(path - to_minimum) / rms(to_minimum)
    assert np.all(np.diff(left) < 0)
    assert left[-1] < 0.02


def test_a_minimum_stays_where_it_is():
    assert np.abs(descent_path(minimum(2))).max() < 1e-7


def test_turns_and_is_numbered_as_the_snapshot():
    glass = warm(3)
    path = descent_path(glass)
    order = np.random.default_rng(2).permutation(glass.n_particles)
    turned = gb.Snapshot(
        glass.positions[order][:, [2, 0, 1]] * [1, -1, 1], glass.species[order], glass.box
    )
    assert np.allclose(
        descent_path(turned), path[:, order][:, :, [2, 0, 1]] * [1, -1, 1], atol=1e-9
    )


def test_knows_no_origin_and_no_image():
    glass = warm(2)
    images = np.random.default_rng(3).integers(-2, 3, glass.positions.shape) * glass.box
    elsewhere = moved(glass, images + [0.7, -3.1])
    assert np.allclose(descent_path(elsewhere), descent_path(glass), atol=1e-9)


def test_pairs_are_listed_anew_before_they_are_missed(monkeypatch):
    glass = warm(3)
    expected = descent_path(glass, durations=[0.05])
    lists = []

    def listed(*arguments, **options):
        lists.append(interacting_pairs(*arguments, **options))
        return lists[-1]

    monkeypatch.setattr(verlet_list, "SKIN", 0.05)
    monkeypatch.setattr(verlet_list, "interacting_pairs", listed)
    assert np.allclose(descent_path(glass, durations=[0.05]), expected, atol=1e-6)
    assert len(lists) > 2


@pytest.mark.parametrize("dimension", [2, 3])
def test_the_largest_curvature_is_a_bound_and_no_loose_one(dimension):
    glass = warm(dimension)
    pairs = interacting_pairs(glass, skin=0.1)
    forces = lambda at: energies_and_forces(at, pairs)[1]
    vector = np.random.default_rng(4).normal(size=glass.positions.shape)
    for _ in range(100):
        vector /= np.linalg.norm(vector)
        nudge = 1e-5 * vector
        image = (forces(glass.positions - nudge) - forces(glass.positions + nudge)) / 2e-5
        largest, vector = float(np.vdot(vector, image)), image
    assert largest < largest_curvature(glass.positions, pairs) < 2.5 * largest


def test_refusals_name_what_is_wrong():
    glass = warm(3)
    for durations in ([], [0.0, 0.1], [0.2, 0.1], [0.1, np.inf], [[0.1]]):
        with pytest.raises(InputError, match="positive and increase"):
            descent_path(glass, durations=durations)
    with pytest.raises(InputError, match="species 2"):
        descent_path(replace(glass, species=glass.species + 1))
    with pytest.raises(InputError, match="overlap"):
        descent_path(gb.Snapshot([[0, 0, 0], [0.01, 0, 0]], [0, 0], [9.0] * 3))
    with pytest.raises(InputError, match="half the shortest box edge"):
        descent_path(gb.Snapshot([[0, 0, 0], [1, 0, 0]], [0, 0], [4.0] * 3))


def test_particles_that_nearly_overlap_are_parted():
    pair = gb.Snapshot([[0, 0, 0], [0.31, 0, 0]], [0, 0], [9.0] * 3)
    path = descent_path(pair, KOB_ANDERSEN)
    distance = 0.31 + path[:, 1, 0] - path[:, 0, 0]
    assert np.all(np.diff(distance) > 0)
    assert 0.8 < distance[0] < distance[-1] < 1.2
