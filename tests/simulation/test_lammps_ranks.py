"""One trajectory on several processes: the same motion, and nothing left behind."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import glassbotan as gb
from glassbotan.errors import InputError, RunError
from glassbotan.simulation import DynamicsSettings, lammps_ranks, start
from glassbotan.simulation.plan import plan
from glassbotan.simulation.protocol import Protocol
from glassbotan.simulation.run import run_campaign
from glassbotan.structure.potential import KOB_ANDERSEN
from simulation.campaigns import campaign, contents, environment
from simulation.glasses import needs_lammps, thermal_glass

pytestmark = needs_lammps

NEWTON = DynamicsSettings(0.44)
UNEQUAL = replace(KOB_ANDERSEN, masses=np.array([1.0, 3.0]), shift="force")


@pytest.fixture
def begin():
    """Start runs, and close them."""
    runs = []

    def begun(snapshot, ranks=2, *, settings=NEWTON, **options):
        runs.append(start("lammps", snapshot, settings, ranks=ranks, **options))
        return runs[-1]

    yield begun
    for run in runs:
        run.close()


@pytest.fixture
def folder(monkeypatch):
    """Where temporary files go; names of sockets are short."""
    with tempfile.TemporaryDirectory() as path:
        monkeypatch.setenv("TMPDIR", path)
        monkeypatch.setattr(tempfile, "tempdir", path)
        yield Path(path)


def processes_of(run):
    import psutil

    return psutil.Process(run._ranks.processes[0].pid).children(recursive=True)


def ranks_among(processes):
    return [one for one in processes if one.name().startswith("python")]


@pytest.mark.parametrize(("dimension", "potential"), [(3, UNEQUAL), (2, KOB_ANDERSEN)])
def test_two_ranks_move_particles_as_one(begin, dimension, potential):
    snapshot = thermal_glass(dimension)
    options = {"potential": potential, "trajectories": [4, 0], "seed": 2**70}
    if dimension == 2:
        drawn = np.random.default_rng(0).normal(0, 0.7, (2, *snapshot.positions.shape))
        options["velocities"] = drawn
    one, two = (begin(snapshot, ranks, **options) for ranks in (1, 2))
    assert np.array_equal(one.velocities(), two.velocities())
    for run in (one, two):
        run.advance(30)
        run.advance(20)
    assert one.step == two.step == 50
    assert two.displacements().shape == (2, *snapshot.positions.shape)
    assert np.abs(two.displacements()).max() > 0.05
    assert np.allclose(one.displacements(), two.displacements(), rtol=0, atol=1e-11)
    assert np.allclose(one.energies(), two.energies(), rtol=1e-11, atol=1e-9)
    assert np.allclose(one.velocities(), two.velocities(), rtol=0, atol=1e-9)


def test_resumes_to_the_last_bit(begin):
    settings = DynamicsSettings(0.44, integrator="langevin")
    undisturbed = begin(thermal_glass(3), settings=settings)
    undisturbed.advance(100)
    first = begin(thermal_glass(3), settings=settings)
    first.advance(60)
    state = first.state()
    first.close()
    resumed = begin(thermal_glass(3), settings=settings)
    resumed.restore(state)
    assert resumed.step == 60
    resumed.advance(40)
    assert np.array_equal(resumed.displacements(), undisturbed.displacements())
    assert np.array_equal(resumed.energies(), undisturbed.energies())


@pytest.mark.slow
def test_resumes_from_a_restart_file_to_the_last_bit(begin):
    undisturbed, first, resumed = (begin(thermal_glass(3)) for _ in range(3))
    undisturbed.advance(4100)
    first.advance(2050)
    resumed.restore(first.state())
    resumed.advance(2050)
    assert np.array_equal(resumed.displacements(), undisturbed.displacements())


def test_a_blow_up_is_told_in_one_line(begin):
    run = begin(thermal_glass(3), settings=DynamicsSettings(0.44, timestep=0.05))
    with pytest.raises(RunError, match=r"trajectory 0 blew up by step \d+ .*shorter than 0.05"):
        run.advance(2000)
    with pytest.raises(RunError, match="were ended"):
        run.advance(1)


def test_a_wrong_state_is_refused(begin):
    state = begin(thermal_glass(3), trajectories=[1]).state()
    with pytest.raises(InputError, match=r"of trajectories \[1\]; this run's are \[0\]"):
        begin(thermal_glass(3)).restore(state)


def test_a_rank_that_is_killed_is_told_and_takes_all_with_it(begin):
    run = begin(thermal_glass(3))
    everything = processes_of(run)
    os.kill(ranks_among(everything)[1].pid, signal.SIGKILL)
    with pytest.raises(RunError, match="one of the 2 ranks died after step 0"):
        run.advance(100)
    assert_gone(everything)


def test_close_ends_all_processes_and_removes_all_files(begin, folder):
    run = begin(thermal_glass(3))
    everything = processes_of(run)
    assert len(ranks_among(everything)) == 2
    run.close()
    assert_gone(everything)
    assert not list(folder.iterdir())


LEADER = """
from simulation.glasses import thermal_glass
from glassbotan.simulation import DynamicsSettings, start

run = start("lammps", thermal_glass(3), DynamicsSettings(0.44), ranks=2)
print(run._ranks.processes[0].pid, flush=True)
run.advance(10_000_000)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_leader_that_is_killed_leaves_no_orphans(number, folder):
    import psutil

    leader = subprocess.Popen(
        [sys.executable, "-c", LEADER],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    mpiexec = psutil.Process(int(leader.stdout.readline()))
    everything = [mpiexec, *mpiexec.children(recursive=True)]
    assert len(ranks_among(everything)) == 2
    # Amid LAMMPS's loop.
    time.sleep(0.5)
    leader.send_signal(number)
    _, said = leader.communicate(timeout=120)
    if number == signal.SIGINT:
        assert said.rstrip().endswith("KeyboardInterrupt")
    assert_gone(everything)


def assert_gone(processes):
    import psutil

    _, alive = psutil.wait_procs(processes, timeout=60)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


def test_what_cannot_be_started_is_refused(begin, tmp_path, monkeypatch):
    snapshot = thermal_glass(3)
    with pytest.raises(InputError, match="ranks: 0; there must be at least 1"):
        begin(snapshot, 0)
    with pytest.raises(InputError, match="the engine 'ensemble' runs a trajectory in one process"):
        start("ensemble", snapshot, DynamicsSettings(0.44), ranks=2)
    with monkeypatch.context() as patch:
        patch.setattr(lammps_ranks.sys, "prefix", str(tmp_path))
        patch.setenv("PATH", str(tmp_path))
        with pytest.raises(InputError, match=r"mpiexec, .*pip install glassbotan\[simulate\]"):
            begin(snapshot)
    with monkeypatch.context() as patch:
        long = tmp_path / ("long" * 30)
        long.mkdir()
        patch.setattr(tempfile, "tempdir", str(long))
        with pytest.raises(RunError, match="AF_UNIX path too long.*shorter name"):
            begin(snapshot)
    program = tmp_path / "mpiexec"
    for script, message in (
        ("echo what is this >&2", "0 of 2 ranks: what is this"),
        # One process of another MPI, or of none, for each rank.
        ('shift 2; "$@" & "$@"; wait', "LAMMPS sees 1 of 2 ranks; mpiexec must be of the MPI"),
    ):
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        with monkeypatch.context() as patch:
            patch.setattr(lammps_ranks, "mpiexec", lambda: str(program))
            with pytest.raises((InputError, RunError), match=message):
                begin(snapshot)


def test_a_campaign_names_its_ranks(tmp_path, monkeypatch):
    small = {"times": [0.1], "trajectories": 1, "temperature": 0.44}
    store = tmp_path / "ranks.zarr"
    assert run_campaign(campaign(tmp_path, ranks=2, **small), store).complete
    assert 0.05 < contents(store, 1)["0/propensity"].mean() < 0.2
    with pytest.raises(InputError, match="another campaign: ranks is 2 there and 1 here"):
        run_campaign(campaign(tmp_path, **small), store)
    with pytest.raises(InputError, match="ranks: 2; the engine 'ensemble'"):
        plan(campaign(tmp_path, ranks=2, engine="ensemble", **small))
    for ranks in (1, 2):
        protocol = campaign(tmp_path, ranks=ranks, **small)
        assert ("ranks" in protocol.to_json()) == (ranks > 1)
        assert Protocol.model_validate(protocol.to_json()).ranks == ranks


def test_an_ensemble_of_a_large_system_from_python():
    snapshot = thermal_glass(3)
    two, one = (
        gb.simulate_ensemble(snapshot, times=[0.1], trajectories=1, engine="lammps", ranks=ranks)
        for ranks in (2, 1)
    )
    assert np.allclose(two.positions, one.positions, rtol=0, atol=1e-11)
