"""Walls around every particle: the native engine against their definition, and as physics."""

import numpy as np
import pytest

from glassbotan.errors import InputError
from glassbotan.simulation import engines
from glassbotan.simulation.cages import Cages
from glassbotan.simulation.engine import Task
from glassbotan.simulation.ensemble_engine import EnsembleRun, instruction_sets
from glassbotan.simulation.settings import DynamicsSettings
from glassbotan.structure import Snapshot
from glassbotan.structure.potential import KOB_ANDERSEN, energies_and_forces, interacting_pairs
from simulation.glasses import small_glass
from simulation.walls import walls_of

built = pytest.mark.skipif(
    engines.available()["ensemble"] is not None,
    reason="the ensemble engine was not built (no C++ compiler)",
)


def caged_run(
    snapshot, cages, *, temperature=0.44, trajectories=3, integrator="langevin", **options
):
    settings = DynamicsSettings(temperature, integrator=integrator, damping=0.5)
    task = Task(snapshot, KOB_ANDERSEN, settings, tuple(range(trajectories)), cages=cages)
    return EnsembleRun(task, **options)


@built
@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("instruction_set", instruction_sets())
def test_walls_push_as_they_are_defined(dimension, instruction_set):
    glass = small_glass(dimension)
    offset = np.random.default_rng(2).normal(scale=0.05, size=glass.positions.shape)
    cages = Cages(glass.positions + offset, radius=0.08, stiffness=30.0)
    run = caged_run(glass, cages, instruction_set=instruction_set)
    run.advance(100)
    for positions, forces, energy in zip(
        run.positions(), run.forces(), run.energies()[0], strict=True
    ):
        moved = Snapshot(positions, glass.species, glass.box)
        expected_energy, expected = energies_and_forces(
            positions, interacting_pairs(moved, KOB_ANDERSEN)
        )
        walls, push = walls_of(cages, positions)
        assert np.any(walls > 0)
        assert np.any(walls == 0)
        expected = expected + push
        assert np.abs(forces - expected).max() < 2e-5 * np.sqrt(np.mean(expected**2))
        assert energy == pytest.approx(expected_energy.sum() + walls.sum(), rel=1e-6)


@built
def test_a_hot_liquid_stays_in_its_cages_and_goes_without_them():
    glass = small_glass(3)
    furthest = {}
    for cages in (Cages(glass.positions, 0.3), None):
        run = caged_run(glass, cages, temperature=1.5)
        run.advance(2000)
        furthest[cages is None] = np.linalg.norm(run.displacements(), axis=-1).max()
    # The wall's energy is some k_B T where a particle is sqrt(2 T / k) = 0.12 beyond.
    assert furthest[False] < 0.3 + 5 * np.sqrt(2 * 1.5 / 200)
    assert furthest[True] > 1.5


@built
def test_energy_is_conserved_within_walls():
    glass = small_glass(3)
    run = caged_run(glass, Cages(glass.positions, 0.05, 50.0), integrator="nve", temperature=0.5)
    run.advance(3000)
    total = np.sum(run.energies(), axis=0)
    assert total == pytest.approx(run.initial_energy, abs=2e-3 * glass.n_particles * 0.75)


def test_walls_are_the_gradient_of_their_energy():
    cages = Cages(np.zeros((1, 3)), 0.4, 200.0)
    at, step = np.array([[0.3, 0.4, -0.2]]), 1e-6
    for axis in range(3):
        moved = np.zeros((1, 3))
        moved[0, axis] = step
        difference = (walls_of(cages, at + moved)[0] - walls_of(cages, at - moved)[0]) / (2 * step)
        assert -difference == pytest.approx(walls_of(cages, at)[1][:, axis], rel=1e-6)
    energy, force = walls_of(cages, np.array([[0.1, 0.2, 0.3]]))
    assert not energy.any()
    assert not force.any()


def test_what_makes_no_sense_is_refused():
    glass = small_glass(3)
    with pytest.raises(InputError, match="radius is -1"):
        Cages(glass.positions, -1.0)
    with pytest.raises(InputError, match="finite"):
        Cages(np.full((4, 3), np.nan), 0.4)
    settings = DynamicsSettings(0.44, integrator="langevin")
    with pytest.raises(InputError, match=r"centres of cages have shape \[4, 3\]"):
        engines.start("ensemble", glass, settings, cages=Cages(np.zeros((4, 3)), 0.4))
    with pytest.raises(InputError, match="knows no cages"):
        engines.start("lammps", glass, settings, cages=Cages(glass.positions, 0.4))
