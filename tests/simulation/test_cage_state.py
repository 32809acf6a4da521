"""The cage state: statistics against their definitions, and sampling as physics."""

from dataclasses import replace

import numpy as np
import pytest

import glassbotan as gb
from conftest import Told
from glassbotan.errors import InputError
from glassbotan.simulation import cage_state, engines
from glassbotan.simulation.cage_state import CageRecipe, CageState, sample_cage_state
from glassbotan.simulation.cage_statistics import PairSums, ParticleSums
from glassbotan.simulation.cages import Cages
from glassbotan.simulation.engine import Task
from glassbotan.simulation.ensemble_engine import EnsembleRun
from glassbotan.structure.graph import unordered_pairs
from glassbotan.structure.potential import KOB_ANDERSEN, energies_and_forces, interacting_pairs
from simulation.glasses import small_glass

built = pytest.mark.skipif(
    engines.available()["ensemble"] is not None,
    reason="the ensemble engine was not built (no C++ compiler)",
)

SHORT = CageRecipe(0.44, 0.5, replicas=4, burn_in=0.2, duration=1.0, pair_interval=0.2)


def off_centre_start(dimension, *, scale=0.04):
    """A glass that is not at its walls' middles, and the middles."""
    glass = small_glass(dimension)
    noise = np.random.default_rng(1).normal(scale=scale, size=glass.positions.shape)
    return replace(glass, positions=glass.positions + noise), glass.positions


def frames(snapshot, centres, recipe):
    """The configurations that are sampled, kept: displacements [M, R, N, d]."""
    task = Task(
        snapshot,
        KOB_ANDERSEN,
        recipe.dynamics,
        tuple(range(recipe.replicas)),
        cages=Cages(centres, recipe.radius, recipe.stiffness),
    )
    run = EnsembleRun(task)
    run.advance(round(recipe.burn_in / recipe.timestep))
    kept = []
    for _ in range(round(recipe.duration / recipe.interval)):
        run.advance(round(recipe.interval / recipe.timestep))
        kept.append(run.displacements())
    return np.array(kept)


@built
@pytest.mark.parametrize("dimension", [2, 3])
def test_averages_are_those_of_the_frames(dimension):
    glass, centres = off_centre_start(dimension)
    recipe = replace(SHORT, temperature=1.0, radius=0.15)
    pairs, vectors = unordered_pairs(glass, 2.0)
    far = np.abs(glass.positions[pairs[1]] - glass.positions[pairs[0]]) > 0.5 * glass.box
    assert far.any()  # some pairs reach through the boundary
    state = sample_cage_state(glass, centres, recipe, pairs=pairs)

    raw = frames(glass, centres, recipe)
    moved = raw - raw.mean(axis=2, keepdims=True)  # all masses are the same
    samples = moved.reshape(-1, *glass.positions.shape)
    assert np.allclose(state.displacement, samples.mean(axis=0), atol=1e-6)
    for k, half in enumerate((moved[:, :2], moved[:, 2:])):
        assert np.allclose(state.displacement_of_halves[k], half.mean(axis=(0, 1)), atol=1e-6)
        length = np.linalg.norm(half, axis=-1).mean(axis=(0, 1))
        assert np.allclose(state.length_of_halves[k], length, atol=1e-6)
    assert np.allclose(state.length, np.linalg.norm(samples, axis=-1).mean(axis=0), atol=1e-6)
    for i in range(0, glass.n_particles, 7):
        expected = np.cov(samples[:, i].T, bias=True)
        assert np.allclose(state.covariance[i], expected, atol=1e-7)
    off = np.linalg.norm(raw + glass.positions - centres, axis=-1)
    assert np.allclose(state.off_centre, off.mean(axis=(0, 1)), atol=1e-6)
    assert np.allclose(state.contact, (off > 0.15).mean(axis=(0, 1)), atol=1e-9)
    assert 0.01 < state.contact.mean() < 0.6

    between = vectors + raw[1::2][:, :, pairs[1]] - raw[1::2][:, :, pairs[0]]
    distance = np.linalg.norm(between, axis=-1).reshape(-1, pairs.shape[1])
    assert np.allclose(state.pair_distance, distance.mean(axis=0), atol=1e-6)
    assert np.allclose(state.pair_deviation, distance.std(axis=0), atol=1e-6)


def hessian(glass):
    """Second derivatives of the energy, [Nd, Nd], by differences of forces."""
    pairs, step = interacting_pairs(glass, skin=0.01), 1e-5
    n = glass.positions.size
    found = np.empty((n, n))
    for k in range(n):
        nudge = np.zeros(n)
        nudge[k] = step
        nudge = nudge.reshape(glass.positions.shape)
        up, down = (
            energies_and_forces(glass.positions + sign * nudge, pairs)[1] for sign in (1, -1)
        )
        found[k] = (down - up).ravel() / (2 * step)
    return 0.5 * (found + found.T)


@built
def test_a_cold_glass_fluctuates_as_its_hessian_says():
    # Colder than any real one: its minimum is a parabola there.
    glass, temperature = small_glass(2), 1e-5
    recipe = CageRecipe(
        temperature, 0.5, replicas=32, burn_in=20.0, duration=150.0, timestep=0.01, interval=0.2
    )
    state = sample_cage_state(glass, glass.positions, recipe, seed=4)
    # The centre of mass, which nothing holds, is no part of either.
    response = np.linalg.pinv(hessian(glass), rcond=1e-6, hermitian=True)
    expected = temperature * np.array(
        [response[k : k + 2, k : k + 2] for k in range(0, len(response), 2)]
    )
    assert not state.contact.any()
    found = np.trace(state.covariance, axis1=1, axis2=2)
    wanted = np.trace(expected, axis1=1, axis2=2)
    assert found.mean() == pytest.approx(wanted.mean(), rel=0.02)
    assert np.corrcoef(found, wanted)[0, 1] > 0.995
    scale = np.sqrt(np.mean(expected**2))
    assert np.sqrt(np.mean((state.covariance - expected) ** 2)) < 0.1 * scale


@built
def test_walls_hold_a_liquid():
    glass = small_glass(3)
    hot = CageRecipe(1.5, 0.3, replicas=2, burn_in=1.0, duration=10.0)
    state = sample_cage_state(glass, glass.positions, hot)
    # A particle is sqrt(2 T / k) = 0.12 beyond where the wall's energy is T.
    assert state.off_centre.max() < 0.45
    assert np.linalg.norm(state.displacement, axis=1).max() < 0.4
    assert 0.05 < state.contact.mean() < 0.7
    wide = sample_cage_state(glass, glass.positions, replace(hot, radius=0.5))
    assert wide.off_centre.mean() > state.off_centre.mean()


@built
def test_the_seed_decides_and_threads_do_not():
    glass, centres = off_centre_start(3)
    pairs = unordered_pairs(glass, 1.4)[0]
    recipe = replace(SHORT, replicas=16, duration=0.4)
    one, two, other = (
        sample_cage_state(glass, centres, recipe, pairs=pairs, seed=seed, threads=threads)
        for seed, threads in ((3, 1), (3, 2), (4, 1))
    )
    for name in CageState.__dataclass_fields__:
        assert np.array_equal(getattr(one, name), getattr(two, name)), name
        assert not np.array_equal(getattr(one, name), getattr(other, name)) or name == "contact"


@built
def test_halves_agree_the_better_the_longer():
    glass = small_glass(2)
    cold, apart = replace(SHORT, temperature=1e-5), []
    for duration in (1.0, 32.0):
        state = sample_cage_state(glass, glass.positions, replace(cold, duration=duration), seed=2)
        first, second = state.displacement_of_halves
        apart.append(np.sqrt(np.mean((first - second) ** 2)))
        assert np.allclose(state.displacement, 0.5 * (first + second))
    assert apart[1] < 0.5 * apart[0]


@built
def test_progress_is_told_to_the_end():
    glass = small_glass(2)
    told = Told()
    sample_cage_state(glass, glass.positions, SHORT, progress=told)
    assert told[-1][:2] == (120, 120)
    assert [done for done, *_ in told] == sorted({done for done, *_ in told})


def test_sums_keep_digits_far_from_the_middle():
    generator = np.random.default_rng(5)
    centres, small = np.full((3, 3), 0.7), 1e-3
    sums = ParticleSums(centres, 0.5, np.ones(3))
    frames = centres + small * generator.normal(size=(50, 4, 3, 3))
    for frame in frames:
        sums.add(frame)
    left = frames - frames.mean(axis=2, keepdims=True)
    expected = np.cov(left[:, :, 0].reshape(-1, 3).T, bias=True)
    assert np.allclose(sums.covariance()[0], expected, atol=1e-4 * small**2)


def test_pairs_are_followed_across_the_boundary():
    glass = gb.Snapshot([[0.1, 5, 5], [9.9, 5, 5], [25.2, -5, 5]], [0, 0, 0], [10.0] * 3)
    sums = PairSums(glass, np.array([[0, 0], [1, 2]]))
    moved = np.zeros((3, 2, 3), dtype=np.float32)  # [d, R, N]
    moved[0, 0, 1], moved[0, 1, 1] = -0.3, 0.1
    sums.add(moved)
    assert np.allclose(sums.distance(), [(0.5 + 0.1) / 2, 4.9], atol=1e-6)
    assert np.allclose(sums.deviation(), [0.2, 0.0], atol=1e-6)


def test_recipes_that_make_no_sense_are_refused():
    for changes, message in (
        ({"radius": 0.0}, "the radius is 0.0"),
        ({"stiffness": float("nan")}, "the stiffness is nan"),
        ({"duration": "long"}, "the duration is 'long'"),
        ({"burn_in": -1.0}, "the burn_in is -1.0"),
        ({"replicas": 3}, "3 replicas"),
        ({"replicas": 0}, "0 replicas"),
        ({"temperature": -0.4}, "the temperature is -0.4"),
        ({"damping": 0.001}, "the damping time is 0.001"),
        ({"interval": 0.015}, "the interval is 0.015; it must be a multiple of 0.01"),
        ({"pair_interval": 0.25}, "the pair_interval is 0.25; it must be a multiple of 0.1"),
        ({"duration": 0.55}, "the duration is 0.55; it must be a multiple of 0.1"),
        ({"pair_interval": 2.0}, "longer than the duration"),
    ):
        with pytest.raises(InputError, match=message):
            replace(SHORT, **changes)


@built
def test_what_is_not_of_the_snapshot_is_refused():
    glass = small_glass(2)
    with pytest.raises(InputError, match=r"centres of cages have shape \[4, 2\]"):
        sample_cage_state(glass, np.zeros((4, 2)), SHORT)
    for pairs in (np.zeros((3, 2), int), np.array([[0], [90]]), np.array([[0.0], [1.0]])):
        with pytest.raises(InputError, match="indices of particles, 0 to 89"):
            sample_cage_state(glass, glass.positions, SHORT, pairs=pairs)
    with pytest.raises(InputError, match="two different particles"):
        sample_cage_state(glass, glass.positions, SHORT, pairs=np.array([[3], [3]]))
    with pytest.raises(InputError, match="seed is -1"):
        sample_cage_state(glass, glass.positions, SHORT, seed=-1)
    with pytest.raises(InputError, match="threads is 0"):
        sample_cage_state(glass, glass.positions, SHORT, threads=0)
    with pytest.raises(InputError, match="would move a particle"):
        sample_cage_state(glass, glass.positions, replace(SHORT, temperature=1e4))


def test_without_the_engine_the_plain_form_gives_the_same_numbers(monkeypatch, caplog):
    glass = small_glass(2)
    recipe = CageRecipe(0.3, 0.3, replicas=2, burn_in=0.0, duration=0.2, pair_interval=0.2)
    fast = sample_cage_state(glass, glass.positions, recipe)
    monkeypatch.setattr(cage_state.ensemble_engine.native, "load", lambda: None)
    plain = sample_cage_state(glass, glass.positions, recipe)
    assert "was not built" in caplog.text
    np.testing.assert_allclose(plain.displacement, fast.displacement, atol=1e-4)
    np.testing.assert_allclose(plain.length, fast.length, atol=1e-4)
    assert fast.length.mean() > 0.01
