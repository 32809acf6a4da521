"""Lengths of bonds in many trajectories, against one bond after another; both directions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassbotan as gb
from conftest import random_ensemble, random_snapshot
from glassbotan.dynamics import bond_extension
from glassbotan.dynamics.bonds import BLOCK, Bonds, both_ways, mean_of_both_ways


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("trajectories", [1, 6])
def test_lengths_are_those_of_each_trajectory(dimension, trajectories):
    snapshot = random_snapshot(60, dimension=dimension)
    bonds = Bonds.of(gb.neighbour_graph(snapshot))
    moved = random_ensemble(snapshot, trajectories=trajectories).displacements(0)
    now = bonds.vectors + (moved[:, bonds.second] - moved[:, bonds.first])
    assert np.allclose(bonds.lengths(moved), np.linalg.norm(now, axis=-1), atol=1e-14)


def test_more_bonds_than_one_block_are_the_same(monkeypatch):
    snapshot = random_snapshot(60)
    bonds = Bonds.of(gb.neighbour_graph(snapshot))
    moved = random_ensemble(snapshot, trajectories=3).displacements(0)
    assert len(bonds.first) < BLOCK // 3
    at_once = bonds.lengths(moved)
    monkeypatch.setattr("glassbotan.dynamics.bonds.BLOCK", 3 * 7)
    assert np.array_equal(bonds.lengths(moved), at_once)


@pytest.mark.parametrize("dimension", [2, 3])
def test_bonds_of_a_snapshot_are_those_of_its_graph(dimension):
    snapshot = random_snapshot(60, dimension=dimension)
    found, expected = Bonds.up_to(snapshot, 1.8), Bonds.of(gb.neighbour_graph(snapshot, 1.8))
    assert np.array_equal(found.pairs, expected.pairs)
    assert np.array_equal(found.vectors, expected.vectors)
    shorter = found.within(1.2)
    assert np.array_equal(found.places_of(shorter), np.flatnonzero(found.distances < 1.2))
    places = shorter.places_of(found)
    assert np.array_equal(places >= 0, found.distances < 1.2)
    assert np.array_equal(places[places >= 0], np.arange(len(shorter)))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 60), dimension=st.sampled_from([2, 3]))
def test_both_directions_of_a_bond_have_its_value(seed, n, dimension):
    graph = gb.neighbour_graph(random_snapshot(n, dimension=dimension, seed=seed))
    bonds = Bonds.of(graph)
    every = both_ways(np.stack([bonds.first, bonds.second]).astype(float), graph)
    assert np.array_equal(every, [graph.edge_index.min(axis=0), graph.edge_index.max(axis=0)])
    # Of a bond's two values the mean is kept, so that numbering decides nothing.
    mean = mean_of_both_ways(graph.edge_index[0].astype(float), graph)
    assert np.array_equal(mean, (bonds.first + bonds.second) / 2)


def test_more_particles_than_16_bits_count_have_their_bonds_in_both_directions():
    # Pairs that are far from each other; numbers of the second particles follow all first ones.
    firsts = np.stack(np.meshgrid(*[np.arange(0.0, 96.0, 3.0)] * 3, indexing="ij"), -1)
    positions = np.concatenate([firsts.reshape(-1, 3), firsts.reshape(-1, 3) + [1.0, 0.0, 0.0]])
    snapshot = gb.Snapshot(positions, np.zeros(len(positions), dtype=int), [96.0] * 3)
    assert snapshot.n_particles > np.iinfo(np.uint16).max
    moved = snapshot.positions.copy()
    moved[: len(positions) // 2, 0] -= np.linspace(0, 0.5, len(positions) // 2)
    ensemble = gb.IsoconfigurationalEnsemble(snapshot, np.array([1.0]), moved[None, None])
    graph = gb.neighbour_graph(snapshot, 1.2)
    extension = bond_extension(ensemble, graph)[0]
    expected = np.linspace(0, 0.5, len(positions) // 2)[Bonds.of(graph).first]
    assert np.allclose(extension, expected)
    every = both_ways(extension, graph)
    assert np.allclose(every, expected[graph.edge_index.min(axis=0)])
