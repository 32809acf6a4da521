"""The engine ``lammps``: conserved quantities, temperatures, resumption, refusals."""

from dataclasses import replace

import numpy as np
import pytest

import glassbotan as gb
from glassbotan.errors import InputError, RunError
from glassbotan.simulation import DynamicsSettings, lammps_engine, start
from glassbotan.structure.potential import (
    KOB_ANDERSEN,
    KOB_ANDERSEN_CUT,
    energies_and_forces,
    interacting_pairs,
    potential_energy,
)
from simulation.glasses import needs_lammps, small_glass, temperature_of, thermal_glass

pytestmark = needs_lammps

HEAVY = replace(KOB_ANDERSEN_CUT, masses=np.array([1.0, 3.0]))


def largest_momentum(run, potential, snapshot):
    masses = potential.particle_masses(snapshot.species)
    total = np.einsum("n,rnd->rd", masses, run.velocities())
    return np.abs(total).max() / snapshot.n_particles


def drift_and_momentum(snapshot, steps, potential=KOB_ANDERSEN_CUT):
    """Relative change of the energy from the first tenth of the run to the last."""
    run = start("lammps", snapshot, DynamicsSettings(0.44), potential=potential, seed=2)
    energies = []
    for _ in range(100):
        run.advance(steps // 100)
        energies.append(sum(run.energies())[0])
    drift = np.mean(energies[-10:]) - np.mean(energies[:10])
    return abs(drift / np.mean(energies)), largest_momentum(run, potential, snapshot)


@pytest.mark.parametrize("potential", [KOB_ANDERSEN_CUT, KOB_ANDERSEN])
def test_newton_keeps_energy_and_momentum(potential):
    drift, momentum = drift_and_momentum(thermal_glass(3), 10_000, potential)
    assert drift < 1e-4
    assert momentum < 1e-12


# Where the force jumps at the cutoff, the energy walks at random by an amount that falls with the
# square root of the number of particles; the small glass shows what the integration itself does.
@pytest.mark.slow
@pytest.mark.parametrize("size", ["small and force-shifted", "published"])
def test_newton_keeps_energy_and_momentum_over_a_hundred_thousand_steps(size, published):
    snapshot, potential = (
        (gb.read(published[0]), KOB_ANDERSEN_CUT)
        if size == "published"
        else (thermal_glass(3), KOB_ANDERSEN)
    )
    drift, momentum = drift_and_momentum(snapshot, 100_000, potential)
    assert drift < 1e-4
    assert momentum < 1e-10


@pytest.mark.parametrize("potential", [KOB_ANDERSEN_CUT, KOB_ANDERSEN, HEAVY])
@pytest.mark.parametrize("dimension", [2, 3])
def test_energies_are_those_of_this_package_and_time_runs_both_ways(dimension, potential):
    snapshot = thermal_glass(dimension)
    settings = DynamicsSettings(0.44, timestep=0.001)
    run = start("lammps", snapshot, settings, potential=potential)
    before = run.energies()
    assert before[0][0] == pytest.approx(potential_energy(snapshot, potential), rel=1e-12)
    masses = potential.particle_masses(snapshot.species)
    kinetic = 0.5 * np.einsum("n,nd->", masses, run.velocities()[0] ** 2)
    assert before[1][0] == pytest.approx(kinetic, rel=1e-12)
    assert not run.displacements().any()
    run.advance(1)
    forces = energies_and_forces(snapshot.positions, interacting_pairs(snapshot, potential))[1]
    start_velocities = start("lammps", snapshot, settings, potential=potential).velocities()[0]
    expected = 0.001 * start_velocities + 0.5e-6 * forces / masses[:, None]
    assert np.allclose(run.displacements()[0], expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("integrator", ["nose-hoover", "langevin"])
def test_thermostats_reach_their_temperature_with_equipartition(integrator):
    snapshot = small_glass(2)
    settings = DynamicsSettings(0.7, integrator=integrator, damping=0.5)
    run = start("lammps", snapshot, settings, potential=HEAVY, seed=1)
    run.advance(2000)
    masses = HEAVY.particle_masses(snapshot.species)
    squares = []
    for _ in range(200):
        run.advance(100)
        squares.append(masses[:, None] * run.velocities()[0] ** 2)
    mean = np.mean(squares, axis=0)
    light = snapshot.species == 0
    # Zero momentum takes one of N from all.
    expected = 0.7 * (1 - 1 / snapshot.n_particles)
    for part in (mean[light], mean[~light], mean[:, 0], mean[:, 1]):
        assert part.mean() == pytest.approx(expected, rel=0.04)
    # The canonical fluctuation, not the smaller one of rescaled velocities.
    temperatures = np.mean(squares, axis=(1, 2))
    canonical = expected * np.sqrt(1 / snapshot.n_particles)
    assert temperatures.std() == pytest.approx(canonical, rel=0.3)


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("integrator", ["nve", "nose-hoover", "langevin"])
def test_resumes_to_the_last_bit(integrator, dimension, monkeypatch):
    monkeypatch.setattr(lammps_engine, "STRETCH", 200)
    snapshot = thermal_glass(dimension)
    settings = DynamicsSettings(0.44, integrator=integrator)

    def begin():
        return start("lammps", snapshot, settings, trajectories=[0, 4], seed=9)

    undisturbed = begin()
    undisturbed.advance(900)
    for stops in ([200, 700], [330, 100, 470], [400, 500]):
        run = begin()
        for steps in stops:
            state = {name: np.array(values) for name, values in run.state().items()}
            run.close()
            run = begin()
            run.restore(state)
            run.advance(steps)
        assert run.step == undisturbed.step == 900
        assert np.array_equal(run.displacements(), undisturbed.displacements())
        assert np.array_equal(run.velocities(), undisturbed.velocities())
        assert np.array_equal(run.energies(), undisturbed.energies())


@pytest.mark.parametrize("integrator", ["nve", "nose-hoover", "langevin"])
def test_two_dimensions_stay_flat(integrator):
    run = start("lammps", small_glass(2), DynamicsSettings(0.44, integrator=integrator))
    run.advance(200)
    (trajectory,) = run._trajectories
    for name in ("x", "v"):
        in_space = np.array(trajectory._engine.gather_atoms(name, 1, 3)).reshape(-1, 3)
        assert not in_space[:, 2].any()


def test_displacements_are_unwrapped_and_continuous():
    snapshot = thermal_glass(2)
    settings = DynamicsSettings(3.0, integrator="langevin")
    run = start("lammps", snapshot, settings, trajectories=[0, 1])
    before = run.displacements()
    for _ in range(100):
        run.advance(100)
        now = run.displacements()
        assert np.abs(now - before).max() < 0.25 * snapshot.box.min()
        before = now
    assert np.abs(before).max() > 0.5 * snapshot.box.min()


def test_a_snapshot_with_unwrapped_positions_moves_alike():
    snapshot = thermal_glass(3)
    images = np.random.default_rng(0).integers(-3, 4, snapshot.positions.shape) * snapshot.box
    moved = replace(snapshot, positions=snapshot.positions + images)
    runs = [start("lammps", one, DynamicsSettings(0.44)) for one in (snapshot, moved)]
    for run in runs:
        run.advance(20)
    assert np.allclose(runs[0].displacements(), runs[1].displacements(), rtol=0, atol=1e-11)


@pytest.mark.parametrize("integrator", ["nve", "nose-hoover", "langevin"])
def test_a_blow_up_is_found_and_its_step_named(integrator):
    settings = DynamicsSettings(0.44, timestep=0.05, integrator=integrator)
    run = start("lammps", thermal_glass(3), settings)
    with pytest.raises(RunError, match=r"trajectory 0 blew up by step \d+ .*shorter than 0.05"):
        run.advance(2000)


def test_a_drift_that_lammps_lets_pass_is_found(monkeypatch):
    run = start("lammps", thermal_glass(3), DynamicsSettings(0.44))
    run.advance(100)
    monkeypatch.setattr(lammps_engine, "LARGEST_DRIFT", 1e-9)
    with pytest.raises(RunError, match=r"by step 200 \(t = 1\): its energy moved by"):
        run.advance(500)


def test_leaves_no_file_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lammps_engine.tempfile, "tempdir", str(tmp_path))
    start("lammps", thermal_glass(2), DynamicsSettings(0.44)).advance(10)
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(lammps_engine.tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(RunError, match="temporary file cannot be written"):
        start("lammps", thermal_glass(2), DynamicsSettings(0.44))


def test_wrong_checkpoints_are_refused():
    snapshot = thermal_glass(2)
    run = start("lammps", snapshot, DynamicsSettings(0.44), trajectories=[0, 1])
    state = run.state()
    with pytest.raises(InputError, match=r"of trajectories \[0, 1\]; this run's are \[0\]"):
        start("lammps", snapshot, DynamicsSettings(0.44)).restore(state)
    damaged = state["restart_1"].copy()
    damaged[100] ^= 1
    with pytest.raises(InputError, match="damaged"):
        run.restore({**state, "restart_1": damaged})
    with pytest.raises(InputError, match="none of the engine 'lammps'"):
        run.restore({"step": np.array(3)})
    other = gb.Snapshot(
        snapshot.positions[:-1], snapshot.species[:-1], snapshot.box, temperature=0.44
    )
    with pytest.raises(InputError, match="holds 90 particles at step 0; this run has 89"):
        start("lammps", other, DynamicsSettings(0.44), trajectories=[0, 1]).restore(state)
    with pytest.raises(InputError, match="advance by -1"):
        run.advance(-1)


def test_temperature_of_the_first_velocities():
    snapshot = thermal_glass(3)
    run = start("lammps", snapshot, DynamicsSettings(0.44), trajectories=range(8))
    temperatures = temperature_of(run.energies()[1], snapshot)
    assert temperatures.mean() == pytest.approx(0.44, rel=0.05)
    assert len(set(temperatures)) == 8
