"""Values with errors: the jackknife against formulas, and how they are written."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from glassbotan.dynamics.estimate import concise, jackknife_error, leave_one_out

SAMPLES = arrays(float, st.tuples(st.integers(2, 12), st.just(2)), elements=st.floats(-9, 9))


@settings(max_examples=25, deadline=None)
@given(samples=SAMPLES)
def test_the_jackknife_of_a_mean_is_the_usual_standard_error(samples):
    expected = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    assert np.allclose(jackknife_error(leave_one_out(samples)), expected)


@settings(max_examples=25, deadline=None)
@given(samples=SAMPLES)
def test_leaving_one_out_is_the_mean_of_the_others(samples):
    for k, mean in enumerate(leave_one_out(samples)):
        assert np.allclose(mean, np.delete(samples, k, axis=0).mean(axis=0))


def test_the_jackknife_of_a_ratio_covers_its_scatter():
    generator = np.random.default_rng(0)

    def ratio(means):
        return means[..., 0] / means[..., 1]

    trials = generator.normal([2.0, 5.0], [0.5, 1.0], size=(400, 30, 2))
    errors = [jackknife_error(ratio(leave_one_out(trial))) for trial in trials]
    assert np.mean(errors) == pytest.approx(np.std(ratio(trials.mean(axis=1))), rel=0.1)


def test_one_sample_has_no_error():
    assert np.isnan(jackknife_error(np.ones(1)))
    assert np.isnan(jackknife_error(np.array([1.0, np.nan])))


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.75123, 0.0032, "0.7512(32)"),
        (0.75123, np.nan, "0.7512"),
        (1.0, 0.0, "1"),
        (1.0, 1e-17, "1"),
        (-8.7e-19, 8.1e-19, "0"),
        (-3e-20, np.nan, "0"),
        (2.5e-7, np.nan, "2.5e-07"),
        (0.00013136, 1.23e-7, "0.00013136(12)"),
        (4123.4, 61.2, "4123(61)"),
        (-0.021, 0.5, "-0.02(50)"),
        (0.5, 0.0999, "0.50(10)"),
        (np.nan, np.nan, "-"),
    ],
)
def test_errors_stand_in_brackets(value, error, text):
    assert concise(value, error) == text
