"""Whether configurations agree with a potential: the hypervirial theorem, window by window."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np

from glassbotan.dynamics.estimate import Estimate
from glassbotan.dynamics.trajectories import Trajectories
from glassbotan.errors import InputError
from glassbotan.progress import Progress, silent
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.potential import PairPotential, energies_and_forces, interacting_pairs
from glassbotan.structure.snapshot import species_name

EARLIEST = 1.0
"""Time from which on frames are taken, Lennard-Jones units: vibrations have forgotten the snapshot
then, so that trajectories from one snapshot count as independent."""

MOST = 480
"""Configurations that are looked at; more are thinned out evenly."""

AGREES, EXCLUDED = 3.0, 4.0
"""Standard errors from zero: below the first in every window is agreement, beyond the second in
one window is none. Of ten windows that agree, one in 40 data sets has one beyond three."""


class Window(NamedTuple):
    """Distances between the particles of two species, from ``start`` to ``end``."""

    species: tuple[int, int]
    start: float
    end: float

    def __str__(self) -> str:
        return "".join(species_name(s) for s in self.species) + f" {self.start:g}-{self.end:g}"


@dataclass(frozen=True, eq=False)
class ForceBalance:
    """How far configurations are from equilibrium with a potential, in each of W windows.

    Attributes
    ----------
    windows
        Where.
    divergence
        Mean of the theorem's first term per particle, shape [W], 1 / length: what the residual is
        to be compared with.
    residual
        Mean of both terms, shape [W], 1 / length; zero where potential and temperature are those
        of the configurations.
    configurations
        How many were looked at.

    """

    windows: tuple[Window, ...]
    divergence: FloatArray
    residual: Estimate
    configurations: int

    @property
    def deviations(self) -> FloatArray:
        """Residuals in standard errors, shape [W]; NaN where they are not known."""
        return self.residual.value / np.where(self.residual.error > 0, self.residual.error, np.nan)

    @property
    def verdict(self) -> str:
        """Either "agrees within errors", "does not agree", or "cannot tell" between the two."""
        largest = np.max(np.abs(self.deviations))
        if largest >= EXCLUDED:
            return "does not agree"
        return "agrees within errors" if largest < AGREES else "cannot tell"


def usual_windows(potential: PairPotential) -> tuple[Window, ...]:
    """Return three windows of each pair of species: two up to the cutoff, one in the first shell.

    Near the cutoff r_c, from 0.88 and from 0.8 r_c on, it shows how a potential is cut and shifted;
    from 1.2 to 1.6 sigma, how deep and how wide it is.
    """
    windows = []
    for pair in combinations_with_replacement(range(potential.n_species), 2):
        cutoff, sigma = float(potential.cutoff[pair]), float(potential.sigma[pair])
        near = [(0.88 * cutoff, cutoff), (0.8 * cutoff, cutoff), (1.2 * sigma, 1.6 * sigma)]
        windows += [Window(pair, start, min(end, cutoff)) for start, end in near if start < cutoff]
    return tuple(windows)


def force_balance(
    ensembles: Sequence[Trajectories],
    potential: PairPotential,
    *,
    windows: Sequence[Window] | None = None,
    most: int = MOST,
    progress: Progress = silent,
) -> ForceBalance:
    """Return whether trajectories were run with this potential at their snapshots' temperature.

    In equilibrium, every smooth field of vectors v_i of the positions obeys

        <sum_i div_i v_i> + <sum_i v_i . F_i> / T = 0,

    the hypervirial theorem (Hirschfelder, J. Chem. Phys. 33, 1462 (1960)), which for fields of
    pairs is the first equation of the hierarchy of Yvon, Born and Green. Here
    v_i = sum_j h(r_ij) (r_i - r_j) / r_ij over the pairs of one window, h(r) =
    sin^2(pi (r - start) / (end - start)) within it. With all forces F_i those of the potential, a
    residual tells that the configurations are of another one: of their own, whatever is smoothly
    continued at the cutoff, the residual is zero.

    Parameters
    ----------
    ensembles
        With temperatures. Frames from t = 1 on are used.
    potential
        That is judged.
    windows
        :func:`usual_windows` by default.
    most
        Configurations at most.
    progress
        Told how many configurations are done.

    Raises
    ------
    InputError
        A temperature is not known, there is no frame from t = 1 on, or the potential is not one
        for the configurations.

    """
    windows = tuple(usual_windows(potential) if windows is None else windows)
    found = []
    for snapshot, temperature in _configurations(ensembles, most):
        found.append(_terms(snapshot, potential, temperature, windows))
        progress(len(found), None, unit="configurations")
    terms = np.stack(found, axis=1)
    residuals = terms.sum(axis=0)
    number = len(residuals)
    # Of one configuration nothing is known of how they scatter.
    scatter = residuals.std(axis=0, ddof=1) if number > 1 else np.full(len(windows), np.nan)
    residual = Estimate(residuals.mean(axis=0), scatter / np.sqrt(number))
    return ForceBalance(windows, terms[0].mean(axis=0), residual, number)


def _configurations(
    ensembles: Sequence[Trajectories], most: int
) -> Iterator[tuple[Snapshot, float]]:
    """Yield configurations, evenly chosen over snapshots and times, with their temperatures."""
    every = [(e, t) for e in ensembles for t in np.flatnonzero(e.times >= EARLIEST).tolist()]
    if not every:
        raise InputError(
            f"no frame is later than t = {EARLIEST:g}; earlier ones are still those of the snapshot"
        )
    each = max(1, most // len(every))
    for ensemble, t in every[:: -(-len(every) // most)]:
        snapshot, temperature = ensemble.snapshot, ensemble.snapshot.temperature
        if temperature is None:
            raise InputError(f"{snapshot.source}: its temperature is not known")
        moved = ensemble.displacements(t)[:each]
        for displacements in moved:
            yield replace(snapshot, positions=snapshot.positions + displacements), temperature


def _terms(
    snapshot: Snapshot, potential: PairPotential, temperature: float, windows: Sequence[Window]
) -> FloatArray:
    """Return both terms of the theorem per particle in one configuration, shape [2, W]."""
    pairs = interacting_pairs(snapshot, potential)
    _, forces = energies_and_forces(snapshot.positions, pairs)
    vectors = (snapshot.positions[pairs.second] - snapshot.positions[pairs.first]).T + pairs.offsets
    distances = np.sqrt(np.einsum("dp,dp->p", vectors, vectors))
    pulls = np.einsum("dp,pd->p", vectors, forces[pairs.second] - forces[pairs.first]) / distances
    kinds = np.sort(snapshot.species[np.stack([pairs.first, pairs.second])], axis=0)
    terms = np.empty((2, len(windows)))
    for k, window in enumerate(windows):
        inside = (distances > window.start) & (distances < window.end)
        inside &= np.all(kinds == np.array(sorted(window.species))[:, None], axis=0)
        r, width = distances[inside], window.end - window.start
        angle = np.pi * (r - window.start) / width
        h, slope = np.sin(angle) ** 2, np.pi / width * np.sin(2 * angle)
        # Each particle of a pair has a divergence, and fields at both ends are opposite.
        terms[0, k] = 2 * np.sum(slope + (snapshot.dimension - 1) * h / r)
        terms[1, k] = np.sum(h * pulls[inside]) / temperature
    return terms / snapshot.n_particles
