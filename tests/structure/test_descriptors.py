"""Descriptors: their definitions on paper, and every symmetry of space."""

from dataclasses import replace

import numpy as np
import pytest

import glassbotan as gb
from conftest import random_snapshot
from glassbotan.errors import InputError
from glassbotan.structure import minimum_image
from glassbotan.structure.descriptors import (
    DescriptorRecipe,
    bond_order,
    descriptor_names,
    descriptors,
    radial_densities,
)

RECIPE = DescriptorRecipe(
    shells=tuple(np.arange(8, 21) / 10), order_shells=(1.0, 1.3), degrees=(1, 2, 3, 4, 6)
)


def glass(dimension=3, seed=0):
    n, edge = (120, 5.2) if dimension == 3 else (80, 9.0)
    return random_snapshot(n, dimension=dimension, edge=edge, seed=seed)


def cluster(seed=0):
    """Particles in the middle of a box so wide that no image is seen, to be turned freely."""
    small = random_snapshot(60, edge=4.2, seed=seed)
    return gb.Snapshot(small.positions + 10.0, small.species, [24.0] * 3)


def plain_radial_densities(snapshot, recipe):
    out = np.zeros((snapshot.n_particles, recipe.n_species, len(recipe.shells)))
    for i in range(snapshot.n_particles):
        for j in range(snapshot.n_particles):
            vector = minimum_image(snapshot.positions[j] - snapshot.positions[i], snapshot.box)
            gap = np.linalg.norm(vector) - np.array(recipe.shells)
            if i != j:
                within = np.abs(gap) < 4 * recipe.shell_width
                out[i, snapshot.species[j]] += within * np.exp(
                    -(gap**2) / 2 / recipe.shell_width**2
                )
    return out.reshape(snapshot.n_particles, -1)


def plain_bond_order(snapshot, radius, width, degree):
    """By the addition theorem: q_l^2 = sum_jk w_j w_k P_l(cos angle_jk), no harmonics at all."""
    out = np.zeros(snapshot.n_particles)
    for i in range(snapshot.n_particles):
        vectors = minimum_image(snapshot.positions - snapshot.positions[i], snapshot.box)
        distances = np.linalg.norm(vectors, axis=1)
        near = (np.abs(distances - radius) < 4 * width) & (distances > 0)
        units = vectors[near] / distances[near, None]
        weights = np.exp(-((distances[near] - radius) ** 2) / 2 / width**2)
        cosines = np.clip(units @ units.T, -1, 1)
        if snapshot.dimension == 3:
            polynomial = np.polynomial.legendre.Legendre.basis(degree)(cosines)
        else:
            polynomial = np.cos(degree * np.arccos(cosines))
        if near.any():
            out[i] = np.sqrt(max(weights @ polynomial @ weights, 0)) / weights.sum()
    return out


def by_name(snapshot, recipe=RECIPE):
    return dict(zip(descriptor_names(recipe), descriptors(snapshot, recipe).T, strict=True))


@pytest.mark.parametrize("dimension", [2, 3])
def test_radial_densities_are_sums_of_gaussians(dimension):
    snapshot = glass(dimension)
    graph = gb.neighbour_graph(snapshot, RECIPE.reach)
    expected = plain_radial_densities(snapshot, RECIPE)
    assert np.allclose(radial_densities(graph, RECIPE), expected, atol=1e-10)
    assert np.allclose(descriptors(snapshot, RECIPE)[:, : expected.shape[1]], expected, atol=1e-10)


@pytest.mark.parametrize("dimension", [2, 3])
def test_bond_order_obeys_the_addition_theorem(dimension):
    snapshot = glass(dimension)
    columns = by_name(snapshot)
    for degree in RECIPE.degrees:
        expected = plain_bond_order(snapshot, 1.3, RECIPE.order_width, degree)
        assert np.allclose(columns[f"order l={degree} r=1.3"], expected, atol=2e-5)


def test_crystals_have_the_order_of_the_textbooks():
    sites = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), -1).reshape(-1, 3)
    basis = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    edge = 4 * np.sqrt(2)
    positions = (sites[:, None] + basis).reshape(-1, 3) * np.sqrt(2)
    fcc = gb.Snapshot(positions, np.zeros(256), [edge] * 3)
    recipe = DescriptorRecipe(
        shells=(1.0,), order_shells=(1.0,), order_width=0.05, degrees=(4, 6)
    )  # fmt: skip
    columns = by_name(fcc, recipe)
    assert np.allclose(columns["density A r=1"], 12)
    assert np.allclose(columns["order l=4 r=1"], 0.190941, atol=1e-4)
    assert np.allclose(columns["order l=6 r=1"], 0.574524, atol=1e-4)
    square = np.stack(np.meshgrid(np.arange(6.0), np.arange(6.0)), -1).reshape(-1, 2)
    columns = by_name(gb.Snapshot(square, np.zeros(36), [6.0, 6.0]), recipe)
    assert np.allclose(columns["order l=4 r=1"], 1, atol=1e-5)
    assert np.allclose(columns["order l=6 r=1"], 0, atol=1e-5)


def test_averages_are_weighted_by_distance_and_count_the_particle_itself():
    snapshot = gb.Snapshot([[1, 1, 1], [2, 1, 1], [3.2, 1, 1]], [0, 1, 0], [12.0] * 3)
    recipe = DescriptorRecipe(
        shells=(1.0,), order_shells=(), averaging_cutoff=2.0, shell_width=0.02
    )
    columns = by_name(snapshot, recipe)
    near, far = np.exp(-1.0), np.exp(-1.2)
    assert columns["density B r=1"].tolist() == pytest.approx([1, 0, 0])
    once = np.array([1 / (1 + near), near / (1 + near + far), 0])
    assert columns["density B r=1 mean 1"].tolist() == pytest.approx(once)
    twice = (once[0] + near * once[1]) / (1 + near)
    assert columns["density B r=1 mean 2"][0] == pytest.approx(twice)


@pytest.mark.parametrize("seed", range(4))
def test_no_rotation_reflection_or_translation_is_seen(seed):
    generator = np.random.default_rng(seed)
    snapshot = cluster(seed)
    turn = np.linalg.qr(generator.normal(size=(3, 3)))[0]
    centred = (snapshot.positions - 12.0) @ turn.T
    turned = replace(snapshot, positions=centred + generator.uniform(-30, 30, 3))
    mirrored = replace(turned, positions=turned.positions * [1, 1, -1])
    expected = descriptors(snapshot, RECIPE)
    # freud's harmonics are of single precision.
    assert np.allclose(descriptors(turned, RECIPE), expected, atol=1e-4)
    assert np.allclose(descriptors(mirrored, RECIPE), expected, atol=1e-4)


@pytest.mark.parametrize("dimension", [2, 3])
def test_a_new_order_of_the_particles_only_moves_rows(dimension):
    snapshot = glass(dimension, seed=3)
    order = np.random.default_rng(0).permutation(snapshot.n_particles)
    mixed = replace(
        snapshot, positions=snapshot.positions[order], species=snapshot.species[order]
    )  # fmt: skip
    expected = descriptors(snapshot, RECIPE)[order]
    assert np.allclose(descriptors(mixed, RECIPE), expected, atol=1e-4)


def test_periodic_images_and_turns_of_the_whole_box_are_not_seen():
    snapshot = glass(3, seed=4)
    images = np.random.default_rng(1).integers(-2, 3, snapshot.positions.shape) * snapshot.box
    moved = replace(snapshot, positions=(snapshot.positions + images)[:, [2, 0, 1]] * [1, -1, 1])
    assert np.allclose(descriptors(moved, RECIPE), descriptors(snapshot, RECIPE), atol=1e-4)


@pytest.mark.parametrize("recipe", [RECIPE, replace(RECIPE, generations=0), DescriptorRecipe()])
def test_every_column_has_one_name_of_its_own(recipe):
    names = descriptor_names(recipe)
    assert len(names) == len(set(names)) == recipe.n_columns
    snapshot = random_snapshot(200, edge=10.5)
    assert descriptors(snapshot, recipe).shape == (200, recipe.n_columns)


def test_empty_shells_are_zero_not_nan():
    lonely = gb.Snapshot([[1, 1, 1], [8, 8, 8]], [0, 1], [14.0] * 3)
    assert np.array_equal(descriptors(lonely), np.zeros((2, DescriptorRecipe().n_columns)))
    one_pair = gb.Snapshot([[1, 1, 1], [2, 1, 1], [8, 8, 8]], [0, 1, 0], [14.0] * 3)
    values = descriptors(one_pair)
    assert np.isfinite(values).all()
    assert not values[2].any()


def test_refusals_name_what_is_wrong():
    snapshot = glass()
    with pytest.raises(InputError, match=r"species 2 \(C\)"):
        descriptors(replace(snapshot, species=snapshot.species + 1), RECIPE)
    with pytest.raises(InputError, match="half the shortest box edge"):
        descriptors(snapshot)
    with pytest.raises(InputError, match="must be positive"):
        DescriptorRecipe(shell_width=0.0)
    with pytest.raises(InputError, match="no shell"):
        DescriptorRecipe(shells=(), order_shells=())
    with pytest.raises(InputError, match="count from 1"):
        DescriptorRecipe(degrees=(0,))


def test_bond_order_needs_no_order_shells():
    snapshot = glass()
    graph = gb.neighbour_graph(snapshot, 2.0)
    recipe = replace(RECIPE, order_shells=())
    assert bond_order(snapshot, graph, recipe).shape == (snapshot.n_particles, 0)
