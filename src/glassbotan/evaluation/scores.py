"""Scores of predictions against measured motion."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from glassbotan.datasets import LabelledSnapshot
from glassbotan.datasets.groups import Group, bond_groups, particle_groups
from glassbotan.dynamics import Motion
from glassbotan.dynamics.ceiling import pearson
from glassbotan.dynamics.motion import match_times
from glassbotan.errors import InputError
from glassbotan.structure.periodic import FloatArray

Values = NDArray[np.floating]
Samples = list[tuple[FloatArray, FloatArray, float]]
"""Predicted and measured values and the ceiling, of each snapshot."""


class Row(BaseModel):
    """The score of one time and one species (A, B) or species pair of bonds (AA, AB, BB).

    Attributes
    ----------
    time
        Lennard-Jones units.
    species
        Letter, or pair of letters.
    pearson_mean, pearson_sem
        Pearson correlation per snapshot: mean over snapshots and its standard error (None with
        one snapshot).
    pearson_pooled
        Pearson correlation over all snapshots' particles together.
    mse
        Mean squared error over all snapshots' particles, length^2.
    ceiling
        Noise ceiling of the correlation per snapshot, mean over snapshots; None where the labels'
        trajectories are not known.
    snapshots
        Number of snapshots.

    """

    model_config = ConfigDict(extra="forbid")
    time: float
    species: str
    pearson_mean: float | None
    pearson_sem: float | None
    pearson_pooled: float | None
    mse: float
    ceiling: float | None
    snapshots: int


class Scores(BaseModel):
    """All rows of one model."""

    model_config = ConfigDict(extra="forbid")
    model: str
    particles: list[Row]
    bonds: list[Row]
    provenance: dict[str, Any] = {}


def score(model: str, measured: Sequence[LabelledSnapshot], predicted: Sequence[Motion]) -> Scores:
    """Score predictions of the same snapshots, at every time that both sides have.

    Groups that a model leaves blank (NaN) have no row.

    Raises
    ------
    InputError
        Labels and prediction are of other bonds.

    """
    return Scores(
        model=model,
        particles=_rows(measured, predicted, _particle_values),
        bonds=_rows(measured, predicted, _bond_values),
    )


Extract = Callable[[LabelledSnapshot, Motion], tuple[list[Group], Values, Values, Any] | None]


def _particle_values(
    measured: LabelledSnapshot, predicted: Motion
) -> tuple[list[Group], Values, Values, Any] | None:
    groups = particle_groups(measured.motion.snapshot)
    ceilings = measured.particle_ceilings
    return groups, measured.motion.propensity, predicted.propensity, ceilings


def _bond_values(
    measured: LabelledSnapshot, predicted: Motion
) -> tuple[list[Group], Values, Values, Any] | None:
    if measured.motion.bond_extension is None or predicted.bond_extension is None:
        return None
    graph = predicted.graph
    if graph is None or not np.array_equal(measured.graph.edge_index, graph.edge_index):
        raise InputError(
            f"{measured.motion.source}: measured and predicted bonds are not the same; "
            "both must be of the model's graph cutoff"
        )
    groups = bond_groups(measured.graph)
    return groups, measured.motion.bond_extension, predicted.bond_extension, measured.bond_ceilings


def _rows(
    measured: Sequence[LabelledSnapshot], predicted: Sequence[Motion], extract: Extract
) -> list[Row]:
    pairs: dict[tuple[float, str], Samples] = {}
    for truth, guess in zip(measured, predicted, strict=True):
        values = extract(truth, guess)
        if values is None:
            continue
        groups, true, model, ceilings = values
        matches = match_times(truth.motion.times, guess.times)
        for t, match in enumerate(matches):
            for group in groups if match >= 0 else ():
                y, x = true[t, group.members], model[match, group.members]
                if np.isnan(x).any() or np.isnan(y).any():
                    continue
                ceiling = float(ceilings[group.name][t]) if group.name in ceilings else np.nan
                key = (float(truth.motion.times[t]), group.name)
                pairs.setdefault(key, []).append(
                    (x.astype(np.float64), y.astype(np.float64), ceiling)
                )
    return [_row(time, name, pairs[time, name]) for time, name in sorted(pairs)]


def _row(time: float, name: str, samples: Samples) -> Row:
    correlations = np.array([pearson(x, y) for x, y, _ in samples])
    x = np.concatenate([x for x, _, _ in samples])
    y = np.concatenate([y for _, y, _ in samples])
    n = len(samples)
    return Row(
        time=time,
        species=name,
        pearson_mean=_finite(float(correlations.mean())),
        pearson_sem=_finite(float(correlations.std(ddof=1) / np.sqrt(n))) if n > 1 else None,
        pearson_pooled=_finite(pearson(x, y)),
        mse=float(np.mean((x - y) ** 2)),
        ceiling=_finite(float(np.mean([c for _, _, c in samples]))),
        snapshots=n,
    )


def _finite(value: float) -> float | None:
    """Return None for NaN, which JSON cannot hold."""
    return value if np.isfinite(value) else None
