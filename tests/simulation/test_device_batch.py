"""Batches of many boxes in the plain form: against double loops, the native engine and LAMMPS."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from glassbotan.errors import InputError, RunError
from glassbotan.simulation import ensemble_engine, lammps_engine
from glassbotan.simulation.device import batch as batch_module
from glassbotan.simulation.device import engine as device_engine
from glassbotan.simulation.device.batch import Batch
from glassbotan.simulation.device.lists import PairList
from glassbotan.simulation.device.plain import PARTICLE, PlainKernels
from glassbotan.simulation.engine import Task
from glassbotan.simulation.engines import available
from glassbotan.simulation.settings import DynamicsSettings
from glassbotan.structure.interaction.forms.inverse_power import InversePower
from glassbotan.structure.potential import KOB_ANDERSEN, KOB_ANDERSEN_CUT, PairPotential
from glassbotan.structure.snapshot import Snapshot
from simulation.test_ensemble_engine import lattice, melted, needed_pairs, reference

pytestmark = pytest.mark.skipif(
    available()["ensemble"] is not None,
    reason="the ensemble engine was not built (no C++ compiler)",
)


@cache
def liquid(edge_count=6, dimension=3):
    """216 particles in a box of little more than twice the cutoff: many pairs by two images."""
    density = 1.2 if dimension == 3 else 1.1
    return melted(lattice(edge_count, density, dimension), 0.7, 1000)


def task(snapshot=None, trajectories=(0, 1, 2), *, potential=KOB_ANDERSEN_CUT, seed=3, **changes):
    wanted = {"temperature": 0.7, "timestep": 0.005, "integrator": "nve", **changes}
    snapshot = liquid() if snapshot is None else snapshot
    return Task(snapshot, potential, DynamicsSettings(**wanted), tuple(trajectories), seed=seed)


def same(state, expected):
    assert state.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(state[name], values, err_msg=name)


def assert_forces(batch, snapshot, tolerance=1e-5):
    where = snapshot.positions + batch.displacements(0)
    for positions, force, energy in zip(
        where, batch.forces(0), batch.energies(0)[0], strict=True
    ):  # fmt: skip
        expected_energy, expected = reference(snapshot, positions)
        scale = np.sqrt(np.mean(expected**2))
        assert np.abs(force - expected).max() < tolerance * scale
        assert energy == pytest.approx(expected_energy, rel=1e-6)


def test_forces_and_energies_are_those_of_the_double_loop():
    batch = Batch([task(integrator="langevin")])
    assert_forces(batch, liquid())
    batch.advance(80)
    assert np.abs(batch.displacements(0)).max() > 0.25
    assert_forces(batch, liquid())


def test_forces_in_two_dimensions():
    flat = liquid(18, 2)
    batch = Batch([task(flat, (0, 1))])
    batch.advance(20)
    assert batch.displacements(0).shape == (2, 324, 2)
    assert_forces(batch, flat)


def test_float64_leaves_no_rounding():
    batch = Batch([task(trajectories=(0,))], double=True)
    batch.advance(10)
    expected = reference(liquid(), liquid().positions + batch.displacements(0)[0])[1]
    assert np.abs(batch.forces(0)[0] - expected).max() < 1e-10 * np.sqrt(np.mean(expected**2))


@pytest.mark.parametrize(
    ("integrator", "potential"), [("nve", KOB_ANDERSEN_CUT), ("langevin", KOB_ANDERSEN)]
)
def test_trajectories_are_those_of_the_native_engine(integrator, potential):
    wanted = task(trajectories=(0, 5), integrator=integrator, potential=potential)
    ours, theirs = Batch([wanted]), ensemble_engine.start(wanted)
    for run in (ours, theirs):
        run.advance(100)
    np.testing.assert_allclose(ours.displacements(0), theirs.displacements(), atol=1e-4)
    np.testing.assert_allclose(ours.velocities(0), theirs.velocities(), atol=5e-3)
    for mine, other in zip(ours.energies(0), theirs.energies(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5)


@pytest.mark.skipif(available()["lammps"] is not None, reason="lammps is not installed")
def test_trajectories_are_those_of_lammps():
    wanted = task(trajectories=(0, 5))
    ours, theirs = Batch([wanted]), lammps_engine.start(wanted)
    for run in (ours, theirs):
        run.advance(100)
    np.testing.assert_allclose(ours.displacements(0), theirs.displacements(), atol=1e-4)
    for mine, other in zip(ours.energies(0), theirs.energies(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5)


def test_energy_and_momentum_are_conserved(monkeypatch):
    monkeypatch.setattr(batch_module, "STEPS_BETWEEN_RESTS", 50)
    batch = Batch([task(trajectories=(0, 1), potential=KOB_ANDERSEN)])
    batch.advance(100)
    drift = np.sum(batch.energies(0), axis=0) / batch.initial_energy[0] - 1
    assert np.abs(drift).max() < 3e-4
    # At step 100 the centre of mass was brought to rest.
    assert np.abs(batch.momentum()).max() / liquid().n_particles < 2e-8


def test_nothing_is_lost_when_small_steps_are_added_to_a_large_displacement():
    alone = Snapshot([[1.0, 1, 1], [5.0, 5, 5]], [0, 0], [9.0, 9, 9])
    speed = np.array([[[1e-3, 0, 0], [-1e-3, 0, 0]]])
    batch = Batch([replace(task(alone, (0,)), velocities=speed)])
    state = batch.state(0)
    start = 100 * np.ones_like(state["displacements"])
    batch.restore([{**state, "displacements": start}])
    batch.advance(400)
    # Of steps of 5e-6, no float32 at 100 would keep a single one.
    moved = batch.displacements(0)[0, :, 0] - 100
    np.testing.assert_allclose(moved, [2e-3, -2e-3], rtol=1e-5)


@cache
def spread():
    """Displacements of trajectories that have gone their own ways, of some box edges for one."""
    run = ensemble_engine.start(
        task(trajectories=range(3), temperature=3.0, integrator="langevin", timestep=0.003)
    )
    run.advance(3000)
    state = run.state()
    state["displacements"][1] += np.float32(2) * liquid().box.astype(np.float32)
    return state


def listed_pairs(batch):
    """The pairs in the first box's rows of the inner list, in the caller's numbers."""
    batch.lists.ensure_inner()
    rows, order = batch.system.rows(0), batch.system.orders[0]
    counts = batch.lists.inner.counts[rows]
    second = batch.lists.inner.entries[:, rows] & PARTICLE
    return {
        (order[i], order[j]) for i, count in enumerate(counts) for j in second[:count, i].tolist()
    }


def test_lists_are_complete_when_trajectories_have_gone_far_apart():
    batch = Batch([task(temperature=3.0, integrator="langevin", timestep=0.003)])
    batch.restore([spread()])
    for _ in range(2):
        where = liquid().positions + batch.displacements(0)
        needed = needed_pairs(liquid(), where)
        listed = listed_pairs(batch)
        assert needed <= listed
        assert {(j, i) for i, j in needed} <= listed
        batch.advance(7)
    assert_forces(batch, liquid(), 1e-4)


@settings(max_examples=8, deadline=None)
@given(
    edges=st.lists(st.floats(5.1, 9.0), min_size=2, max_size=3),
    size=st.floats(0.0, 20.0),
    skin=st.floats(0.05, 2.0),
    seed=st.integers(0, 2**16),
)
def test_lists_hold_every_image_in_reach_of_any_trajectory(edges, size, skin, seed):
    """Against all pairs by all images, and in the order of particle and image."""
    random = np.random.default_rng(seed)
    box, n, lanes = np.array(edges), 14, 4
    snapshot = Snapshot(random.random((n, len(box))) * box, random.integers(0, 2, n), box)
    system = batch_module.make_system(
        [task(snapshot, range(lanes))], device=torch.device("cpu"), dtype=torch.float32
    )
    skin = min(skin, float(box.min()) - 2.5)
    moved = system.empty_state()
    moved[:, : len(box)] = torch.as_tensor(random.normal(0, size, (n, len(box), lanes)))
    pairs = PairList.empty(system, 1500, skin)
    PlainKernels().build(system, moved, [0], pairs)
    where = system.origin[..., None].numpy() + moved.double().numpy()
    kinds, cutoff = system.species.numpy(), KOB_ANDERSEN_CUT.cutoff
    for i in range(n):
        found = {}
        for k in range(int(pairs.counts[i])):
            base = pairs.base[k, :, i].double().numpy()
            found.setdefault(int(pairs.entries[k, i] & PARTICLE), []).append(base)
        assert list(found) == sorted(found)
        for j in range(n):
            if j == i:
                continue
            apart = where[j, : len(box)] - where[i, : len(box)]
            nearest = np.rint(apart / box[:, None])
            wanted = set()
            for shift in np.ndindex(*[5] * len(box)):
                image = nearest - np.array(shift)[:, None] + 2
                distance = np.linalg.norm(apart - image * box[:, None], axis=0)
                reach = cutoff[kinds[i], kinds[j]] + skin
                for lane in np.flatnonzero(distance < reach - 1e-3):
                    wanted.add(tuple((-image[:, lane]).astype(int)))
            start = (system.origin[j] - system.origin[i]).numpy()[: len(box)]
            listed = [
                tuple(np.rint((base[: len(box)] - start) / box).astype(int))
                for base in found.get(j, [])
            ]
            assert wanted <= set(listed)
            assert listed == sorted(set(listed))


def test_a_stretch_that_outruns_its_list_is_repeated():
    wanted = task(trajectories=(0, 1))
    expected = Batch([wanted])
    expected.advance(60)
    batch = Batch([wanted])
    batch.stretches.length = 60.0  # far longer than the skin allows
    batch.advance(60)
    assert batch.counters["repeated"] >= 48
    same(batch.state(0), expected.state(0))


def test_every_configuration_is_within_the_list_it_was_computed_with():
    class Watched(PlainKernels):
        def step(self, moving, source, target, pairs, *rest):
            away = float((source - moving.reference).square().sum(1).max().sqrt())
            if away > 0.5 * self.skin:
                self.late += 1
            self.seen += 1
            super().step(moving, source, target, pairs, *rest)

    kernels = Watched()
    kernels.skin, kernels.late, kernels.seen = 0.4, 0, 0
    batch = Batch([task(trajectories=(0,), temperature=1.5)], kernels=kernels)
    batch.advance(100)
    assert kernels.late <= batch.counters["repeated"]
    assert kernels.seen == 100 + batch.counters["repeated"]


def test_results_do_not_depend_on_the_reach_of_the_lists():
    wanted = task(trajectories=(0, 1))
    expected = Batch([wanted])
    expected.advance(60)
    batch = Batch([wanted], skins=(0.6, 0.2))
    batch.advance(60)
    assert batch.counters["stretches"] > expected.counters["stretches"]
    same(batch.state(0), expected.state(0))


@pytest.mark.parametrize("integrator", ["nve", "langevin"])
def test_a_box_does_the_same_alone_and_among_others(integrator):
    larger = liquid(7)
    tasks = [
        task(integrator=integrator),
        task(larger, (4, 5), integrator=integrator, temperature=0.5, seed=9),
        task(larger, (4,), integrator=integrator, temperature=1.0),
    ]
    together = Batch(tasks)
    together.advance(10)
    for box, one in enumerate(tasks):
        alone = Batch([one])
        alone.advance(10)
        same(together.state(box), alone.state(0))


@pytest.mark.parametrize("integrator", ["nve", "langevin"])
def test_a_resumed_run_goes_on_bit_for_bit(integrator):
    wanted = task(trajectories=(0, 1), integrator=integrator)
    through = device_engine.start(wanted, "cpu-plain")
    through.advance(37)
    halted = through.state()
    through.advance(31)
    resumed = device_engine.start(wanted, "cpu-plain")
    resumed.restore(halted)
    same(resumed.state(), halted)
    resumed.advance(31)
    same(resumed.state(), through.state())


def test_more_trajectories_than_lanes_are_the_same_ones():
    few = Batch([task(trajectories=(30, 31, 32, 33))])
    many = device_engine.start(task(trajectories=range(34)), "cpu-plain")
    few.advance(3)
    many.advance(3)
    assert many.displacements().shape == (34, 216, 3)
    assert many.energies()[0].shape == (34,)
    np.testing.assert_array_equal(many.displacements()[30:], few.displacements(0))
    np.testing.assert_array_equal(many.velocities()[30:], few.velocities(0))


def test_given_velocities_are_kept_but_for_the_motion_of_the_whole():
    speeds = np.random.default_rng(1).normal(size=(2, 216, 3))
    batch = Batch([replace(task(trajectories=(0, 1)), velocities=speeds)])
    expected = speeds - speeds.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(batch.velocities(0), expected, atol=2e-6)


def test_a_blow_up_names_box_trajectory_and_step():
    sound = task(trajectories=(0, 1), timestep=0.05)
    cold = replace(sound, settings=replace(sound.settings, temperature=1e-4))
    batch = Batch([cold, sound])
    with pytest.raises(RunError, match=r"liquid: .*trajectory.* blew up by step \d+") as caught:
        batch.advance(3000)
    assert caught.value.box in (0, 1)


def test_one_step_too_far_is_a_blow_up_of_its_box():
    quick = np.zeros((2, 216, 3))
    quick[1, 5] = [70, 0, 0]
    batch = Batch([task(trajectories=(0, 1)), replace(task(trajectories=(7, 8)), velocities=quick)])
    with pytest.raises(RunError, match="particles move without bounds") as caught:
        batch.advance(5)
    assert caught.value.box == 1


def test_bad_tasks_and_states_are_refused():
    with pytest.raises(InputError, match="no integrator 'nose-hoover'"):
        Batch([task(integrator="nose-hoover")])
    with pytest.raises(InputError, match="33 trajectories"):
        Batch([task(trajectories=range(33))])
    with pytest.raises(InputError, match="boxes of one batch share them"):
        Batch([task(), task(timestep=0.004)])
    short = Snapshot([[1.0, 1, 1], [3.0, 3, 3]], [0, 0], [4.0, 9, 9])
    with pytest.raises(InputError, match="at least twice the potential's cutoff, 5"):
        Batch([task(short)])
    run = device_engine.start(task(trajectories=(0, 1)), "cpu-plain")
    state = run.state()
    for strange, message in (
        ({**state, "trajectories": np.array([0, 2])}, r"checkpoint is of trajectories \[0, 2\]"),
        ({k: v for k, v in state.items() if k != "lost"}, "none of the engine 'ensemble'"),
        ({**state, "lost": np.zeros((2, 3, 3))}, "checkpoint's displacements have shape"),
        ({**state, "displacements": state["displacements"] * np.nan}, "damaged"),
    ):
        with pytest.raises(InputError, match=message):
            run.restore(strange)
    with pytest.raises(InputError, match="by -1 steps"):
        run.advance(-1)


def test_kernels_without_splines_refuse_other_forms_and_name_the_cpu():
    soft = PairPotential(InversePower(np.ones((2, 2)), KOB_ANDERSEN.sigma), KOB_ANDERSEN.cutoff)

    class LennardJonesAlone(PlainKernels):
        splines = False

    with pytest.raises(InputError, match=r"\(inverse-power\) on the CPU"):
        Batch([task(potential=soft)], kernels=LennardJonesAlone())
