"""The inherent structure: a minimum, the same by both methods, continuous with the input."""

from dataclasses import replace

import numpy as np
import pytest

import glassbotan as gb
from conftest import random_snapshot
from glassbotan.errors import InputError, RunError
from glassbotan.structure import inherent
from glassbotan.structure.inherent import inherent_structure
from glassbotan.structure.potential import (
    KOB_ANDERSEN,
    KOB_ANDERSEN_CUT,
    energies_and_forces,
    interacting_pairs,
    potential_energy,
)
from glassbotan.structure.verlet_list import SKIN, VerletList

needs_lammps = pytest.mark.skipif(inherent.lammps_class() is None, reason="LAMMPS cannot be loaded")
METHODS = ["fire", pytest.param("lammps", marks=needs_lammps)]


def largest_force(snapshot):
    forces = energies_and_forces(snapshot.positions, interacting_pairs(snapshot))[1]
    return np.linalg.norm(forces, axis=1).max()


def small_glass(dimension, seed=0):
    """At the density of the mixture, in the smallest box that is comfortable."""
    n, edge = (180, 5.4) if dimension == 3 else (100, 9.0)
    return random_snapshot(n, dimension=dimension, edge=edge, seed=seed)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dimension", [2, 3])
def test_is_a_minimum_below_the_input(method, dimension):
    snapshot = small_glass(dimension)
    minimum = inherent_structure(snapshot, method=method)
    assert largest_force(minimum) <= 1e-6
    energy = potential_energy(minimum)
    assert energy < potential_energy(snapshot)
    generator = np.random.default_rng(5)
    for _ in range(10):
        nudge = 1e-3 * generator.normal(size=minimum.positions.shape)
        assert potential_energy(replace(minimum, positions=minimum.positions + nudge)) > energy


@pytest.mark.parametrize("method", METHODS)
def test_keeps_the_system_and_is_continuous_with_unwrapped_input(method):
    snapshot = small_glass(2, seed=1)
    images = np.random.default_rng(2).integers(-3, 4, snapshot.positions.shape) * snapshot.box
    unwrapped = gb.Snapshot(
        snapshot.positions + images,
        snapshot.species,
        snapshot.box,
        fields={"charge": np.zeros(snapshot.n_particles)},
        temperature=0.44,
        source="here.xyz",
    )
    before = unwrapped.positions.copy()
    minimum = inherent_structure(unwrapped, method=method)
    assert np.array_equal(unwrapped.positions, before)
    assert np.array_equal(minimum.species, snapshot.species)
    assert np.array_equal(minimum.box, snapshot.box)
    assert (minimum.temperature, minimum.source) == (0.44, "here.xyz")
    assert not minimum.fields
    # Whole box edges would show: nothing in this small box goes further than a diameter or two.
    assert np.abs(minimum.positions - before).max() < 2.5
    folded = inherent_structure(snapshot, method=method)
    assert np.allclose(minimum.positions - images, folded.positions, atol=1e-6)


def test_two_particles_settle_at_the_minimum_of_their_potential():
    pair = gb.Snapshot([[9.8, 0, 0], [10.9, 0.3, 0.2]], [0, 1], [10.0] * 3)
    minimum = inherent_structure(pair, KOB_ANDERSEN_CUT, method="fire")
    distance = np.linalg.norm(minimum.positions[1] - minimum.positions[0])
    assert distance == pytest.approx(0.8 * 2 ** (1 / 6), abs=1e-6)
    assert np.allclose(minimum.positions.mean(axis=0), pair.positions.mean(axis=0), atol=1e-9)


def test_a_minimum_stays_where_it_is():
    minimum = inherent_structure(small_glass(2, seed=4), method="fire")
    assert np.array_equal(
        inherent_structure(minimum, method="fire").positions, minimum.positions
    )  # fmt: skip


def test_the_neighbour_list_is_never_late(monkeypatch):
    snapshot = small_glass(3, seed=6)
    kept = VerletList(snapshot, KOB_ANDERSEN)
    assert 0 < kept.pairs.skin <= SKIN
    positions, generator = snapshot.positions.copy(), np.random.default_rng(7)
    made = []
    for _ in range(40):
        positions = positions + generator.uniform(-0.01, 0.01, positions.shape)
        fresh = energies_and_forces(
            positions, interacting_pairs(replace(snapshot, positions=positions))
        )
        assert np.allclose(kept.forces(positions), fresh[1], atol=1e-7 * np.abs(fresh[1]).max())
        made += [] if kept.pairs in made else [kept.pairs]
    assert 1 < len(made) < 40


@needs_lammps
@pytest.mark.parametrize(("dimension", "seed"), [(2, 0), (2, 1), (2, 2), (3, 0)])
def test_both_methods_end_in_the_same_minimum(dimension, seed):
    snapshot = small_glass(dimension, seed)
    ours, theirs = (inherent_structure(snapshot, method=m) for m in ("fire", "lammps"))
    assert np.abs(ours.positions - snapshot.positions).max() > 0.1
    assert np.allclose(ours.positions, theirs.positions, rtol=0, atol=1e-5)


@needs_lammps
def test_both_methods_take_the_same_path(monkeypatch):
    snapshot = small_glass(3)
    forces_at = VerletList(snapshot, KOB_ANDERSEN).forces
    # Half a step back and the limit of a move are on this way too.
    monkeypatch.setattr(inherent, "FIRE", replace(inherent.FIRE, largest_move=0.003))
    for steps in (1, 2, 30, 100):
        ours = inherent._fire(snapshot.positions, forces_at, 1e-6, steps)
        theirs = inherent._lammps_fire(inherent.lammps_class(), snapshot, KOB_ANDERSEN, 1e-6, steps)
        assert np.allclose(ours, theirs, rtol=0, atol=1e-9)


@needs_lammps
def test_both_methods_know_other_potentials():
    far = replace(KOB_ANDERSEN_CUT, cutoff=np.full((2, 2), 7.0))
    small = random_snapshot(40, edge=3.6, seed=2)
    drop = gb.Snapshot(small.positions + 5.0, small.species, [15.0] * 3)
    ours, theirs = (inherent_structure(drop, far, method=m) for m in ("fire", "lammps"))
    assert potential_energy(ours, far) < potential_energy(
        inherent_structure(drop, KOB_ANDERSEN_CUT), far
    )
    assert np.allclose(ours.positions, theirs.positions, rtol=0, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_particles_that_nearly_overlap_are_parted_and_not_flung(method):
    snapshot = small_glass(2)
    positions = snapshot.positions.copy()
    positions[1] = positions[0] + [0.31, 0.0]
    minimum = inherent_structure(replace(snapshot, positions=positions), method=method)
    assert np.abs(minimum.positions - positions).max() < 2.5
    assert potential_energy(minimum) < 0


@pytest.mark.slow
@needs_lammps
@pytest.mark.parametrize(("number", "energy"), [(0, -7.680636), (1, -7.678965)])
def test_both_methods_reach_the_same_minimum_of_a_published_glass(published, number, energy):
    snapshot = gb.read(published[number])
    ours, theirs = (
        inherent_structure(snapshot, KOB_ANDERSEN_CUT, method=m) for m in ("fire", "lammps")
    )
    energies = [potential_energy(s, KOB_ANDERSEN_CUT) / s.n_particles for s in (ours, theirs)]
    assert energies[0] == pytest.approx(energies[1], abs=1e-8)
    assert energies[0] == pytest.approx(energy, abs=2e-6)
    assert np.linalg.norm(ours.positions - theirs.positions, axis=1).max() < 1e-4


def test_auto_works_without_lammps(monkeypatch):
    monkeypatch.setattr(inherent, "lammps_class", lambda: None)
    snapshot = small_glass(2)
    by_fire = inherent_structure(snapshot, method="fire")
    assert np.array_equal(inherent_structure(snapshot).positions, by_fire.positions)
    with pytest.raises(InputError, match=r"glassbotan\[simulate\]"):
        inherent_structure(snapshot, method="lammps")


@pytest.mark.parametrize("method", METHODS)
def test_refusals_name_what_is_wrong(method):
    snapshot = small_glass(3)
    with pytest.raises(RunError, match=r"within 3 steps; a force of .* is left"):
        inherent_structure(snapshot, method=method, max_steps=3)
    with pytest.raises(InputError, match="species 2"):
        inherent_structure(replace(snapshot, species=snapshot.species + 1), method=method)
    with pytest.raises(InputError, match="overlap"):
        inherent_structure(gb.Snapshot([[0, 0, 0], [0.01, 0, 0]], [0, 0], [9.0] * 3), method=method)
    with pytest.raises(InputError, match="method 'lbfgs' is unknown"):
        inherent_structure(snapshot, method="lbfgs")
    with pytest.raises(InputError, match="force tolerance"):
        inherent_structure(snapshot, method=method, force_tolerance=0.0)
