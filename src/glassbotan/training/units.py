"""Units in which every time counts alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from glassbotan.training.example import Example


@dataclass(frozen=True, eq=False)
class Units:
    """What one unit of error is, at each time.

    Motion at tau_alpha varies ten times as much from particle to particle as vibrations do, and
    its squared errors would drown theirs a hundredfold.

    Attributes
    ----------
    nodes, bonds
        Of propensity and of bond extension, shape [T], length units.

    """

    nodes: Tensor
    bonds: Tensor

    def to(self, device: torch.device) -> "Units":
        """Return the same units on another device."""
        return Units(self.nodes.to(device), self.bonds.to(device))


def plain_units(n_times: int) -> Units:
    """Return units of 1: plain squared errors, as published."""
    return Units(torch.ones(n_times), torch.ones(n_times))


def deviations(examples: Sequence[Example]) -> Units:
    """Return the standard deviations over all particles and bonds of training snapshots."""
    nodes, bonds = _Spread(), _Spread()
    for example in examples:
        nodes.add(example.nodes)
        if example.bonds is not None:
            bonds.add(example.bonds)
    found = nodes.deviation()
    return Units(found, bonds.deviation() if bonds.count else torch.ones_like(found))


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
