"""The neighbour graph against a double loop, and its refusals."""

import resource
import sys
import time
from subprocess import run

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassbotan as gb
from conftest import random_snapshot
from glassbotan.structure import minimum_image, wrap
from glassbotan.structure.graph import unordered_pairs


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    dimension=st.sampled_from([2, 3]),
    stretch=st.floats(1.0, 2.0),
    cutoff=st.floats(0.6, 2.5),
    shift=st.floats(-30, 30),
)
def test_finds_exactly_the_pairs_of_a_double_loop(seed, dimension, stretch, cutoff, shift):
    small = random_snapshot(40, dimension=dimension, seed=seed)
    scale = np.linspace(1.0, stretch, dimension)
    snapshot = gb.Snapshot(small.positions * scale + shift, small.species, small.box * scale)
    graph = gb.neighbour_graph(snapshot, cutoff)
    separations = snapshot.positions[None] - snapshot.positions[:, None]
    vectors = minimum_image(separations, snapshot.box)
    distances = np.linalg.norm(vectors, axis=-1)
    receivers, senders = np.nonzero(((distances < cutoff) & ~np.eye(40, dtype=bool)).T)
    assert np.array_equal(graph.edge_index, [senders, receivers])
    assert np.allclose(graph.vectors, vectors[senders, receivers], atol=1e-9)
    assert np.allclose(graph.distances, distances[senders, receivers])
    for j in range(40):
        received = slice(graph.row_offsets[j], graph.row_offsets[j + 1])
        assert (graph.edge_index[1, received] == j).all()
    assert graph.row_offsets[-1] == graph.n_edges


def test_finds_the_pairs_of_a_tree_in_a_published_snapshot(labelled):
    spatial = pytest.importorskip("scipy.spatial")
    snapshot = labelled[0].motion.snapshot
    tree = spatial.KDTree(wrap(snapshot.positions, snapshot.box), boxsize=snapshot.box)
    pairs = tree.query_pairs(2.0, output_type="ndarray")
    senders, receivers = np.concatenate([pairs, pairs[:, ::-1]]).T
    order = np.lexsort((senders, receivers))
    graph = gb.neighbour_graph(snapshot)
    assert np.array_equal(graph.edge_index, [senders[order], receivers[order]])


@pytest.mark.parametrize("dimension", [2, 3])
def test_a_box_of_twice_the_cutoff_is_large_enough(dimension):
    snapshot = gb.Snapshot(np.diag([3.5] * dimension), [0] * dimension, [4.0] * dimension)
    graph = gb.neighbour_graph(snapshot, 2.0)
    assert graph.n_edges == dimension * (dimension - 1)
    assert np.allclose(graph.distances, np.sqrt(0.5))


@pytest.mark.parametrize("edge", [1e3, 1e9])
def test_a_dilute_gas_needs_no_memory_for_empty_space(edge):
    near_corners = [[0.5, 0.5, 0.5], [edge - 0.5, 0.5, 0.5], [edge / 2] * 3]
    graph = gb.neighbour_graph(gb.Snapshot(near_corners, [0, 0, 0], [edge] * 3))
    assert graph.edge_index.tolist() == [[1, 0], [0, 1]]
    assert np.allclose(graph.vectors, [[1, 0, 0], [-1, 0, 0]])


def test_one_particle_has_no_neighbours():
    graph = gb.neighbour_graph(gb.Snapshot([[1.0, 1.0]], [0], [9, 9]))
    assert graph.vectors.shape == (0, 2)
    assert graph.row_offsets.tolist() == [0, 0]


def test_a_graph_is_found_without_torch():
    code = (
        "import sys, glassbotan as gb; "
        "gb.neighbour_graph(gb.Snapshot([[0, 0, 0], [1, 0, 0]], [0, 0], [9, 9, 9])); "
        "print(*{'torch', 'scipy', 'ase'} & set(sys.modules))"
    )
    found = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


@pytest.mark.parametrize("dimension", [2, 3])
def test_unordered_pairs_are_half_of_the_edges(dimension):
    snapshot = random_snapshot(60, dimension=dimension)
    graph = gb.neighbour_graph(snapshot, 1.9)
    pairs, vectors = unordered_pairs(snapshot, 1.9)
    once = graph.edge_index[0] < graph.edge_index[1]
    assert np.array_equal(pairs, graph.edge_index[:, once])
    assert np.allclose(vectors, graph.vectors[once], rtol=0, atol=1e-14)


def test_a_cutoff_longer_than_half_the_box_is_refused():
    with pytest.raises(gb.InputError, match="longer than half"):
        gb.neighbour_graph(random_snapshot(20, edge=3.9), 2.0)


@pytest.mark.parametrize("cutoff", [0.0, -1.0, np.nan, np.inf])
def test_a_cutoff_that_is_no_length_is_refused(cutoff):
    with pytest.raises(gb.InputError, match="cutoff"):
        gb.neighbour_graph(random_snapshot(20), cutoff)


@pytest.mark.parametrize("gap", [0.0, 0.1])
def test_overlapping_particles_are_named(gap):
    snapshot = gb.Snapshot(
        [[1, 1, 1], [4, 4, 4], [4 + gap, 4, 4]], [0, 0, 1], [9, 9, 9], source="broken.xyz"
    )
    with pytest.raises(gb.InputError, match=r"broken.xyz: particles 1 and 2 overlap"):
        gb.neighbour_graph(snapshot)


def test_a_published_snapshot_takes_under_a_tenth_of_a_second(labelled):
    snapshot = labelled[0].motion.snapshot
    durations = []
    for _ in range(5):
        start = time.perf_counter()
        gb.neighbour_graph(snapshot)
        durations.append(time.perf_counter() - start)
    assert min(durations) < 0.1


@pytest.mark.slow
def test_a_million_particles_take_under_40_seconds_and_8_gib(labelled):
    small = labelled[0].motion.snapshot
    images = np.stack(np.meshgrid(*[np.arange(k) for k in (6, 6, 7)], indexing="ij"), -1)
    snapshot = gb.Snapshot(
        np.concatenate([small.positions + image * small.box for image in images.reshape(-1, 3)]),
        np.tile(small.species, 252),
        small.box * [6, 6, 7],
    )
    start = time.perf_counter()
    graph = gb.neighbour_graph(snapshot)
    assert time.perf_counter() - start < 40
    assert graph.n_edges == 252 * 166_240
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 8 * 2**20
