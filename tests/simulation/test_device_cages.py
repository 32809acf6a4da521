"""Cages in batches: against their definition, the native engine, and boxes that have none."""

from dataclasses import replace

import numpy as np
import pytest

from glassbotan.simulation import engines, ensemble_engine
from glassbotan.simulation.cages import Cages
from glassbotan.simulation.device import batch as batch_module
from glassbotan.simulation.device import engine as device_engine
from glassbotan.simulation.device.batch import Batch
from glassbotan.simulation.engine import Task
from glassbotan.simulation.settings import DynamicsSettings
from glassbotan.structure import Snapshot
from glassbotan.structure.potential import KOB_ANDERSEN, energies_and_forces, interacting_pairs
from simulation.glasses import small_glass
from simulation.walls import walls_of

built = pytest.mark.skipif(
    engines.available()["ensemble"] is not None,
    reason="the ensemble engine was not built (no C++ compiler)",
)


def task(dimension=3, trajectories=(0, 1, 2), *, cages=None, temperature=0.44, **changes):
    wanted = {"integrator": "langevin", "damping": 0.5, **changes}
    settings = DynamicsSettings(temperature, **wanted)
    return Task(small_glass(dimension), KOB_ANDERSEN, settings, tuple(trajectories), cages=cages)


def tight(dimension=3, seed=2, radius=0.08, stiffness=30.0):
    """Cages that are off the particles' places and hold some of them back at once."""
    places = small_glass(dimension).positions
    offset = np.random.default_rng(seed).normal(scale=0.05, size=places.shape)
    return Cages(places + offset, radius, stiffness)


@pytest.mark.parametrize("dimension", [2, 3])
def test_walls_push_as_they_are_defined(dimension):
    glass, cages = small_glass(dimension), tight(dimension)
    batch = Batch([task(dimension, cages=cages)])
    batch.advance(40)
    for moved, forces, energy in zip(
        batch.displacements(0), batch.forces(0), batch.energies(0)[0], strict=True
    ):
        positions = glass.positions + moved
        where = Snapshot(positions, glass.species, glass.box)
        energies, expected = energies_and_forces(positions, interacting_pairs(where, KOB_ANDERSEN))
        walls, push = walls_of(cages, positions)
        assert 0 < np.count_nonzero(walls) < len(walls)
        expected = expected + push
        assert np.abs(forces - expected).max() < 1e-5 * np.sqrt(np.mean(expected**2))
        assert energy == pytest.approx(energies.sum() + walls.sum(), rel=1e-6)


@built
@pytest.mark.parametrize("integrator", ["nve", "langevin"])
def test_trajectories_are_those_of_the_native_engine(integrator):
    wanted = task(trajectories=(0, 5), cages=tight(), integrator=integrator)
    ours, theirs = Batch([wanted]), ensemble_engine.start(wanted)
    for run in (ours, theirs):
        run.advance(200)
    np.testing.assert_allclose(ours.displacements(0), theirs.displacements(), atol=1e-4)
    np.testing.assert_allclose(ours.velocities(0), theirs.velocities(), atol=5e-3)
    for mine, other in zip(ours.energies(0), theirs.energies(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5)


def test_every_box_has_cages_of_its_own_or_none():
    tasks = [
        task(cages=tight()),
        task(trajectories=(4,)),
        task(cages=tight(seed=9, radius=0.2, stiffness=200.0)),
    ]
    together = Batch(tasks)
    together.advance(20)
    for box, one in enumerate(tasks):
        alone = Batch([one])
        alone.advance(20)
        for name, values in alone.state(0).items():
            np.testing.assert_array_equal(together.state(box)[name], values, err_msg=name)


def test_the_centre_of_mass_is_held_at_rest_only_without_cages(monkeypatch):
    # Walls that all push the same way.
    shifted = Cages(small_glass(3).positions + [0.2, 0.0, 0.0], 0.1, 5.0)
    free = task(trajectories=(0, 1), integrator="nve")
    monkeypatch.setattr(batch_module, "STEPS_BETWEEN_RESTS", 10)
    batch = Batch([replace(free, cages=shifted), free])
    batch.advance(10)
    kept = batch.momentum()
    assert np.all(kept[0, :, 0] > 3.0)
    assert np.abs(kept[1]).max() < 1e-5
    untouched = Batch([replace(free, cages=shifted)])
    monkeypatch.setattr(batch_module, "STEPS_BETWEEN_RESTS", 1000)
    untouched.advance(10)
    np.testing.assert_array_equal(untouched.momentum()[0], kept[0])


def test_energy_is_conserved_within_walls():
    cages = Cages(small_glass(3).positions, 0.05, 50.0)
    batch = Batch([task(trajectories=(0, 1), cages=cages, integrator="nve", temperature=0.5)])
    batch.advance(400)
    total = np.sum(batch.energies(0), axis=0)
    assert total == pytest.approx(batch.initial_energy[0], abs=2e-3 * batch.particles * 0.75)


def test_a_run_on_a_device_keeps_the_cages_of_all_its_trajectories():
    glass = small_glass(3)
    cages = Cages(glass.positions, 0.1, 2000.0)
    settings = DynamicsSettings(1.5, integrator="langevin", damping=0.5, timestep=0.004)
    run = engines.start(
        "ensemble", glass, settings, trajectories=range(34), cages=cages, device="cpu-plain"
    )
    assert isinstance(run, device_engine.Part)
    run.advance(40)
    caged = np.linalg.norm(run.displacements(), axis=-1)
    free = Batch([task(trajectories=(33,), temperature=1.5, timestep=0.004)])
    free.advance(40)
    # The wall's energy is some k_B T where a particle is sqrt(2 T / k) = 0.04 beyond.
    assert caged.max() < 0.1 + 5 * np.sqrt(2 * 1.5 / 2000)
    assert np.linalg.norm(free.displacements(0), axis=-1).max() > caged[33].max()


def test_a_run_within_walls_goes_on_bit_for_bit():
    wanted = task(trajectories=(0, 1), cages=tight())
    through, resumed = (
        device_engine.start(wanted, "cpu-plain"),
        device_engine.start(wanted, "cpu-plain"),
    )
    through.advance(13)
    resumed.restore(through.state())
    for run in (through, resumed):
        run.advance(9)
    for name, values in through.state().items():
        np.testing.assert_array_equal(resumed.state()[name], values, err_msg=name)
