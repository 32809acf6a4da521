"""Initial velocities are a draw of the canonical distribution with zero momentum."""

import numpy as np
import pytest

from glassbotan.simulation.velocities import maxwell_boltzmann, trajectory_seed


def draw(masses, trajectory, dimension=3, temperature=0.44):
    source = trajectory_seed(3, trajectory=trajectory)
    return maxwell_boltzmann(masses, dimension, temperature, source)


@pytest.mark.parametrize("dimension", [2, 3])
def test_momentum_is_zero_and_the_kinetic_energy_canonical(dimension):
    masses = np.random.default_rng(0).uniform(0.5, 4.0, 20)
    drawn = np.stack([draw(masses, k, dimension) for k in range(4000)])
    assert np.abs(np.einsum("n,rnd->rd", masses, drawn)).max() < 1e-12
    kinetic = 0.5 * np.einsum("n,rnd->r", masses, drawn**2)
    freedom = dimension * (len(masses) - 1)
    assert kinetic.mean() == pytest.approx(0.5 * freedom * 0.44, rel=0.01)
    assert kinetic.var() == pytest.approx(0.5 * freedom * 0.44**2, rel=0.1)
    # Every particle's own: the conditional variance is T (1 / m - 1 / M).
    expected = 0.44 * (1 / masses - 1 / masses.sum())
    assert np.allclose(drawn.var(axis=(0, 2)), expected, rtol=0.08)


def test_streams_differ_by_trajectory_snapshot_purpose_and_seed():
    states = {
        tuple(
            trajectory_seed(s, snapshot=n, trajectory=t, purpose=p).generate_state(4)
        )
        for s in (0, 1) for n in (0, 1) for t in (0, 1) for p in (0, 1)
    }  # fmt: skip
    assert len(states) == 16
    assert np.array_equal(draw(np.ones(5), 2), draw(np.ones(5), 2))
