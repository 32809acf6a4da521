"""Times as whole numbers of timesteps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassbotan.errors import InputError
from glassbotan.simulation import log_times
from glassbotan.simulation.times import steps_at


def test_published_times_are_whole_numbers_of_the_usual_timestep():
    times = [0.13, 1.3, 13, 130, 412, 1300, 4120]
    assert steps_at(times, 0.005).tolist() == [26, 260, 2600, 26_000, 82_400, 260_000, 824_000]


@given(
    first=st.floats(0.005, 10), decades=st.floats(0.1, 5), per_decade=st.integers(1, 30),
    timestep=st.sampled_from([0.001, 0.0033, 0.005]),
)  # fmt: skip
def test_log_times_are_steps_evenly_spaced_in_the_logarithm(first, decades, per_decade, timestep):
    last = first * 10**decades
    times = log_times(first, last, per_decade, timestep=timestep)
    steps = steps_at(times, timestep)
    assert np.array_equal(steps * timestep, times)
    # Whole intervals, told by the ends: 25 a decade over 0.1 decades are 2 or 3 by rounding alone.
    intervals = max(round(per_decade * np.log10(last / first)), 1)
    wanted = np.geomspace(first, last, intervals + 1)
    assert all(np.abs(times - time).min() <= 0.51 * timestep for time in wanted[wanted > timestep])
    assert len(times) <= len(wanted)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0, 1), "from 0 to 1"), ((2, 1), "must be positive and increase"), ((1, 2, 0), "at least 1")],
)
def test_senseless_times_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        log_times(*arguments)
