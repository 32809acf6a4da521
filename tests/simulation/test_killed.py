"""kill -9 at any moment: run again, a store is the same as one of an undisturbed run."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from glassbotan.simulation import lammps_engine
from glassbotan.simulation.run import run_campaign
from simulation.campaigns import (
    TESTS,
    assert_same_contents,
    begin,
    campaign,
    campaign_file,
    environment,
    finish,
    wait_until,
)
from simulation.glasses import needs_lammps

pytestmark = needs_lammps

needs_dask = pytest.mark.skipif(
    not all(map(__import__("importlib.util").util.find_spec, ("dask", "distributed"))),
    reason="Dask is not installed",
)

MOMENTS = 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("killed")


@pytest.fixture(scope="module")
def undisturbed(folder) -> Path:
    file = campaign_file(folder)
    store = folder / "undisturbed.zarr"
    assert finish(begin(file, store)) == "complete"
    return store


def moments(number: int, seed: int) -> list[float]:
    """Parts of the work after which something dies."""
    return list(np.random.default_rng(seed).uniform(0, 0.95, number))


def descendants(pid: int) -> list[int]:
    import psutil

    return [
        child.pid
        for child in psutil.Process(pid).children(recursive=True)
        if "spawn_main" in " ".join(child.cmdline())
    ]


def kill_the_command(folder: Path, undisturbed: Path, parts: list[float], workers: str) -> None:
    file, store = folder / "campaign.yaml", folder / f"command-{workers}.zarr"
    shutil.rmtree(store, ignore_errors=True)
    before, killed = 0.0, 0
    for part in sorted(parts):
        process = begin(file, store, workers)
        if wait_until(process, part) == 1:
            # The rest was done before anything was said of it: a moment later, on a new store.
            process.communicate(timeout=120)
            assert_same_contents(store, undisturbed)
            shutil.rmtree(store)
            before = 0.0
            continue
        killed += 1
        process.kill()
        process.wait()
        process.stdout.close(), process.stderr.close()
        before = part
    assert killed > len(parts) / 2
    process = begin(file, store, workers)
    # Finished blocks and checkpoints are kept: most of what was done is not done again.
    assert float(process.stdout.readline()) > before - 0.5
    assert finish(process) == "complete"
    assert_same_contents(store, undisturbed)
    left = {path.name for path in store.rglob("*") if path.name.endswith((".partial", ".work"))}
    assert not left


def kill_workers(folder: Path, undisturbed: Path, parts: list[float]) -> None:
    store = folder / "workers.zarr"
    for seed, part in enumerate(parts):
        shutil.rmtree(store, ignore_errors=True)
        process = begin(folder / "campaign.yaml", store, "2")
        assert wait_until(process, part) < 1
        victim = np.random.default_rng(seed).choice(descendants(process.pid))
        os.kill(victim, signal.SIGKILL)
        assert finish(process) == "complete"
        assert_same_contents(store, undisturbed)


def test_the_command(folder, undisturbed):
    kill_the_command(folder, undisturbed, [0.05, 0.5], "1")


@needs_dask
def test_a_worker(folder, undisturbed):
    kill_workers(folder, undisturbed, [0.3])


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=needs_dask)])
def test_the_command_at_ten_moments(folder, undisturbed, workers):
    kill_the_command(folder, undisturbed, moments(MOMENTS, 1), workers)


@pytest.mark.slow
@needs_dask
def test_workers_at_ten_moments(folder, undisturbed):
    kill_workers(folder, undisturbed, moments(MOMENTS, 2))


@pytest.mark.slow
@needs_dask
def test_a_scheduler_at_ten_moments(folder, undisturbed):
    store, lost = folder / "scheduler.zarr", 0
    for number, part in enumerate(sorted(moments(MOMENTS, 3))):
        cluster, address = start_cluster(folder / f"scheduler-{number}.json")
        try:
            process = begin(folder / "campaign.yaml", store, address)
            # Said before the scheduler is called.
            process.stdout.readline()
            if wait_until(process, part) == 1:
                process.communicate(timeout=120)
                assert_same_contents(store, undisturbed)
                shutil.rmtree(store)
                continue
            lost += 1
            cluster[0].kill()
            _, said = process.communicate(timeout=120)
            assert process.returncode == 1
            assert "the scheduler was lost" in said
            assert len(said.splitlines()) == 1
        finally:
            for one in cluster:
                one.kill()
                one.wait()
    assert lost > MOMENTS / 2
    assert finish(begin(folder / "campaign.yaml", store)) == "complete"
    assert_same_contents(store, undisturbed)


def start_cluster(file: Path) -> tuple[list[subprocess.Popen], str]:
    """A scheduler and two workers, each a process of its own."""
    commands = [
        ["scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)],
        *[
            [
                *["worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-nanny"],
                *["--no-dashboard", "--preload", str(TESTS / "simulation" / "impatient.py")],
                *["--death-timeout", "10"],
            ]
        ]
        * 2,
    ]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "dask", *command],
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for command in commands
    ]
    for _ in range(300):
        if file.exists() and file.stat().st_size:
            return processes, json.loads(file.read_text())["address"]
        time.sleep(0.1)
    raise AssertionError("no scheduler")


def test_run_campaign_is_what_the_process_runs(folder, undisturbed):
    # The same numbers in this process, with checkpoints as seldom as they usually are.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lammps_engine, "STRETCH", 200)
        run_campaign(campaign(folder), folder / "here.zarr")
    assert_same_contents(folder / "here.zarr", undisturbed)
