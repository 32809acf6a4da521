"""What the caged network knows of its training snapshots before the first step."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from glassbotan.models.caged.inputs import CagedTensors
from glassbotan.models.example import Example
from glassbotan.models.ridge import cross_fitted_ridge
from glassbotan.structure.periodic import FloatArray

if TYPE_CHECKING:
    from glassbotan.models.caged.network import CagedNetwork

FOLDS = 5
"""Of the baseline's cross-validation: what it tells of a training snapshot must be as good as what
it tells of a new one, or the messages learn to trust it too much."""

N_SPECIES = 2
N_PAIRS = 2 * N_SPECIES - 1
"""Kinds of bonds, by the sum of their species: AA, AB, BB."""

ALPHAS = tuple(float(alpha) for alpha in 10.0 ** np.arange(1.5, 5.1, 0.5))
"""Penalties among which cross-validation chooses."""

LONE_ALPHA = (3e3,)
"""The penalty for a single training snapshot, from which none can be held out."""

SMALLEST_SPREAD = 1e-9
"""Columns that vary less do not count."""

COVERAGE = 0.9
"""Probability with which an interval is to hold the measured propensity."""
BINS = 20
"""Of the predicted propensity, in each of which the errors' quantile is taken."""


def alphas_for(n_snapshots: int) -> tuple[float, ...]:
    """Return the penalties to choose from: one alone where no snapshot can be held out."""
    return ALPHAS if n_snapshots > 1 else LONE_ALPHA


def fit_constants(network: "CagedNetwork", examples: Sequence[Example]) -> None:
    """Set means, spreads, baseline and errors from the training snapshots.

    Every example's ``graph.fold`` says from which of the baselines it was kept. They become the
    network's buffers; its weights are left alone.
    """
    graphs = [_caged(example) for example in examples]
    values = [_joined(example, network.settings.of("particles")) for example in examples]
    columns = [torch.cat([g.scalars, g.averages], 1) for g in graphs]
    with torch.no_grad():
        for species in _present(graphs):
            mean, spread = _moments(
                [c[g.species == species] for c, g in zip(columns, graphs, strict=True)]
            )
            network.column_mean[species] = mean
            # What never varies is divided by so much that it vanishes.
            network.column_spread[species] = torch.where(spread > SMALLEST_SPREAD, spread, 1e9)
            targets = [v[g.species == species] for v, g in zip(values, graphs, strict=True)]
            network.spread[species] = _unless_zero(_moments(targets)[1])
        squares = torch.stack([g.vectors.square().sum(2).mean(0) for g in graphs]).mean(0)
        network.vector_size.copy_(_unless_zero((squares / graphs[0].vectors.shape[2]).sqrt()))
        bonds = torch.cat([g.bond_scalars for g in graphs])
        network.bond_mean.copy_(bonds.mean(0))
        network.bond_spread.copy_(_unless_zero(bonds.std(0)))
        _fit_bonds(network, examples, graphs)
        _fit_baseline(network, values, graphs)
        _fit_errors(network, values, graphs)


def _present(graphs: Sequence[CagedTensors]) -> list[int]:
    """Return the species that there are; constants of others stay as they are."""
    return sorted({int(s) for g in graphs for s in g.species.tolist()})


def _unless_zero(spread: Tensor) -> Tensor:
    """Return what to divide by: 1 where nothing varies."""
    return torch.where(spread > SMALLEST_SPREAD, spread, 1.0)


def _joined(example: Example, names: Sequence[str]) -> Tensor:
    """Return the targets of several quantities side by side, shape [N or E, K T]."""
    return torch.cat([example.targets[name] for name in names], 1)


def _caged(example: Example) -> CagedTensors:
    assert isinstance(example.graph, CagedTensors)
    return example.graph


def _moments(parts: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return the mean over all rows, and the standard deviation about each part's own mean."""
    every = torch.cat(list(parts)).double()
    within = torch.cat([part.double() - part.double().mean(0) for part in parts])
    return every.mean(0).to(parts[0]), within.square().mean(0).sqrt().to(parts[0])


def _fit_bonds(
    network: "CagedNetwork", examples: Sequence[Example], graphs: Sequence[CagedTensors]
) -> None:
    """Set mean and spread of what bonds do, for each pair of species."""
    names = network.settings.of("bonds")
    if not names or any(name not in e.targets for e in examples for name in names):
        return
    values = [_joined(example, names) for example in examples]
    for pair in range(N_PAIRS):
        every = torch.cat(
            [
                v[g.species[g.senders] + g.species[g.receivers] == pair]
                for v, g in zip(values, graphs, strict=True)
            ]
        )
        if len(every) > 1:
            network.extension_mean[pair] = every.mean(0)
            network.extension_spread[pair] = every.std(0)


def _fit_baseline(
    network: "CagedNetwork", values: Sequence[Tensor], graphs: Sequence[CagedTensors]
) -> None:
    for species in _present(graphs):
        having = [k for k, g in enumerate(graphs) if (g.species == species).any()]
        folds = np.array([int(graphs[k].fold) for k in having])
        groups = []
        for k in having:
            members = graphs[k].species == species
            columns = network.columns(graphs[k])[members]
            groups.append((_numbers(columns), _numbers(values[k][members])))
        fitted = cross_fitted_ridge(groups, folds, FOLDS, alphas_for(len(groups)))
        network.slopes[:, species] = torch.from_numpy(fitted.slopes).to(network.slopes)
        network.intercepts[:, species] = torch.from_numpy(fitted.intercepts).to(network.slopes)


def _fit_errors(
    network: "CagedNetwork", values: Sequence[Tensor], graphs: Sequence[CagedTensors]
) -> None:
    """Set how wide the 90 % interval is, from the baseline's errors on snapshots held out."""
    predicted = [network.baseline(g, network.columns(g)) for g in graphs]
    for species in _present(graphs):
        members = [g.species == species for g in graphs]
        told = _numbers(torch.cat([p[m] for p, m in zip(predicted, members, strict=True)]))
        true = _numbers(torch.cat([v[m] for v, m in zip(values, members, strict=True)]))
        for t in range(told.shape[1]):
            line = _quantile_line(told[:, t], np.abs(true[:, t] - told[:, t]))
            network.error[species, t] = torch.tensor(line).to(network.error)


def _quantile_line(predicted: FloatArray, errors: FloatArray) -> tuple[float, float, float]:
    """Return constant, slope and least value of the errors' quantile against the prediction.

    The quantile is taken in bins of equally many predictions, and a line drawn through them that
    nowhere falls with the prediction, nor below the lowest of the bins.
    """
    order = np.array_split(np.argsort(predicted), BINS)
    centres = np.array([predicted[part].mean() for part in order if len(part)])
    quantiles = np.array([np.quantile(errors[part], COVERAGE) for part in order if len(part)])
    slope = 0.0
    if np.ptp(centres) > 0:
        slope = max(float(np.polyfit(centres, quantiles, 1)[0]), 0.0)
    constant = float(np.quantile(errors - slope * predicted, COVERAGE))
    return constant, slope, float(quantiles.min())


def _numbers(values: Tensor) -> FloatArray:
    return values.double().cpu().numpy()
