"""The relaxation of a glass former, from many trajectories of many snapshots."""

from collections.abc import Callable, Iterable, Sequence, Sized
from dataclasses import dataclass

import numpy as np

from glassbotan.dynamics.ensemble import IsoconfigurationalEnsemble
from glassbotan.dynamics.estimate import Estimate, concise, jackknife_error, leave_one_out
from glassbotan.dynamics.non_gaussian import non_gaussian_parameter
from glassbotan.dynamics.overlap import OVERLAP_LENGTH, Susceptibility, four_point_susceptibility
from glassbotan.dynamics.relaxation import WAVE_NUMBER, tau_alpha
from glassbotan.dynamics.sampling import Sample, gathered, sample_of
from glassbotan.dynamics.trajectories import Averages, Trajectories
from glassbotan.errors import InputError
from glassbotan.progress import Progress, part, silent
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import IntArray, species_name


@dataclass(frozen=True, eq=False)
class Relaxation:
    """How a glass former relaxes at one temperature, at each of T times.

    Attributes
    ----------
    temperature
        Units of epsilon / k_B; None where it is not known.
    dimension
        Number of space dimensions d.
    times
        Shape [T], Lennard-Jones time units, increasing.
    snapshots, trajectories
        How many there are at each time, shape [T]. With two snapshots or more, standard errors are
        over snapshots; with one they are over its trajectories, and say nothing of how snapshots
        differ.
    overlap_length
        See :func:`overlap`, length units.
    species
        Each species by itself.
    overlap, susceptibility
        Of all particles together.

    """

    temperature: float | None
    dimension: int
    times: FloatArray
    snapshots: IntArray
    trajectories: IntArray
    overlap_length: float
    species: tuple["SpeciesRelaxation", ...]
    overlap: Estimate
    susceptibility: Susceptibility

    @property
    def n_particles(self) -> int:
        """The number of particles N in a snapshot."""
        return sum(one.n_particles for one in self.species)


@dataclass(frozen=True, eq=False)
class SpeciesRelaxation:
    """How one species relaxes; estimates of shape [T], for the times of its Relaxation.

    Attributes
    ----------
    name
        Letter of the species.
    n_particles
        How many of it there are in a snapshot.
    mass
        Of one; 1 where it is not known.
    wave_number
        Of the scattering function, inverse length units.
    scattering
        Self-intermediate scattering function F_s.
    squared_displacement
        Mean squared displacement, length^2.
    non_gaussian
        Non-Gaussian parameter alpha_2.
    overlap
        Mean overlap Q with the initial configuration.
    susceptibility
        Four-point susceptibility chi_4 of the overlap.
    tau_alpha
        Time at which F_s falls to 1/e, with its error, both of shape []; NaN where it does not
        within the times.

    """

    name: str
    n_particles: int
    mass: float
    wave_number: float
    scattering: Estimate
    squared_displacement: Estimate
    non_gaussian: Estimate
    overlap: Estimate
    susceptibility: Susceptibility
    tau_alpha: Estimate

    @property
    def tau_alpha_text(self) -> str:
        """Return tau_alpha with its error in brackets, or why it is not known."""
        if np.isfinite(self.tau_alpha.value):
            return concise(float(self.tau_alpha.value), float(self.tau_alpha.error))
        return "before the first time" if self.scattering.value[0] < np.exp(-1) else "not reached"


def relaxation_of(
    ensembles: Iterable[Trajectories | IsoconfigurationalEnsemble],
    *,
    wave_number: float | Sequence[float] = WAVE_NUMBER,
    overlap_length: float = OVERLAP_LENGTH,
    progress: Progress = silent,
) -> list[Relaxation]:
    """Return how each temperature's snapshots relax, in order of temperature.

    Averages are over the particles of a species, then over the trajectories of a snapshot, then
    over snapshots. Standard errors are by the jackknife over snapshots, or over trajectories where
    there is one snapshot.

    Parameters
    ----------
    ensembles
        Of one or many snapshots; each is read once, one time after another, and forgotten.
    wave_number
        Of the scattering function, one for all species or one for each, inverse length units.
    overlap_length
        Within which a particle counts as still at its place, length units.
    progress
        Told the number of ensembles done, parts of one included.

    Raises
    ------
    InputError
        There are no ensembles; a wave number or the length makes no sense; those of one
        temperature are of different systems; or one snapshot is there twice at a time.

    """
    if not (np.isfinite(overlap_length) and overlap_length > 0):
        raise InputError(f"the overlap length is {overlap_length:g}; it must be a positive number")
    by_temperature: dict[float | None, list[Sample]] = {}
    number = len(ensembles) if isinstance(ensembles, Sized) else None
    for k, given in enumerate(ensembles):
        sample = sample_of(
            Trajectories.of(given) if isinstance(given, IsoconfigurationalEnsemble) else given,
            wave_number=wave_number,
            overlap_length=overlap_length,
            progress=part(progress, k, k + 1, number, "snapshots"),
        )
        by_temperature.setdefault(sample.temperature, []).append(sample)
    if not by_temperature:
        raise InputError("there are no trajectories to average over")
    known = sorted(t for t in by_temperature if t is not None)
    return [
        _summary(by_temperature[t], overlap_length) for t in (*known, None) if t in by_temperature
    ]


def _summary(samples: Sequence[Sample], overlap_length: float) -> Relaxation:
    """Return the relaxation of samples of one temperature."""
    times, averages = gathered(samples)
    first, composition = samples[0], samples[0].composition
    counts = list(composition.counts.values())
    reached = np.isfinite(averages[0].overlap)
    # Weighted by species, the overlaps of species are that of all particles.
    overlaps = np.average([a.overlap for a in averages], axis=0, weights=counts)
    masses = next((s.masses for s in samples if s.masses is not None), [1.0] * len(counts))
    species = [
        _species_relaxation(
            averages[k],
            times,
            name=species_name(number),
            n_particles=counts[k],
            mass=masses[k],
            wave_number=first.wave_numbers[k],
            dimension=composition.dimension,
        )
        for k, number in enumerate(composition.counts)
    ]
    return Relaxation(
        temperature=first.temperature,
        dimension=composition.dimension,
        times=times,
        snapshots=np.sum(reached.any(axis=2), axis=0),
        trajectories=np.sum(reached, axis=(0, 2)),
        overlap_length=overlap_length,
        species=tuple(species),
        overlap=_estimate(overlaps),
        susceptibility=_susceptibility(overlaps, sum(counts)),
    )


def _species_relaxation(
    averages: Averages,
    times: FloatArray,
    *,
    name: str,
    n_particles: int,
    mass: float,
    wave_number: float,
    dimension: int,
) -> SpeciesRelaxation:
    """Return the estimates from averages [S, T, R]."""

    def alpha(means: FloatArray) -> FloatArray:
        return non_gaussian_parameter(means[..., 0], means[..., 1], dimension=dimension)

    return SpeciesRelaxation(
        name=name,
        n_particles=n_particles,
        mass=mass,
        wave_number=wave_number,
        scattering=_estimate(averages.scattering),
        squared_displacement=_estimate(averages.squared),
        non_gaussian=_estimate(averages.squared, averages.fourth, function=alpha),
        overlap=_estimate(averages.overlap),
        susceptibility=_susceptibility(averages.overlap, n_particles),
        tau_alpha=_tau_alpha(averages.scattering, times),
    )


def _estimate(
    *quantities: FloatArray, function: Callable[[FloatArray], FloatArray] = lambda m: m[..., 0]
) -> Estimate:
    """Return a function of the means [..., K] of K quantities [S, T, R], at each of T times."""
    values, errors = [], []
    for t in range(quantities[0].shape[1]):
        units = _units(np.stack([quantity[:, t] for quantity in quantities], axis=-1))
        values.append(function(units.mean(axis=0)))
        errors.append(jackknife_error(function(leave_one_out(units))) if len(units) > 1 else np.nan)
    return Estimate(np.array(values), np.array(errors))


def _units(values: FloatArray) -> FloatArray:
    """Return what is independent of each other at one time, shape [n, K], from values [S, R, K].

    Means of snapshots, or where there is one snapshot, its trajectories.
    """
    snapshots = _by_snapshot(values)
    if len(snapshots) == 1:
        return snapshots[0]
    return np.array([snapshot.mean(axis=0) for snapshot in snapshots])


def _by_snapshot(values: FloatArray) -> list[FloatArray]:
    """Return, for each snapshot that reached the time, its R_s trajectories' values [R_s, K]."""
    present = [np.isfinite(row[:, 0]) for row in values]
    return [row[there] for row, there in zip(values, present, strict=True) if there.any()]


def _susceptibility(overlaps: FloatArray, n_particles: int) -> Susceptibility:
    at_times = [
        [snapshot[:, 0] for snapshot in _by_snapshot(overlaps[:, t, :, None])]
        for t in range(overlaps.shape[1])
    ]
    return four_point_susceptibility(at_times, particles=n_particles)


def _tau_alpha(scattering: FloatArray, times: FloatArray) -> Estimate:
    """Return tau_alpha of scattering [S, T, R], each of the units left out in turn."""
    one = len(scattering) == 1
    curves = scattering[0].T if one else _means_over(scattering, axis=2)
    without = [np.delete(curves, k, axis=0) for k in range(len(curves))]
    replicas = np.array([_crossing(rest, times) for rest in without if len(rest)])
    return Estimate(np.array(_crossing(curves, times)), jackknife_error(replicas))


def _crossing(curves: FloatArray, times: FloatArray) -> float:
    """Return the time at which the mean of curves [n, T] falls to 1/e."""
    mean = _means_over(curves, axis=0)
    known = np.isfinite(mean)
    return tau_alpha(times[known], mean[known])


def _means_over(values: FloatArray, *, axis: int) -> FloatArray:
    """Return means over an axis of what is there; NaN where nothing is."""
    count = np.sum(np.isfinite(values), axis=axis)
    means = np.full(count.shape, np.nan)
    return np.asarray(np.divide(np.nansum(values, axis=axis), count, out=means, where=count > 0))
