"""Initial velocities of isoconfigurational trajectories."""

import numpy as np

from glassbotan.structure.periodic import FloatArray


def draw_velocities(
    masses: FloatArray, dimension: int, temperature: float, *, seed: int, trajectory: int
) -> FloatArray:
    """Return velocities drawn from the Maxwell-Boltzmann distribution, at zero total momentum.

    P(v_i) ~ exp(-m_i v_i^2 / 2 T). They depend on ``seed`` and ``trajectory`` only, not on how
    many trajectories there are.

    Parameters
    ----------
    masses
        Of each particle, shape [N].
    dimension
        The number of space dimensions d.
    temperature
        In units of epsilon/k_B.
    seed, trajectory
        Of the ensemble, and the trajectory's index in it.

    Returns
    -------
    velocities
        Shape [N, d], units of (epsilon / mass)^(1/2).

    """
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(trajectory,)))
    drawn = generator.standard_normal((len(masses), dimension))
    velocities = drawn * np.sqrt(temperature / masses)[:, None]
    return at_rest(velocities, masses)


def at_rest(velocities: FloatArray, masses: FloatArray) -> FloatArray:
    """Return velocities [..., N, d] without the motion of their centre of mass."""
    momentum = np.einsum("n,...nd->...d", masses, velocities)
    return np.asarray(velocities - momentum[..., None, :] / masses.sum())
