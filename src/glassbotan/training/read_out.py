"""A fresh last layer that begins at the best linear read-out of the features it is given."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glassbotan.models.recurrent import RecurrentNetwork
from glassbotan.training.example import Example
from glassbotan.training.processes import ALONE, Processes
from glassbotan.training.units import Units

PENALTY = 1e-3
"""On squared weights, beside the features' mean square; keeps near-copies of a feature quiet."""


def fit_read_out(
    network: RecurrentNetwork,
    examples: Sequence[Example],
    units: Units,
    node_weight: float,
    *,
    processes: Processes = ALONE,
) -> None:
    """Set the network's last layer to the ridge regression of the targets on its last features.

    Otherwise the first hundreds of steps go to mean motions, which every time and both kinds of
    target have of their own, and the gradients of that wear down features that were lent.

    Parameters
    ----------
    network
        Its other layers are left alone.
    examples
        Training snapshots.
    units, node_weight
        Weights in the loss; see :class:`glassbotan.training.module.Training`.
    processes
        That share the snapshots; all end with the same layer.

    """
    read_out = network.decoder.out
    nodes, bonds = (_Sums(read_out.in_features + 1, len(units.nodes)) for _ in range(2))
    network.eval()
    with torch.no_grad():
        for k in range(processes.rank, len(examples), processes.number):
            example = examples[k]
            states, edge_states = network.passing(example.graph)
            nodes.add(network.decoder.perceptron(states), example.nodes)
            if example.bonds is not None and network.predicts_bonds:
                bonds.add(network.decoder.perceptron(edge_states), example.bonds)
        nodes.share(processes)
        bonds.share(processes)
        for t in range(len(units.nodes)):
            weights = (node_weight / units.nodes[t] ** 2, (1 - node_weight) / units.bonds[t] ** 2)
            solution = _solve(nodes, bonds, weights, t)
            read_out.weight[t] = solution[:-1].to(read_out.weight)
            read_out.bias[t] = solution[-1].to(read_out.bias)


class _Sums:
    """Mean products of features (and a constant) with themselves and with targets."""

    def __init__(self, size: int, n_times: int) -> None:
        self.count = torch.zeros((), dtype=torch.float64)
        self.squares = torch.zeros(size, size, dtype=torch.float64)
        self.products = torch.zeros(size, n_times, dtype=torch.float64)

    def add(self, features: Tensor, targets: Tensor) -> None:
        rows = torch.cat([features, torch.ones_like(features[:, :1])], dim=1).double()
        self.count += len(rows)
        self.squares += rows.T @ rows
        self.products += rows.T @ targets.double()

    def share(self, processes: Processes) -> None:
        """Add what the other processes have."""
        self.count = processes.total(self.count)
        self.squares, self.products = map(processes.total, (self.squares, self.products))


def _solve(nodes: _Sums, bonds: _Sums, weights: tuple[Tensor, Tensor], time: int) -> Tensor:
    squares, products = torch.zeros_like(nodes.squares), torch.zeros_like(nodes.products[:, time])
    for sums, weight in zip((nodes, bonds), weights, strict=True):
        if sums.count:
            squares += weight * sums.squares / sums.count
            products += weight * sums.products[:, time] / sums.count
    penalty = PENALTY * squares.diagonal().mean() * torch.ones_like(products)
    penalty[-1] = 0  # the constant is free
    # Not by the default driver: its pivots, and so its last bits, differ from run to run.
    solution: Tensor = torch.linalg.lstsq(
        squares + penalty.diag(), products[:, None], driver="gelsd"
    ).solution
    return solution[:, 0]
