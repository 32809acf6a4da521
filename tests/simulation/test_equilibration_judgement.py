"""The judgement, on motion and energies that are stationary, or are known not to be."""

import numpy as np
import pytest

from glassbotan.simulation.equilibration.judgement import Judgement, judge
from glassbotan.simulation.equilibration.record import FIRST_INTERVAL, HoldRecord

Q, DT = 7.25, 0.005
SPACING = FIRST_INTERVAL * DT


def correlated(frames, lanes, correlation, random):
    """Noise [F, R] of unit variance with that correlation time, in intervals."""
    kept = np.exp(-1 / correlation)
    noise = random.standard_normal((frames, lanes))
    for k in range(1, frames):
        noise[k] = kept * noise[k - 1] + np.sqrt(1 - kept**2) * noise[k]
    return noise


def judged(
    *,
    frames=60,
    tau=6.0,
    lanes=1,
    drift=0.0,
    slowing=1.0,
    particles=600,
    seed=0,
    common_start=False,
    offset=0.0,
) -> Judgement:
    """Judge Brownian motion whose tau_alpha is so many intervals, and grows over the hold."""
    random = np.random.default_rng(seed)
    factor = np.linspace(1, slowing, frames)
    spread = np.sqrt(2 / (Q**2 * tau * factor))
    steps = spread[:, None, None, None] * random.standard_normal((frames, lanes, particles, 3))
    steps[0] = 0
    displacements = np.cumsum(steps, axis=0)
    energies = -6 + 0.01 * correlated(frames, lanes, 0.5 * tau, random)
    energies += drift * np.linspace(0, 1, frames)[:, None]
    # What was special in a start that all share.
    energies += offset * np.exp(-np.arange(frames) / tau)[:, None]
    record = HoldRecord(lanes, np.ones(particles), np.arange(particles), wave_number=Q, timestep=DT)
    for k in range(frames):
        record.add(k * FIRST_INTERVAL, displacements[k], energies[k], np.ones(lanes))
    return judge(record, (frames - 1) * SPACING, temperature=1.0, common_start=common_start)


def test_stationary_runs_are_seldom_called_anything_else():
    verdicts = [judged(seed=seed, particles=60).verdict for seed in range(30)]
    assert verdicts.count("not yet") <= 2
    assert verdicts.count("equilibrated") >= 20


def test_numbers_of_a_stationary_run():
    found = judged(particles=3000)
    assert found.verdict == "equilibrated"
    assert "no drift of the energy" in found.reason
    assert found.tau_alpha == pytest.approx(6 * SPACING, rel=0.05)
    assert found.held == pytest.approx(59 / 6, rel=0.05)
    assert found.energy == pytest.approx(-6, abs=0.01)
    assert found.tau_ratio == pytest.approx(1, abs=4 * found.tau_ratio_error)
    assert found.energy_drift.value == pytest.approx(0, abs=4 * found.energy_drift.error)
    assert "standard errors" in found.describe()


def test_a_falling_energy_is_seen():
    found = judged(drift=-0.2)
    assert found.verdict == "not yet"
    assert "the energy still falls" in found.reason
    assert found.energy_drift.value == pytest.approx(-0.1, abs=0.02)


def test_ageing_is_seen():
    found = judged(slowing=2.5, tau=3.0, particles=2000, frames=64)
    assert found.verdict == "not yet"
    assert "relaxation still gets slower" in found.reason
    assert found.tau_ratio > 1.25
    assert found.scattering_change.value > 0


def test_a_run_that_never_relaxed_is_not_equilibrated():
    found = judged(tau=500)
    assert found.verdict == "not yet"
    assert "has not fallen to 1/e" in found.reason
    assert np.isnan(found.held)
    # JSON knows no NaN.
    assert found.as_dict()["tau_alpha"] is None


@pytest.mark.parametrize("tau", [25, 40])
def test_too_short_a_hold_tells_nothing(tau):
    assert judged(tau=tau).verdict in ("cannot tell", "not yet")
    assert judged(tau=tau).verdict != "equilibrated"


def test_few_particles_tell_less_of_ageing():
    few, many = (
        np.median([judged(particles=n, seed=k).tau_ratio_error for k in range(8)]) for n in (5, 500)
    )
    assert few > 4 * many


def test_several_trajectories_tell_more_than_one():
    one, many = judged(seed=1), judged(seed=1, lanes=8)
    assert many.energy_drift.error < one.energy_drift.error
    assert many.verdict == "equilibrated"


def test_what_a_common_start_has_of_its_own_is_no_drift():
    # Its energy is off by thrice what a configuration's usually is, in all trajectories alike:
    # taken for independent ones they would prove a drift.
    settings = {"lanes": 8, "frames": 19, "tau": 6.0, "offset": 0.03, "seed": 5}
    assert abs(judged(**settings).energy_drift.z) > 3
    assert abs(judged(**settings, common_start=True).energy_drift.z) < 3
    # And one that is far off is still found out.
    settings["offset"] = 0.5
    assert judged(**settings, common_start=True).verdict == "not yet"
