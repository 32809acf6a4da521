"""A fresh last layer that begins at the best linear read-out of the features it is given."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from glassbotan.models.architecture import Preparation, Processes

if TYPE_CHECKING:
    from glassbotan.models.recurrent import RecurrentNetwork

PENALTY = 1e-3
"""On squared weights, beside the features' mean square; keeps near-copies of a feature quiet."""


def fit_read_out(network: "RecurrentNetwork", preparation: Preparation) -> None:
    """Set the network's last layer to the ridge regression of the targets on its last features.

    Otherwise the first hundreds of steps go to mean motions, which every time and every quantity
    have of their own, and the gradients of that wear down features that were lent. The network's
    other layers are left alone.
    """
    read_out, settings, processes = network.decoder.out, network.settings, preparation.processes
    n_times, examples = len(settings.times), preparation.examples
    sums = {name: _Sums(read_out.in_features + 1, n_times) for name in settings.quantities}
    network.eval()
    with torch.no_grad():
        for k in range(processes.rank, len(examples), processes.number):
            graph, targets = examples[k].graph, examples[k].targets
            for states, names in zip(network.passing(graph), network.by_states(), strict=True):
                found = [name for name in names if name in targets]
                features = network.decoder.perceptron(states) if found else states
                for name in found:
                    sums[name].add(features, targets[name])
        for name in settings.quantities:
            sums[name].share(processes)
        for k, column in enumerate(settings.columns):
            of_column = [sums[name] for name in column]
            for t in range(n_times):
                weights = [
                    preparation.weights.get(name, 0.0) / preparation.units[name][t] ** 2
                    for name in column
                ]
                solution = _solve(of_column, weights, t)
                read_out.weight[k * n_times + t] = solution[:-1].to(read_out.weight)
                read_out.bias[k * n_times + t] = solution[-1].to(read_out.bias)


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


def _solve(parts: Sequence[_Sums], weights: Sequence[Tensor], time: int) -> Tensor:
    squares = torch.zeros_like(parts[0].squares)
    products = torch.zeros_like(parts[0].products[:, time])
    for sums, weight in zip(parts, weights, strict=True):
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
