"""Structural relaxation: scattering function, mean squared displacement, tau_alpha."""

import numpy as np

from glassbotan.dynamics.ensemble import IsoconfigurationalEnsemble
from glassbotan.errors import InputError
from glassbotan.structure.periodic import FloatArray

WAVE_NUMBER = 7.25
"""First peak of the A-A structure factor of the Kob-Andersen mixture at density 1.2."""


def self_intermediate_scattering(
    ensemble: IsoconfigurationalEnsemble, *, wave_number: float = WAVE_NUMBER, species: int = 0
) -> FloatArray:
    """Return F_s(q, t), averaged over directions of q, particles and trajectories, shape [T].

    See :func:`isotropic_phase`.

    Raises
    ------
    InputError
        No particle is of that species.

    """
    chosen = _of_species(ensemble, species)
    dimension = ensemble.snapshot.dimension
    return np.array(
        [
            isotropic_phase(
                wave_number * np.linalg.norm(ensemble.displacements(t)[:, chosen], axis=-1),
                dimension,
            ).mean()
            for t in range(len(ensemble.times))
        ]
    )


def isotropic_phase(x: FloatArray, dimension: int) -> FloatArray:
    r"""Return cos(q . dr) averaged over directions of q, for x = \|q\| \|dr\|, the same shape.

    sin(x) / x in three dimensions and J_0(x) in two (Hansen, McDonald, Theory of Simple Liquids,
    ch. 7).
    """
    from scipy.special import j0

    return np.asarray(j0(x) if dimension == 2 else np.sinc(x / np.pi))


def mean_squared_displacement(
    ensemble: IsoconfigurationalEnsemble, *, species: int = 0
) -> FloatArray:
    """Return <|r(t) - r(0)|^2> over particles of a species and trajectories, shape [T], length^2.

    Raises
    ------
    InputError
        No particle is of that species.

    """
    chosen = _of_species(ensemble, species)
    return np.array(
        [
            np.mean(np.sum(ensemble.displacements(t)[:, chosen] ** 2, axis=-1))
            for t in range(len(ensemble.times))
        ]
    )


def tau_alpha(times: FloatArray, scattering: FloatArray) -> float:
    """Return the time at which F_s falls to 1/e, interpolated linearly in log t.

    Returns NaN where F_s does not cross 1/e within the given times.
    """
    level = np.exp(-1.0)
    below = np.flatnonzero(scattering <= level)
    if not len(below):
        return float("nan")
    k = int(below[0])
    if scattering[k] == level:
        return float(times[k])
    if k == 0:
        return float("nan")
    fraction = (scattering[k - 1] - level) / (scattering[k - 1] - scattering[k])
    return float(np.exp(np.log(times[k - 1]) + fraction * np.log(times[k] / times[k - 1])))


def _of_species(ensemble: IsoconfigurationalEnsemble, species: int) -> np.ndarray:
    chosen = np.flatnonzero(ensemble.snapshot.species == species)
    if not len(chosen):
        raise InputError(f"{ensemble.snapshot.source}: no particle is of species {species}")
    return chosen
