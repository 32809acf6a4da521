"""Averages of many snapshots' trajectories, brought together by temperature and time."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from glassbotan.dynamics.trajectories import Averages, Selection, Trajectories, averages_of
from glassbotan.errors import InputError
from glassbotan.progress import Progress, silent
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import IntArray, fingerprint

SAME_TIME = 1e-6
"""Times that differ by a smaller part are one time."""
SAME_DENSITY = 1e-3
"""Densities that differ by a smaller part are of one system."""


@dataclass(frozen=True)
class Composition:
    """What snapshots that are averaged over have in common.

    Attributes
    ----------
    dimension
        Number of space dimensions d.
    counts
        Number of particles of each species, by the species' number.
    density
        Of all particles, inverse length^d.

    """

    dimension: int
    counts: dict[int, int]
    density: float

    @classmethod
    def of(cls, snapshot: Snapshot) -> "Composition":
        """Return a snapshot's."""
        present, counts = np.unique(snapshot.species, return_counts=True)
        by_species = {int(s): int(n) for s, n in zip(present, counts, strict=True)}
        return cls(snapshot.dimension, by_species, snapshot.density)

    def is_same(self, other: "Composition") -> bool:
        """Tell whether both are one system but for rounding."""
        alike = abs(self.density - other.density) <= SAME_DENSITY * self.density
        return alike and (self.dimension, self.counts) == (other.dimension, other.counts)


@dataclass(frozen=True, eq=False)
class Sample:
    """One snapshot's trajectories, averaged over particles.

    Attributes
    ----------
    source, temperature, composition
        The snapshot's.
    configuration
        The same for the same positions, species and box, and no others.
    times
        Shape [T].
    averages
        Of each species, arrays [T, R].
    wave_numbers
        Of each species.
    masses
        Of each species; None where they are not known.

    """

    source: str
    temperature: float | None
    composition: Composition
    configuration: str
    times: FloatArray
    averages: list[Averages]
    wave_numbers: list[float]
    masses: list[float] | None


def sample_of(
    trajectories: Trajectories,
    *,
    wave_number: float | Sequence[float],
    overlap_length: float,
    progress: Progress = silent,
) -> Sample:
    """Return one snapshot's averages; ``progress`` is told the number of its times done.

    Raises
    ------
    InputError
        Wave numbers are not one, or one for each species, or not positive.

    """
    snapshot = trajectories.snapshot
    composition = Composition.of(snapshot)
    wave_numbers = _wave_numbers(wave_number, len(composition.counts))
    groups = [
        Selection(np.flatnonzero(snapshot.species == s), q)
        for s, q in zip(composition.counts, wave_numbers, strict=True)
    ]
    averages = averages_of(trajectories, groups, overlap_length=overlap_length, progress=progress)
    masses = trajectories.masses
    known = masses is not None and len(masses) > max(composition.counts)
    return Sample(
        source=snapshot.source,
        temperature=snapshot.temperature,
        composition=composition,
        configuration=fingerprint(snapshot),
        times=trajectories.times,
        averages=averages,
        wave_numbers=wave_numbers,
        masses=[float(masses[s]) for s in composition.counts]
        if known and masses is not None
        else None,
    )


def gathered(samples: Sequence[Sample]) -> tuple[FloatArray, list[Averages]]:
    """Return all times [T] of samples and, for each species, arrays [S, T, R] of S snapshots.

    NaN where a snapshot has no such trajectory. Files of one snapshot at several times are one.

    Raises
    ------
    InputError
        Samples are of different systems, or a snapshot is there twice at a time.

    """
    first = samples[0]
    for sample in samples:
        if not first.composition.is_same(sample.composition):
            raise InputError(
                f"{sample.source}: is another system than {first.source} (dimension, particles of "
                "each species and density must agree within a temperature); give them separately"
            )
    times = _distinct(np.concatenate([sample.times for sample in samples]))
    places = _places(samples, times)
    most = max(sample.averages[0].overlap.shape[1] for sample in samples)
    shape = (1 + max(row for row, _ in places), len(times), most)
    found = []
    for k in range(len(first.averages)):
        arrays = {field.name: np.full(shape, np.nan) for field in fields(Averages)}
        for sample, (row, columns) in zip(samples, places, strict=True):
            for name, array in arrays.items():
                values = getattr(sample.averages[k], name)
                array[row, columns, : values.shape[1]] = values
        found.append(Averages(**arrays))
    return times, found


def _places(samples: Sequence[Sample], times: FloatArray) -> list[tuple[int, IntArray]]:
    """Return the row of each sample's snapshot and the columns of its times."""
    rows: dict[str, int] = {}
    taken: dict[tuple[int, int], str] = {}
    places = []
    for sample in samples:
        row = rows.setdefault(sample.configuration, len(rows))
        columns = np.abs(times[:, None] / sample.times - 1).argmin(axis=0)
        for column in map(int, columns):
            if (row, column) in taken:
                raise InputError(
                    f"{sample.source}: starts from the same snapshot as {taken[row, column]}, and "
                    f"both have t = {times[column]:g}; give one of them"
                )
            taken[row, column] = sample.source
        places.append((row, columns))
    return places


def _distinct(times: FloatArray) -> FloatArray:
    """Return times in increasing order, each once."""
    ordered = np.sort(times)
    new = np.diff(ordered, prepend=-np.inf) > SAME_TIME * ordered
    return np.asarray(ordered[new])


def _wave_numbers(given: float | Sequence[float], species: int) -> list[float]:
    values = np.atleast_1d(np.asarray(given, dtype=np.float64))
    if values.shape == (1,):
        values = np.repeat(values, species)
    if values.shape != (species,):
        raise InputError(
            f"{values.size} wave numbers were given; expected one, or one for each of the "
            f"{species} species"
        )
    if not np.all(np.isfinite(values)) or np.any(values <= 0):
        raise InputError(f"wave numbers {values.tolist()} must be positive")
    return [float(value) for value in values]
