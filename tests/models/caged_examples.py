"""States around a snapshot that follow from it as the true ones do, but at once."""

import numpy as np

import glassbotan as gb
from conftest import random_snapshot
from glassbotan.dynamics.bonds import Bonds
from glassbotan.models.caged.settings import CagedSettings
from glassbotan.models.caged.states import States
from glassbotan.simulation.cage_state import CageState

RECIPE = CagedSettings(reach=2.4)
"""Whose longest average fits into a small box."""


def made_up_snapshot(seed: int = 0) -> gb.Snapshot:
    return random_snapshot(130, edge=5.0, seed=seed)


def made_up_states(snapshot: gb.Snapshot, recipe: CagedSettings = RECIPE) -> States:
    """States of plausible size that turn, move and repeat with the snapshot."""
    graph = gb.neighbour_graph(snapshot, 2.4)
    senders, receivers = graph.edge_index
    units = graph.vectors / graph.distances[:, None]
    bonds = Bonds.up_to(snapshot, recipe.cutoff)

    def sums(values: np.ndarray) -> np.ndarray:
        total = np.zeros((snapshot.n_particles, *values.shape[1:]))
        np.add.at(total, receivers, values)
        return total

    def weights(k: int) -> np.ndarray:
        return np.exp(-((graph.distances / (1 + 0.1 * k)) ** 2)) * (1 + snapshot.species[senders])

    def displacement(k: int) -> np.ndarray:
        return 0.1 * sums(weights(k)[:, None] * units)

    def cage(k: int) -> CageState:
        density = sums(weights(k))
        outer = weights(k)[:, None, None] * units[:, :, None] * units[:, None]
        moved, pair = displacement(2 * k), density[bonds.first] + density[bonds.second]
        return CageState(
            displacement=moved,
            covariance=0.01 * (sums(outer) + 0.1 * np.eye(3)),
            length=0.2 + 0.05 * np.sin(density),
            off_centre=0.2 + 0.05 * np.cos(density),
            contact=0.05 + 0.02 * np.sin(2 * density),
            displacement_of_halves=np.stack([moved, moved]),
            length_of_halves=np.ones((2, snapshot.n_particles)),
            pair_distance=bonds.distances + 0.02 * np.sin(pair),
            pair_deviation=0.1 + 0.05 * np.cos(pair),
        )

    return States(
        np.stack([displacement(k) for k in range(len(recipe.descent))]),
        displacement(1),
        tuple(cage(k) for k in range(len(recipe.cages))),
    )


def computed(snapshot: gb.Snapshot, recipe: CagedSettings, seed: int, progress: object) -> dict:
    """In place of ``states._compute``."""
    progress(1, 1, "made up")
    made = made_up_states(snapshot, recipe)
    cages = {
        f"cage{k}.{name}": values
        for k, cage in enumerate(made.cages)
        for name, values in vars(cage).items()
    }
    return {"descent": made.descent, "inherent": made.inherent, **cages}
