"""The native ensemble engine against double loops, physics and LAMMPS."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import glassbotan as gb
from glassbotan.errors import InputError, RunError
from glassbotan.simulation import ensemble_engine, lammps_engine, native
from glassbotan.simulation.engine import Task
from glassbotan.simulation.engines import available
from glassbotan.simulation.ensemble_engine import EnsembleRun, instruction_sets
from glassbotan.simulation.settings import DynamicsSettings
from glassbotan.structure.interaction.forms.lennard_jones import LennardJones
from glassbotan.structure.potential import (
    KOB_ANDERSEN_CUT,
    PairPotential,
    energies_and_forces,
    interacting_pairs,
)
from glassbotan.structure.snapshot import Snapshot

pytestmark = pytest.mark.skipif(
    available()["ensemble"] is not None,
    reason="the ensemble engine was not built (no C++ compiler)",
)

PUBLISHED = Path(__file__).parents[2] / "data/published/isoconfig_N4096T0.44_402_tc07.npz"


def ensemble_run(
    snapshot,
    potential=KOB_ANDERSEN_CUT,
    *,
    temperature,
    trajectories=32,
    first_trajectory=0,
    seed=0,
    timestep=0.005,
    dynamics="nve",
    friction=1.0,
    masses=None,
    force_shifted=False,
    velocities=None,
    **options,
):
    shift = "force" if force_shifted else "energy"
    potential = replace(potential, masses=masses, shift=shift)
    settings = DynamicsSettings(temperature, timestep, dynamics, damping=1 / friction)
    indices = tuple(range(first_trajectory, first_trajectory + trajectories))
    task = Task(snapshot, potential, settings, indices, seed=seed, velocities=velocities)
    return EnsembleRun(task, **options)


def momenta(run, snapshot):
    masses = KOB_ANDERSEN_CUT.particle_masses(snapshot.species)
    return np.einsum("n,rnd->rd", masses, run.velocities())


@pytest.fixture(scope="module")
def published():
    return gb.read(PUBLISHED)


def lattice(edge_count, density, dimension, share_of_b=0.2):
    """Return a mixture on a simple lattice, shaken so that no two distances are the same."""
    count = edge_count**dimension
    box = np.full(dimension, (count / density) ** (1 / dimension))
    cells = np.stack(np.meshgrid(*[np.arange(edge_count)] * dimension), axis=-1)
    generator = np.random.default_rng(7)
    positions = (cells.reshape(count, dimension) + 0.5) * box / edge_count
    positions += generator.normal(scale=0.01, size=positions.shape)
    species = (generator.random(count) < share_of_b).astype(int)
    return Snapshot(positions, species, box, source="lattice")


def melted(snapshot, temperature, steps):
    """Return the snapshot after Langevin dynamics, first at twice the temperature."""
    for factor in (2, 1):
        run = ensemble_run(
            snapshot, temperature=factor * temperature, trajectories=1, dynamics="langevin",
            friction=5.0, timestep=0.002,
        )  # fmt: skip
        run.advance(steps)
        moved = run.positions()[0]
        snapshot = Snapshot(moved, snapshot.species, snapshot.box, source="liquid")
    return snapshot


@pytest.fixture(scope="module")
def liquid():
    """216 particles in a box of little more than twice the cutoff: many pairs by two images."""
    return melted(lattice(6, 1.2, 3), 0.7, 2000)


@pytest.fixture(scope="module")
def flat_liquid():
    return melted(lattice(18, 1.1, 2), 0.7, 2000)


def reference(snapshot, positions, potential=KOB_ANDERSEN_CUT):
    """Return energy and forces of positions [N, d] by the double loop."""
    moved = Snapshot(positions, snapshot.species, snapshot.box)
    energies, forces = energies_and_forces(moved.positions, interacting_pairs(moved, potential))
    return energies.sum(), forces


def spread_run(snapshot, trajectories, steps=400, **options):
    run = ensemble_run(snapshot, temperature=0.7, trajectories=trajectories, **options)
    run.advance(steps)
    return run


@pytest.mark.parametrize("instruction_set", instruction_sets())
def test_forces_and_energies_are_those_of_the_double_loop(liquid, instruction_set):
    run = spread_run(liquid, 5, 1500, instruction_set=instruction_set)
    forces, potential = run.forces(), run.energies()[0]
    assert np.abs(run.displacements()).max() > 0.5
    for positions, force, energy in zip(run.positions(), forces, potential, strict=True):
        expected_energy, expected = reference(liquid, positions)
        scale = np.sqrt(np.mean(expected**2))
        assert np.abs(force - expected).max() < 1e-5 * scale
        assert energy == pytest.approx(expected_energy, rel=1e-6)


def test_forces_of_the_published_snapshot(published):
    run = ensemble_run(published, temperature=0.44, trajectories=1)
    energy, forces = reference(published, published.positions)
    assert np.abs(run.forces()[0] - forces).max() < 1e-5 * np.sqrt(np.mean(forces**2))
    assert run.energies()[0][0] == pytest.approx(energy, rel=1e-6)


def test_forces_in_two_dimensions(flat_liquid):
    run = spread_run(flat_liquid, 3)
    assert run.displacements().shape == (3, 324, 2)
    for positions, force in zip(run.positions(), run.forces(), strict=True):
        expected = reference(flat_liquid, positions)[1]
        assert np.abs(force - expected).max() < 1e-5 * np.sqrt(np.mean(expected**2))


def test_shifted_forces_are_the_gradient_of_their_energy(liquid):
    run = spread_run(liquid, 2, force_shifted=True)
    state, forces = run.state(), run.forces()
    step = 1e-2
    direction = forces / np.linalg.norm(forces, axis=(1, 2), keepdims=True)
    energies = []
    for side in (1, -1):
        moved = (state["displacements"] + side * step * direction).astype(np.float32)
        run.restore({**state, "displacements": moved, "lost": np.zeros_like(moved)})
        energies.append(run.energies()[0])
    slope = (energies[0] - energies[1]) / (2 * step)
    assert slope == pytest.approx(-np.linalg.norm(forces, axis=(1, 2)), rel=2e-3)


def test_a_pair_beyond_the_cutoff_feels_nothing_and_a_shifted_force_ends_smoothly():
    def force(distance, *, force_shifted):
        pair = Snapshot([[1.0, 1, 1], [1 + distance, 1, 1]], [0, 0], [9.0, 9, 9])
        run = ensemble_run(pair, temperature=1.0, trajectories=1, force_shifted=force_shifted)
        return run.forces()[0, 1, 0], run.energies()[0][0]

    assert force(2.501, force_shifted=False) == (0, 0)
    assert force(2.499, force_shifted=False)[0] == pytest.approx(-0.0391, abs=1e-4)
    assert force(2.499, force_shifted=True)[0] == pytest.approx(0, abs=2e-4)
    assert force(2.499, force_shifted=True)[1] == pytest.approx(0, abs=1e-5)


def needed_pairs(snapshot, positions):
    """Return the pairs (first < second) that interact in any of the configurations [R, N, d]."""
    needed = set()
    for configuration in positions:
        moved = Snapshot(configuration, snapshot.species, snapshot.box)
        pairs = interacting_pairs(moved, KOB_ANDERSEN_CUT)
        needed |= set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    return needed


@pytest.mark.parametrize("steps", [1, 7])
def test_lists_hold_every_interacting_pair_at_every_step(liquid, steps):
    run = ensemble_run(liquid, temperature=1.5, trajectories=8)
    for _ in range(25):
        run.advance(steps)
        first, second = run.listed_pairs()
        listed = {(min(a, b), max(a, b)) for a, b in zip(first.tolist(), second.tolist())}  # noqa: B905 - of one length by definition
        assert needed_pairs(liquid, run.positions()) <= listed
    counters = run.counters()
    assert counters["inner_lists"] < counters["steps"] or steps == 1
    assert counters["outer_lists"] > 1


def test_lists_are_complete_when_trajectories_have_gone_far_apart(liquid):
    run = ensemble_run(
        liquid, temperature=3.0, trajectories=6, dynamics="langevin", friction=0.5, timestep=0.003
    )
    run.advance(6000)
    # Beyond the native code's `wide`, lists are made trajectory by trajectory.
    assert np.ptp(run.displacements(), axis=0).mean() > 4
    for _ in range(5):
        run.advance(5)
        first, second = run.listed_pairs()
        ordered = np.sort(np.stack([first, second]), axis=0).T.tolist()
        assert needed_pairs(liquid, run.positions()) <= set(map(tuple, ordered))
    positions = run.positions()[3]
    expected = reference(liquid, positions)[1]
    # Displacements of some boxes hold fewer digits behind the point.
    assert np.abs(run.forces()[3] - expected).max() < 1e-4 * np.sqrt(np.mean(expected**2))


def test_results_do_not_depend_on_the_reach_of_the_lists(liquid, monkeypatch):
    expected = spread_run(liquid, 4).state()
    monkeypatch.setattr(ensemble_engine, "OUTER_SKIN", 0.45)
    monkeypatch.setattr(ensemble_engine, "INNER_SKIN", 0.1)
    same(spread_run(liquid, 4).state(), expected)


def same(state, expected, rows=slice(None), expected_rows=slice(None)):
    assert state["step"] == expected["step"]
    for name in ("displacements", "lost", "half_velocities", "initial_energy"):
        np.testing.assert_array_equal(state[name][rows], expected[name][expected_rows])


def test_a_trajectory_does_not_depend_on_the_others_or_on_threads(liquid):
    expected = spread_run(liquid, 37, threads=1).state()
    same(spread_run(liquid, 37, threads=3).state(), expected)
    few = spread_run(liquid, 5, first_trajectory=9).state()
    same(few, expected, expected_rows=slice(9, 14))


def test_vectors_of_other_lengths_give_the_same_numbers(liquid):
    fused = [name for name in instruction_sets() if name != "generic"]
    states = [spread_run(liquid, 6, instruction_set=name).state() for name in fused]
    for state in states[1:]:
        same(state, states[0])


def test_all_instruction_sets_agree_up_to_rounding(liquid):
    runs = [spread_run(liquid, 2, 50, instruction_set=name) for name in instruction_sets()]
    for run in runs[1:]:
        np.testing.assert_allclose(run.positions(), runs[0].positions(), atol=1e-5)


@pytest.mark.parametrize("dynamics", ["nve", "langevin"])
def test_a_resumed_run_goes_on_bit_for_bit(liquid, dynamics):
    options = {"dynamics": dynamics, "trajectories": 3, "seed": 5}
    through = spread_run(liquid, steps=1300, **options).state()
    halted = spread_run(liquid, steps=777, **options).state()
    resumed = ensemble_run(liquid, temperature=0.7, **options)
    resumed.restore(halted)
    same(resumed.state(), halted)
    resumed.advance(523)
    same(resumed.state(), through)


def test_looking_at_a_run_does_not_change_it(liquid):
    expected = spread_run(liquid, 2, 200).state()
    run = ensemble_run(liquid, temperature=0.7, trajectories=2)
    for _ in range(20):
        run.advance(10)
        run.energies()
        run.velocities()
    same(run.state(), expected)


def test_energy_and_momentum_are_conserved(liquid):
    run = ensemble_run(liquid, temperature=0.7, trajectories=8, force_shifted=True)
    run.advance(5000)
    drift = (np.sum(run.energies(), axis=0) - run.initial_energy) / np.abs(run.initial_energy)
    # The error in the time step shows at any moment; it does not grow.
    assert np.abs(drift).max() < 3e-4
    assert abs(drift.mean()) < 1e-4
    assert np.abs(momenta(run, liquid)).max() / liquid.n_particles < 2e-7


def test_energy_error_falls_with_the_square_of_the_timestep(liquid):
    def error(timestep):
        run = ensemble_run(
            liquid, temperature=0.7, trajectories=4, timestep=timestep, force_shifted=True
        )
        worst = 0.0
        for _ in range(40):
            run.advance(round(0.02 / timestep))
            worst = max(worst, np.abs(np.sum(run.energies(), axis=0) - run.initial_energy).max())
        return worst

    assert error(0.002) < error(0.004) / 2.5


def test_trajectories_run_back_to_where_they_came_from(liquid):
    run = ensemble_run(liquid, temperature=0.7, trajectories=4)
    state_0, v_0 = run.state(), run.velocities()
    run.advance(200)
    there = run.state()
    turned = -(run.velocities() + 0.5 * run.timestep * run.forces())
    run.restore({**there, "step": 0, "half_velocities": turned.astype(np.float32)})
    run.advance(200)
    np.testing.assert_allclose(run.displacements(), state_0["displacements"], atol=2e-4)
    np.testing.assert_allclose(-run.velocities(), v_0, atol=5e-3)


@pytest.mark.skipif(available()["lammps"] is not None, reason="lammps is not installed")
def test_trajectories_are_those_of_lammps(published):
    task = Task(published, KOB_ANDERSEN_CUT, DynamicsSettings(0.44), (0, 5), seed=3)
    runs = [ensemble_engine.start(task), lammps_engine.start(task)]
    for run in runs:
        run.advance(150)
    ours, theirs = (run.displacements() for run in runs)
    assert np.abs(ours - theirs).max() < 1e-4
    assert np.sqrt(np.mean((ours - theirs) ** 2)) < 3e-6
    for ours, theirs in zip(runs[0].energies(), runs[1].energies(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


@pytest.mark.parametrize("dimension", [2, 3])
def test_the_thermostat_reaches_its_temperature_for_every_species(liquid, flat_liquid, dimension):
    snapshot = liquid if dimension == 3 else flat_liquid
    run = ensemble_run(
        snapshot, temperature=1.1, trajectories=32, dynamics="langevin", friction=5.0,
        masses=[1.0, 3.0], timestep=0.004,
    )  # fmt: skip
    run.advance(300)
    samples = []
    for _ in range(10):
        run.advance(60)
        samples.append(run.velocities())
    velocities = np.array(samples)
    for species, mass in ((0, 1.0), (1, 3.0)):
        v = velocities[:, :, snapshot.species == species]
        assert mass * np.mean(v**2, axis=(0, 1, 2)) == pytest.approx([1.1] * dimension, rel=0.03)
        # Gaussian: <v^4> = 3 <v^2>^2.
        assert np.mean(v**4) / np.mean(v**2) ** 2 == pytest.approx(3, abs=0.12)


def test_free_particles_feel_friction_and_noise_as_the_ornstein_uhlenbeck_process():
    apart = lattice(8, 0.001, 3)
    run = ensemble_run(
        apart, temperature=0.5, trajectories=16, dynamics="langevin", friction=2.0, seed=3
    )
    start = run.velocities()
    run.advance(100)
    kept = np.mean(run.velocities() * start) / np.mean(start**2)
    assert kept == pytest.approx(np.exp(-2.0 * 0.5), abs=0.02)
    # <dr^2> = 2 D (t - (1 - exp(-g t)) / g) a dimension, D = T / g.
    expected = 2 * 0.25 * (0.5 - (1 - np.exp(-1.0)) / 2)
    assert np.mean(run.displacements() ** 2) == pytest.approx(expected, rel=0.05)


def test_a_blow_up_is_found_and_named(liquid):
    run = ensemble_run(liquid, temperature=0.7, trajectories=2, timestep=0.05)
    with pytest.raises(RunError, match=r"liquid: .*trajectory.* blew up .*step \d+"):
        run.advance(3000)


def test_hot_velocities_in_one_trajectory_blow_up_langevin_dynamics(liquid):
    velocities = np.zeros((2, liquid.n_particles, 3))
    velocities[1] = np.random.default_rng(0).normal(scale=60, size=velocities[1].shape)
    run = ensemble_run(
        liquid, temperature=0.7, trajectories=2, dynamics="langevin", velocities=velocities
    )
    with pytest.raises(RunError, match="blew up"):
        run.advance(500)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threads": 0}, "threads is 0"),
        ({"dynamics": "nose-hoover"}, "no integrator 'nose-hoover'"),
        ({"instruction_set": "mmx"}, "instruction set 'mmx'"),
        ({"potential": PairPotential(LennardJones([[1.0]], [[1.0]]), [[2.5]])}, "knows 1 species"),
    ],
)
def test_bad_options_are_refused(liquid, options, message):
    with pytest.raises(InputError, match=message):
        ensemble_run(liquid, **{"temperature": 0.7, "trajectories": 4, **options})


def test_overlaps_and_states_of_other_runs_are_refused(liquid):
    overlapping = Snapshot(
        np.vstack([liquid.positions, liquid.positions[:1]]),
        np.append(liquid.species, 0),
        liquid.box,
    )
    with pytest.raises(InputError, match="overlap|same place"):
        ensemble_run(overlapping, temperature=0.7)
    state = ensemble_run(liquid, temperature=0.7, trajectories=2).state()
    with pytest.raises(InputError, match=r"checkpoint is of trajectories \[0, 1\]"):
        ensemble_run(liquid, temperature=0.7, trajectories=3).restore(state)
    run = ensemble_run(liquid, temperature=0.7, trajectories=2)
    for strange, message in (
        ({"step": 3}, "none of the engine 'ensemble'"),
        ({**state, "lost": np.zeros((2, 3, 3))}, "checkpoint's displacements have shape"),
        ({**state, "displacements": state["displacements"] * np.nan}, "damaged"),
    ):
        with pytest.raises(InputError, match=message):
            run.restore(strange)


def test_without_the_library_the_package_says_so(liquid, monkeypatch):
    monkeypatch.setattr(native, "load", lambda: None)
    assert "was not built" in available()["ensemble"]
    assert instruction_sets() == []
    with pytest.raises(InputError, match="not built"):
        ensemble_run(liquid, temperature=0.7)


@pytest.mark.slow
def test_energy_drift_over_a_million_steps(liquid):
    # Cold, so that trajectories stay together and the test is short.
    glass = melted(liquid, 0.25, 20_000)
    run = ensemble_run(glass, temperature=0.25, trajectories=8, force_shifted=True)

    def energy():
        """Average over the oscillations that the time step's error makes."""
        sums = []
        for _ in range(200):
            run.advance(5)
            sums.append(np.sum(run.energies(), axis=0))
        return np.mean(sums, axis=0)

    start = energy()
    run.advance(1_000_000)
    drift = (energy() - start) / np.abs(start)
    assert abs(drift.mean()) < 1e-5
    assert np.abs(drift).max() < 5e-5
    assert np.abs(momenta(run, liquid)).max() / liquid.n_particles < 1e-6
