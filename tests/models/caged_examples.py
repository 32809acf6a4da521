"""Small snapshots with made-up states around them, for the caged network."""

from dataclasses import replace
from itertools import product

import numpy as np

import glassbotan as gb
from conftest import random_snapshot
from glassbotan.dynamics.bonds import UnorderedBonds
from glassbotan.models.caged.settings import CagedSettings
from glassbotan.models.caged.states import States
from glassbotan.simulation.cage_state import CageState

RECIPE = CagedSettings(reach=2.4)
"""Whose longest average fits into a small box."""


def made_up_snapshot(seed: int = 0) -> gb.Snapshot:
    return random_snapshot(130, edge=5.0, seed=seed)


def made_up_states(snapshot: gb.Snapshot, recipe: CagedSettings = RECIPE, seed: int = 0) -> States:
    """States of plausible size, that follow from nothing."""
    generator = np.random.default_rng([seed, 5])
    shape = snapshot.positions.shape

    def displacement() -> np.ndarray:
        return generator.normal(scale=0.05, size=shape)

    bonds = UnorderedBonds.of(gb.neighbour_graph(snapshot, recipe.cutoff))

    def cage() -> CageState:
        spread = generator.normal(scale=0.1, size=(*shape, 3))
        moved = displacement()
        return CageState(
            displacement=moved,
            covariance=spread @ spread.transpose(0, 2, 1) + 1e-3 * np.eye(3),
            length=generator.uniform(0.1, 0.4, shape[0]),
            off_centre=generator.uniform(0.1, 0.4, shape[0]),
            contact=generator.uniform(0, 0.1, shape[0]),
            displacement_of_halves=np.stack([moved, moved]),
            length_of_halves=np.ones((2, shape[0])),
            pair_distance=bonds.distances + generator.normal(scale=0.02, size=len(bonds.first)),
            pair_deviation=generator.uniform(0.05, 0.2, len(bonds.first)),
        )

    return States(
        np.stack([displacement() for _ in recipe.descent]),
        displacement(),
        tuple(cage() for _ in recipe.cages),
    )


def turned(
    snapshot: gb.Snapshot, states: States, matrix: np.ndarray, shift: float = 0.0
) -> tuple[gb.Snapshot, States]:
    """The same glass turned by a symmetry of its cubic box, and moved."""

    def cage(state: CageState) -> CageState:
        return replace(
            state,
            displacement=state.displacement @ matrix.T,
            covariance=matrix @ state.covariance @ matrix.T,
        )

    moved = gb.Snapshot(snapshot.positions @ matrix.T + shift, snapshot.species, snapshot.box)
    return moved, States(
        states.descent @ matrix.T, states.inherent @ matrix.T, tuple(map(cage, states.cages))
    )


def reordered(
    snapshot: gb.Snapshot, states: States, order: np.ndarray, recipe: CagedSettings = RECIPE
) -> tuple[gb.Snapshot, States]:
    """The same glass with its particles in another order."""
    moved = gb.Snapshot(snapshot.positions[order], snapshot.species[order], snapshot.box)
    rank = np.argsort(order)
    bonds = UnorderedBonds.of(gb.neighbour_graph(snapshot, recipe.cutoff))
    now = UnorderedBonds.of(gb.neighbour_graph(moved, recipe.cutoff))
    where = {
        frozenset(p): k
        for k, p in enumerate(zip(rank[bonds.first], rank[bonds.second], strict=True))
    }
    chosen = [where[frozenset(p)] for p in zip(now.first, now.second, strict=True)]

    def cage(state: CageState) -> CageState:
        of_bonds = {n: getattr(state, n)[chosen] for n in ("pair_distance", "pair_deviation")}
        of_halves = {
            n: getattr(state, n)[:, order] for n in ("displacement_of_halves", "length_of_halves")
        }
        names = ("displacement", "covariance", "length", "off_centre", "contact")
        return CageState(**{n: getattr(state, n)[order] for n in names}, **of_bonds, **of_halves)

    return moved, States(
        states.descent[:, order], states.inherent[order], tuple(map(cage, states.cages))
    )


def repeated(
    snapshot: gb.Snapshot, states: States, recipe: CagedSettings = RECIPE
) -> tuple[gb.Snapshot, States]:
    """Two by two by two copies of a box side by side."""
    shifts = np.array(list(product((0, 1), repeat=3))) * snapshot.box
    n, copies = snapshot.n_particles, len(shifts)
    positions = (shifts[:, None] + snapshot.positions).reshape(-1, 3)
    whole = gb.Snapshot(positions, np.tile(snapshot.species, copies), 2 * snapshot.box)
    bonds = UnorderedBonds.of(gb.neighbour_graph(snapshot, recipe.cutoff))
    now = UnorderedBonds.of(gb.neighbour_graph(whole, recipe.cutoff))
    where = {frozenset(p): k for k, p in enumerate(zip(bonds.first, bonds.second, strict=True))}
    chosen = [where[frozenset(p)] for p in zip(now.first % n, now.second % n, strict=True)]

    def cage(state: CageState) -> CageState:
        of_bonds = {k: getattr(state, k)[chosen] for k in ("pair_distance", "pair_deviation")}
        of_halves = {
            k: np.concatenate([getattr(state, k)] * copies, axis=1)
            for k in ("displacement_of_halves", "length_of_halves")
        }
        names = ("displacement", "covariance", "length", "off_centre", "contact")
        every = {k: np.concatenate([getattr(state, k)] * copies) for k in names}
        return CageState(**every, **of_bonds, **of_halves)

    return whole, States(
        np.concatenate([states.descent] * copies, axis=1),
        np.concatenate([states.inherent] * copies),
        tuple(map(cage, states.cages)),
    )
