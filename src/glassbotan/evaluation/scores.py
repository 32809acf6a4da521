"""Scores of predictions against measured motion, by quantity."""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from glassbotan.datasets import LabelledSnapshot
from glassbotan.datasets.groups import groups_of_motion
from glassbotan.dynamics import Motion
from glassbotan.dynamics.ceiling import pearson
from glassbotan.dynamics.motion import match_times
from glassbotan.dynamics.quantities import QUANTITIES, quantity
from glassbotan.errors import InputError
from glassbotan.evaluation.bonds import as_measured, too_few_bonds
from glassbotan.structure.periodic import FloatArray

LOGGER = logging.getLogger("glassbotan")

Values = NDArray[np.floating]


class _Sample(NamedTuple):
    """One group of one snapshot at one time: values of shape [X]."""

    predicted: FloatArray
    measured: FloatArray
    error: Values | None
    ceiling: float


Samples = dict[int, _Sample]
"""By number of the snapshot."""


FORM: Final = 3
"""Counts up when stored scores can no longer be read as before."""
READ = (2, FORM)
"""Those that are read."""
KOB_ANDERSEN = "Kob-Andersen mixture"

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Error = Annotated[float, Field(ge=0, allow_inf_nan=False)]
# A perfect correlation may exceed 1 by rounding.
Correlation = Annotated[float, Field(ge=-1 - 1e-9, le=1 + 1e-9, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(min_length=1)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Row(_Record):
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
        Pearson correlation over all snapshots' particles (or bonds) together.
    mse
        Mean squared error over all snapshots' particles, in the quantity's unit squared.
    ceiling
        Noise ceiling of the correlation per snapshot, mean over snapshots; None where the labels'
        trajectories are not known.
    snapshots
        Number of snapshots that have this time and species.
    pearson
        Pearson correlation of each snapshot, in the order of ``Scores.snapshots``; None for one
        without this time or species, or without a correlation (constant prediction).
    coverage
        Fraction of all snapshots' particles whose measured value lies within the predicted one
        plus or minus its error; None where the model tells no error.

    """

    time: Positive
    species: Name
    pearson_mean: Correlation | None
    pearson_sem: Error | None
    pearson_pooled: Correlation | None
    mse: Error
    ceiling: Correlation | None
    snapshots: Count
    pearson: list[Correlation | None]
    coverage: Fraction | None = None


class Timings(_Record):
    """How long predictions took, and on what.

    Attributes
    ----------
    seconds
        To predict one snapshot, mean over snapshots; the first includes what is done once.
    particles
        In a snapshot, mean over snapshots.
    threads
        Of the processor.
    device
        That the model ran on: ``cpu``, ``cuda`` ...
    machine
        Processor (or graphics processor) and number of cores, in words.

    """

    seconds: Error
    particles: Positive
    threads: Count
    device: Name
    machine: str


class Scores(_Record):
    """All rows of one model.

    Attributes
    ----------
    form
        Version of these fields where they are stored.
    model
        The model's name.
    system
        "Kob-Andersen mixture" where all snapshots have its dimension, density and composition,
        else None.
    temperature
        Of the snapshots, units of epsilon/k_B; None where they differ or it is not known.
    data
        The files with labels, in the order of ``provenance["inputs"]``.
    snapshots
        What each snapshot's labels were read from; several files where they hold different times
        of one snapshot. Empty where each file is a snapshot.
    quantities
        By the quantity's name, rows by time, then species.
    timings
        None where predictions were not timed.
    provenance
        Command, version, time, inputs with SHA-256.

    """

    form: Literal[3] = FORM
    model: Name
    system: str | None = None
    temperature: Positive | None = None
    data: list[str] = []
    snapshots: list[str] = []
    quantities: dict[str, list[Row]]
    timings: Timings | None = None
    provenance: dict[str, Any] = {}

    @property
    def particles(self) -> list[Row]:
        """Rows of the propensity."""
        return self.quantities.get("propensity", [])

    @property
    def bonds(self) -> list[Row]:
        """Rows of the bond extension."""
        return self.quantities.get("bond_extension", [])

    @model_validator(mode="after")
    def _check_agreement(self) -> Self:
        for name, rows in self.quantities.items():
            quantity(name)  # refuses an unknown one
            keys = Counter((row.time, row.species) for row in rows)
            if len(keys) < len(rows):
                (time, species), _ = keys.most_common(1)[0]
                raise ValueError(f"{name} has two rows of t = {time:g}, {species}")
            snapshots = self.snapshots or self.data
            if snapshots and any(len(row.pearson) != len(snapshots) for row in rows):
                raise ValueError(f"a row of {name} has not one pearson for each snapshot")
        try:
            json.dumps(self.provenance, allow_nan=False)
        except (TypeError, ValueError):
            raise ValueError("provenance holds something that is not JSON") from None
        return self


def rows_by_quantity(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rows of stored scores, also of those that knew two quantities and no names."""
    before = {"propensity": stored.get("particles"), "bond_extension": stored.get("bonds")}
    return stored.get("quantities") or {name: rows for name, rows in before.items() if rows}


def score(model: str, measured: Sequence[LabelledSnapshot], predicted: Sequence[Motion]) -> Scores:
    """Score predictions of the same snapshots: every quantity at every time that both sides have.

    Groups that a model leaves blank (NaN) have no row. Bonds may be of different cutoffs: scored
    are those shorter than ``BOND_RANGE``; where one side has not all of these, bonds have no rows,
    and a warning is logged.

    Raises
    ------
    InputError
        Labels and prediction are of different snapshots, or one holds infinite numbers.

    """
    rows: dict[str, list[Row]] = {}
    reasons: dict[str, None] = {}
    for name in QUANTITIES:
        groups: dict[tuple[float, str], Samples] = {}
        for n, (truth, guess) in enumerate(zip(measured, predicted, strict=True)):
            if name not in truth.motion.values or name not in guess.values:
                continue
            reason = too_few_bonds(truth.motion, guess, name)
            if reason is None:
                for key, sample in _samples(truth, guess, name):
                    groups.setdefault(key, {})[n] = sample
            else:
                reasons[reason] = None
        if groups:
            rows[name] = [_row(*key, groups[key], len(measured)) for key in sorted(groups)]
    for reason in reasons:
        LOGGER.warning("warning: bonds are not scored: %s", reason)
    return Scores(model=model, quantities=rows)


def _samples(
    truth: LabelledSnapshot, guess: Motion, name: str
) -> Iterator[tuple[tuple[float, str], _Sample]]:
    """Yield what is known on both sides of one snapshot, by time and group."""
    measured, ceilings = truth.motion, truth.ceilings.get(name, {})
    predicted, errors = as_measured(measured, guess, name)
    for t, match in enumerate(match_times(measured.times, guess.times)):
        for group in groups_of_motion(measured, name) if match >= 0 else ():
            y, x = measured[name][t, group.members], predicted[match, group.members]
            if np.isnan(x).any() or np.isnan(y).any():
                continue
            _check_finite(x, y, measured.source, guess.source)
            yield (
                (float(measured.times[t]), group.name),
                _Sample(
                    x.astype(np.float64),
                    y.astype(np.float64),
                    None if errors is None else errors[match, group.members],
                    float(ceilings[group.name][t]) if group.name in ceilings else np.nan,
                ),
            )


def _check_finite(x: Values, y: Values, data: str, model: str) -> None:
    for values, whose in ((y, "the measured motion"), (x, f"the prediction of model {model!r}")):
        if np.isinf(values).any():
            raise InputError(f"{data}: {whose} holds infinite numbers, which cannot be scored")


def _row(time: float, name: str, samples: Samples, n_snapshots: int) -> Row:
    by_snapshot = {k: pearson(s.predicted, s.measured) for k, s in samples.items()}
    correlations = np.array(list(by_snapshot.values()))
    x = np.concatenate([s.predicted for s in samples.values()])
    y = np.concatenate([s.measured for s in samples.values()])
    n = len(samples)
    return Row(
        time=time,
        species=name,
        pearson_mean=_finite(float(correlations.mean())),
        pearson_sem=_finite(float(correlations.std(ddof=1) / np.sqrt(n))) if n > 1 else None,
        pearson_pooled=_finite(pearson(x, y)),
        mse=float(np.mean((x - y) ** 2)),
        ceiling=_finite(float(np.mean([s.ceiling for s in samples.values()]))),
        snapshots=n,
        pearson=[_finite(by_snapshot.get(k, np.nan)) for k in range(n_snapshots)],
        coverage=_coverage(samples),
    )


def _coverage(samples: Samples) -> float | None:
    """Return the fraction of measured values within their error, where errors are told."""
    within = [
        np.abs(s.measured - s.predicted) <= s.error for s in samples.values() if s.error is not None
    ]
    return float(np.concatenate(within).mean()) if within else None


def _finite(value: float) -> float | None:
    """Return None for NaN, which JSON cannot hold."""
    return value if np.isfinite(value) else None
