"""The stabilised integrator against equations whose solution is known."""

import numpy as np
import pytest

from glassbotan.structure.runge_kutta_chebyshev import (
    chebyshev_step,
    local_error,
    longest_step,
    stages,
)


def decay(rates, step, number, times=1):
    y = np.ones_like(rates)
    for _ in range(times):
        y = y + chebyshev_step(lambda at: -rates * at, y, -rates * y, step, number)
    return y


@pytest.mark.parametrize("number", [2, 3, 5, 12, 40])
def test_every_mode_within_reach_decays(number):
    rates = np.linspace(0, longest_step(number), 500)[1:]
    assert np.all(np.abs(decay(rates, 1.0, number)) < 1)
    assert np.abs(decay(np.array([1.3 * longest_step(number)]), 1.0, number)) > 1
    assert stages(0.999 * longest_step(number)) == number


@pytest.mark.parametrize("number", [2, 4, 9])
def test_the_error_falls_with_the_square_of_the_step(number):
    rates = np.array([0.3, 0.7, 1.0])
    errors = [
        np.abs(decay(rates, 1 / n, number, times=n) - np.exp(-rates)).max() for n in (8, 16, 32)
    ]
    assert np.allclose(np.log2(np.array(errors[:-1]) / errors[1:]), 2, atol=0.15)


def test_the_estimate_tells_the_size_of_the_error_of_one_step():
    def rate(y):
        return -(y**2)

    start, step = np.array([1.0, 0.5, 2.0]), 0.05
    moved = chebyshev_step(rate, start, rate(start), step, 3)
    error = moved - (1 / (1 / start + step) - start)
    estimate = local_error(moved, rate(start), rate(start + moved), step)
    assert np.all(np.abs(estimate) > 0.3 * np.abs(error))
    assert np.all(np.abs(estimate) < 5 * np.abs(error))
