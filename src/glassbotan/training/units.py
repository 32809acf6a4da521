"""Units in which every time counts alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from glassbotan.models.recurrent import RecurrentNetwork
from glassbotan.training.data import Example


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
    nodes = _deviation([example.nodes for example in examples])
    bonds = [example.bonds for example in examples if example.bonds is not None]
    return Units(nodes, _deviation(bonds) if bonds else torch.ones_like(nodes))


def _deviation(values: Sequence[Tensor]) -> Tensor:
    # Numbers that are all the same have no spread, and need no unit.
    spread = torch.cat(list(values)).double().std(0)
    return torch.where(spread > 0, spread, 1.0).to(values[0].dtype)


def scale_outputs(network: RecurrentNetwork, factors: Tensor) -> None:
    """Multiply what a network predicts by a factor for each time, shape [T].

    The network's last layer is linear, so that no other layer need know in which units it is
    trained.
    """
    read_out = network.decoder.out
    with torch.no_grad():
        read_out.weight.mul_(factors.to(read_out.weight)[:, None])
        read_out.bias.mul_(factors.to(read_out.bias))
