"""Units in which every time counts alike."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from glassbotan.models.example import Example

Units = dict[str, Tensor]
"""What one unit of error is: of each quantity at each time, shape [T]."""


def deviations(examples: Iterable[Example], quantities: Sequence[str]) -> Units:
    """Return the standard deviations over all particles and bonds of training snapshots.

    Motion at tau_alpha varies ten times as much from particle to particle as vibrations do, and
    its squared errors would drown theirs a hundredfold. 1 for what the labels do not tell.
    """
    spreads = {name: _Spread() for name in quantities}
    ones = torch.ones(1)
    for example in examples:
        for name, values in example.targets.items():
            spreads[name].add(values)
            ones = torch.ones_like(values[0])
    return {name: s.deviation() if s.count else ones for name, s in spreads.items()}


class _Spread:
    """Mean and squared deviations of numbers that come in parts, shape [..., T].

    Chan, Golub, LeVeque, Am. Stat. 37, 242 (1983), eq. 2.1.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean = self.squares = torch.zeros(1, dtype=torch.float64)
        self.precision = torch.float32

    def add(self, values: Tensor) -> None:
        self.precision = values.dtype
        count, mean = len(values), values.double().mean(0)
        total, shift = self.count + count, mean - self.mean
        squares = (values.double() - mean).square().sum(0)
        self.squares = self.squares + squares + shift.square() * (self.count * count / total)
        self.mean = self.mean + shift * (count / total)
        self.count = total

    def deviation(self) -> Tensor:
        # Numbers that are all the same have no spread, and need no unit.
        spread = (self.squares / (self.count - 1)).sqrt()
        return torch.where(spread > 0, spread, 1.0).to(self.precision)
