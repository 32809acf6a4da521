"""Bond breaking against its definition, written out."""

from itertools import combinations

import numpy as np
import pytest

import glassbotan as gb
from conftest import random_ensemble, random_snapshot
from glassbotan.dynamics import bond_breaking
from glassbotan.structure import minimum_image


def by_definition(ensemble):
    snapshot = ensemble.snapshot
    n = snapshot.n_particles
    broken, bonds = np.zeros((len(ensemble.times), n)), np.zeros(n)
    for i, j in combinations(range(n), 2):
        start = minimum_image(snapshot.positions[j] - snapshot.positions[i], snapshot.box)
        if np.linalg.norm(start) >= 1.35:
            continue
        bonds[[i, j]] += 1
        for t in range(len(ensemble.times)):
            moved = ensemble.displacements(t)
            lengths = np.linalg.norm(start + moved[:, j] - moved[:, i], axis=-1)
            broken[t, [i, j]] += np.mean(lengths > 1.7)
    return broken / np.maximum(bonds, 1)


@pytest.mark.parametrize("dimension", [2, 3])
def test_is_the_mean_fraction_of_broken_bonds(dimension):
    snapshot = random_snapshot(50, dimension=dimension, edge=4.2 if dimension == 3 else 7.5)
    ensemble = random_ensemble(snapshot, trajectories=5, times=(1.0, 9.0, 30.0))
    found = bond_breaking(ensemble)
    assert np.allclose(found, by_definition(ensemble), rtol=0, atol=1e-14)
    assert found[2].mean() > found[1].mean() > found[0].mean()
    assert found.max() <= 1


def test_nothing_breaks_where_all_move_together():
    snapshot = random_snapshot(50, edge=4.2)
    together = snapshot.positions + np.array([3.0, -8.0, 1.0])
    ensemble = gb.IsoconfigurationalEnsemble(snapshot, np.array([1.0]), together[None, None])
    assert not bond_breaking(ensemble).any()


def test_a_particle_alone_has_nothing_to_break():
    snapshot = gb.Snapshot(np.array([[0.0, 0, 0], [2.0, 2, 2]]), np.zeros(2), np.full(3, 6.0))
    moved = snapshot.positions + np.array([[1.0, 0, 0], [0.0, 0, 0]])
    ensemble = gb.IsoconfigurationalEnsemble(snapshot, np.array([1.0]), moved[None, None])
    assert np.array_equal(bond_breaking(ensemble), np.zeros((1, 2)))
