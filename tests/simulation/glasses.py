"""Small glass formers at rest, cheap to simulate."""

from functools import cache

import numpy as np
import pytest

import glassbotan as gb
from conftest import random_snapshot
from glassbotan.structure.inherent import inherent_structure
from glassbotan.structure.lammps import lammps_class

needs_lammps = pytest.mark.skipif(lammps_class() is None, reason="LAMMPS cannot be loaded")


@cache
def small_glass(dimension: int) -> gb.Snapshot:
    """A minimum of the energy in the smallest box that is comfortable."""
    n, edge = (160, 5.15) if dimension == 3 else (90, 8.7)
    return inherent_structure(random_snapshot(n, dimension=dimension, edge=edge, seed=3))


@cache
def thermal_glass(dimension: int) -> gb.Snapshot:
    """The same after a while at T = 0.44."""
    cold = small_glass(dimension)
    ensemble = gb.simulate_ensemble(
        cold,
        times=[20.0],
        trajectories=1,
        temperature=0.44,
        integrator="langevin",
        seed=5,
        engine="lammps",
    )
    return gb.Snapshot(ensemble.positions[0, 0], cold.species, cold.box, temperature=0.44)


def temperature_of(kinetic: np.ndarray, snapshot: gb.Snapshot) -> np.ndarray:
    """Of the kinetic energy of all particles, whose momentum is zero."""
    return 2 * kinetic / (snapshot.dimension * (snapshot.n_particles - 1))
