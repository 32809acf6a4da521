"""Standard deviations over snapshots that are looked at one after another."""

import hypothesis.strategies as st
import torch
from hypothesis import given

from glassbotan.training.units import _Spread


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.floats(-1e3, 1e3))
def test_the_spread_of_parts_is_that_of_the_whole(lengths, mean):
    generator = torch.Generator().manual_seed(sum(lengths))
    parts = [mean + torch.randn(n, 3, generator=generator).double() for n in lengths]
    spread = _Spread()
    for part in parts:
        spread.add(part)
    whole = torch.cat(parts)
    if len(whole) > 1:
        torch.testing.assert_close(spread.deviation(), whole.std(0), rtol=1e-9, atol=0)


def test_what_does_not_vary_has_a_unit_of_one():
    spread = _Spread()
    spread.add(torch.tensor([[0.3, 1.0]]))
    assert spread.deviation().tolist() == [1.0, 1.0]
    spread.add(torch.tensor([[0.3, 2.0]]))
    assert spread.deviation()[0] == 1.0
