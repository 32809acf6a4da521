"""The record of a hold: F_s and tau_alpha of known motion, thinning out, stops."""

import numpy as np
import pytest

from glassbotan.errors import InputError
from glassbotan.simulation.equilibration.record import FIRST_INTERVAL, MOST_INTERVALS, HoldRecord

Q, DT = 7.25, 0.005


def walk(frames, particles=400, *, lanes=1, diffusion=0.01, dimension=3, seed=0, drift=0.0):
    """Brownian displacements [F, R, N, d] at the first interval; F_s = exp(-q^2 D t)."""
    spread = np.sqrt(2 * diffusion * FIRST_INTERVAL * DT)
    steps = spread * np.random.default_rng(seed).standard_normal(
        (frames, lanes, particles, dimension)
    )
    steps[0] = 0
    return np.cumsum(steps, axis=0) + drift * np.arange(frames)[:, None, None, None]


def record_of(displacements, *, energies=None, members=None):
    _, lanes, particles, _ = displacements.shape
    record = HoldRecord(
        lanes,
        np.ones(particles),
        np.arange(particles) if members is None else members,
        wave_number=Q,
        timestep=DT,
    )
    return feed(record, displacements, energies)


def feed(record, displacements, energies=None, first=0):
    """Give the record every sample that it asks for."""
    lanes = displacements.shape[1]
    for k in range(first, len(displacements)):
        step = k * FIRST_INTERVAL
        if step % record.sampling == 0:
            energy = np.full(lanes, float(k)) if energies is None else energies[k]
            record.add(step, displacements[k], energy, 1.5 * np.ones(lanes))
    return record


@pytest.mark.parametrize("dimension", [2, 3])
def test_the_relaxation_time_of_brownian_motion(dimension):
    record = record_of(walk(400, 1000, dimension=dimension, diffusion=0.004))
    expected = 1 / (Q**2 * 0.004)
    assert record.tau_alpha() == pytest.approx(expected, rel=0.05)
    lags = record.spacing * np.arange(1, 6)
    assert record.relaxation()[:5] == pytest.approx(np.exp(-lags / expected), abs=0.03)


def test_a_wandering_centre_of_mass_is_no_relaxation():
    still = record_of(np.zeros((50, 1, 20, 3)) + np.arange(50)[:, None, None, None])
    assert still.relaxation() == pytest.approx(1)
    assert np.isnan(still.tau_alpha())
    one, other = (record_of(walk(200, drift=drift)) for drift in (0.0, 0.5))
    assert one.relaxation() == pytest.approx(other.relaxation(), abs=1e-4)


def test_only_members_count():
    moving = walk(40, 100, diffusion=0.05)
    moving[:, :, 50:] = 0
    fast, slow = (
        record_of(moving, members=members) for members in (np.arange(50), np.arange(50, 100))
    )
    assert fast.tau_alpha() < 1
    assert np.isnan(slow.tau_alpha())


def test_thinning_keeps_values_and_the_mean_energy():
    frames = 10 * MOST_INTERVALS + 1
    displacements = walk(frames, 30, diffusion=0.001, lanes=2)
    energies = np.random.default_rng(1).standard_normal((frames, 2))
    record = record_of(displacements, energies=energies)
    assert MOST_INTERVALS / 2 < record.frames <= MOST_INTERVALS + 1
    every = record.interval // FIRST_INTERVAL
    assert every == 16
    # Every number that is left is that of a record that was never thinned out.
    from glassbotan.simulation.equilibration.record import relative_to_centre, scattering

    moved = np.array([relative_to_centre(d, np.ones(30)) for d in displacements[::every]])
    for i, j in ((0, 5), (3, 30), (12, 13)):
        assert record.scattering[i, j] == pytest.approx(
            scattering(moved[j] - moved[i], Q), abs=1e-5
        )
    # Later energies are looked at less often than the first; each interval is an average of its
    # own samples.
    assert record.sampling <= 200
    assert record.energies.shape == (record.frames - 1, 2)
    last = energies[(record.frames - 2) * every + 1 : (record.frames - 1) * every + 1]
    looked = record.sampling // FIRST_INTERVAL
    assert record.energies[-1] == pytest.approx(last[looked - 1 :: looked].mean(axis=0))
    assert record.kinetic_energy == pytest.approx(1.5)


def test_a_relaxation_time_below_the_spacing_is_remembered():
    record = record_of(walk(20 * MOST_INTERVALS, 200, diffusion=0.05))
    assert record.relaxation()[0] < np.exp(-1)
    assert record.tau_alpha() == pytest.approx(1 / (Q**2 * 0.05), rel=0.1)


def test_relaxation_time_is_that_of_the_later_half():
    slowing = walk(200, 1000, diffusion=0.02)
    slowing[100:] = slowing[99] + 0.5 * (slowing[100:] - slowing[99])
    record = record_of(slowing)
    assert record.tau_alpha() == pytest.approx(4 / (Q**2 * 0.02), rel=0.1)


@pytest.mark.parametrize("moment", [1, 63, 64, 65, 200])
def test_a_stop_changes_nothing(moment):
    displacements = walk(300, 20, lanes=2)
    whole = record_of(displacements)
    first = record_of(displacements[:moment])
    second = HoldRecord(2, np.ones(20), np.arange(20), wave_number=Q, timestep=DT)
    second.restore({name: np.array(array) for name, array in first.state().items()})
    feed(second, displacements, first=moment)
    for name, array in whole.state().items():
        assert np.array_equal(array, second.state()[name], equal_nan=True), name
    assert whole.tau_alpha() == second.tau_alpha()


def test_a_state_of_other_trajectories_is_refused():
    state = record_of(walk(10, 20, lanes=2)).state()
    other = HoldRecord(3, np.ones(20), np.arange(20), wave_number=Q, timestep=DT)
    with pytest.raises(InputError, match="other trajectories"):
        other.restore(state)
    with pytest.raises(InputError, match="no record"):
        other.restore({})
