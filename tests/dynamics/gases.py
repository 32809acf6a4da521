"""Particles that know nothing of each other: every average is a formula."""

import numpy as np

import glassbotan as gb


def gas_snapshot(n: int, *, dimension: int = 3, temperature: float | None = 0.44, seed: int = 0):
    """Two species, four of A to one of B, anywhere."""
    edge = n ** (1 / dimension)
    return gb.Snapshot(
        positions=np.random.default_rng(seed).uniform(0, edge, (n, dimension)),
        species=(np.arange(n) % 5 == 4).astype(int),
        box=np.full(dimension, edge),
        temperature=temperature,
        source=f"gas {seed}",
    )


def ballistic_gas(
    n: int = 500, *, trajectories: int = 16, times=(0.1, 0.5, 1.0), seed: int = 0, **changes
) -> gb.IsoconfigurationalEnsemble:
    """Flight at the velocities of the Maxwell-Boltzmann distribution, mass 1."""
    snapshot = gas_snapshot(n, seed=seed, **changes)
    generator = np.random.default_rng((seed, 1))
    speed = np.sqrt(snapshot.temperature or 0.44)
    velocities = speed * generator.normal(size=(trajectories, *snapshot.positions.shape))
    moved = np.array(times)[:, None, None, None] * velocities
    return gb.IsoconfigurationalEnsemble(snapshot, np.array(times), snapshot.positions + moved)


def ensemble_of(displacements: np.ndarray, *, times=None, **changes):
    """The ensemble of given displacements [T, R, N, d] from a gas."""
    n_times, _, n, dimension = displacements.shape
    snapshot = gas_snapshot(n, dimension=dimension, **changes)
    times = np.arange(1.0, n_times + 1) if times is None else np.array(times)
    return gb.IsoconfigurationalEnsemble(snapshot, times, snapshot.positions + displacements)


def within_errors(estimate, expected, sigmas: float = 4) -> bool:
    return bool(np.all(np.abs(estimate.value - expected) < sigmas * estimate.error))
