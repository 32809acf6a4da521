"""Initial velocities, and the streams of random numbers that trajectories draw from."""

import numpy as np

from glassbotan.structure.periodic import FloatArray


def trajectory_seed(
    seed: int, *, snapshot: int = 0, trajectory: int, purpose: int = 0
) -> np.random.SeedSequence:
    """Return the source of random numbers of one trajectory of one snapshot.

    It depends on nothing else: trajectory 5 is the same whether eight or eighty are run, in
    whatever order and on whatever engine.

    Parameters
    ----------
    seed
        Of the whole ensemble or campaign.
    snapshot, trajectory
        Indices, counted from 0.
    purpose
        0: initial velocities; k + 1: the thermostat's noise in the k-th stretch of the run.

    """
    return np.random.SeedSequence(seed, spawn_key=(snapshot, trajectory, purpose))


def maxwell_boltzmann(
    masses: FloatArray, dimension: int, temperature: float, source: np.random.SeedSequence
) -> FloatArray:
    """Draw velocities [N, d] of the canonical distribution with zero total momentum.

    Each component is drawn from the normal distribution of variance T / m, and then the centre of
    mass' velocity is taken from all. For normal variables this is an exact draw of the
    distribution under the condition of zero momentum: the kinetic energy is on average
    (N - 1) d T / 2 and varies from draw to draw as it must, so nothing is rescaled.

    Parameters
    ----------
    masses
        Shape [N].
    dimension
        Number of space dimensions d.
    temperature
        Units of epsilon / k_B.
    source
        From :func:`trajectory_seed`.

    """
    drawn = np.random.default_rng(source).standard_normal((len(masses), dimension))
    velocities = drawn * np.sqrt(temperature / masses)[:, None]
    return np.asarray(velocities - masses @ velocities / masses.sum())


def relative_to_centre(vectors: FloatArray, masses: FloatArray) -> FloatArray:
    """Return displacements or velocities [R, N, d] without that of the centre of mass."""
    centre = np.einsum("n,rnd->rd", masses, vectors) / masses.sum()
    return np.asarray(vectors - centre[:, None])
