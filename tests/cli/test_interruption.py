"""Ctrl-C at any moment leaves no half-written file and ends with exit status 130."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from command_line import refusal, run, save_model
from terminal import environment

import glassbotan as gb
from conftest import random_snapshot, write_botan_npz

READY = "ready\n"
# What is interrupted before Python has loaded anything of ours is not ours to handle.
START = f"""
import sys
from glassbotan.cli import main
sys.stderr.write({READY!r})
sys.stderr.flush()
main()
"""


class Job(NamedTuple):
    """A command that writes into the folder where it runs, and what reads each of its files."""

    arguments: Sequence[object]
    read: Callable[[Path], object]


def glass(side: int, seed: int = 0) -> gb.Snapshot:
    """Return side^3 particles on a jittered lattice."""
    rng = np.random.default_rng(seed)
    lattice = np.stack(np.meshgrid(*[np.arange(side)] * 3), -1).reshape(-1, 3)
    positions = lattice + rng.uniform(-0.2, 0.2, lattice.shape)
    species = (np.arange(side**3) % 5 == 0).astype(int)
    return gb.Snapshot(positions, species, np.full(3, float(side)))


@pytest.fixture(scope="module")
def jobs(tmp_path_factory) -> dict[str, Job]:
    folder = tmp_path_factory.mktemp("inputs")
    snapshots = [folder / f"s{k}.xyz" for k in range(4)]
    for k, path in enumerate(snapshots):
        gb.write(path, glass(12, seed=k))
    gb.write(folder / "big.xyz", glass(40))
    labelled = [folder / f"isoconfig_T0.44_{k}_tc07.npz" for k in range(3)]
    for path in labelled:
        write_botan_npz(path, random_snapshot(60))
    model = ("--model", save_model(folder / "model"))
    output = ("-o", "p.npz", "--map", "m.png")
    return {
        "predict several": Job(("predict", *snapshots, *model, "-o", "out"), gb.read),
        "predict one": Job(("predict", snapshots[0], *model, *output), read_prediction),
        "evaluate": Job(
            ("evaluate", *labelled, *model, "--box", "5", "--json", "s.json"), read_scores
        ),
        "convert": Job(("convert", folder / "big.xyz", "b.dump"), gb.read),
    }


def read_prediction(path: Path) -> object:
    if path.suffix == ".png":
        assert path.read_bytes().endswith(b"IEND\xaeB`\x82")
        return path
    return gb.read_motion(path)


def read_scores(path: Path) -> object:
    from glassbotan.evaluation.files import read_scores

    return path if path.parent.name == "labelled" else read_scores(path)


def start(job: Job, folder: Path) -> subprocess.Popen[str]:
    """Start the job in a new folder and return when its first line is about to run."""
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", START, *map(str, job.arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment(GLASSBOTAN_CACHE=str(folder / "cache")),
    )
    assert process.stderr is not None
    assert process.stderr.readline() == READY
    return process


def written(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def interrupt(job: Job, folder: Path, *, moments: int, seed: int) -> None:
    """Run the job once, and again with Ctrl-C at random moments of its running time."""
    process = start(job, folder / "whole")
    begin = time.monotonic()
    assert process.wait(timeout=120) == 0
    duration = time.monotonic() - begin
    rng, interrupted, k = random.Random(seed), 0, 0
    while interrupted < moments:
        k += 1
        assert k <= 4 * moments
        process = start(job, folder / str(k))
        time.sleep(rng.uniform(0, 0.9 * duration))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        left = written(folder / str(k))
        whole = written(folder / "whole")
        assert left <= whole
        for path in left:
            assert job.read(folder / str(k) / path)
        if process.returncode in (0, -signal.SIGINT):  # all was done, or Python itself at its end
            assert left == whole, errors
            duration *= 0.7  # the machine has become quicker
            continue
        assert process.returncode == 130, errors
        assert errors.endswith("glassbotan: error: interrupted\n")
        interrupted += 1


JOBS = ["predict several", "predict one", "evaluate", "convert"]


@pytest.mark.parametrize(("name", "moments"), [("predict several", 1), ("convert", 2)])
def test_an_interruption_leaves_whole_files_or_none(tmp_path, jobs, name, moments):
    interrupt(jobs[name], tmp_path, moments=moments, seed=2)


@pytest.mark.slow
@pytest.mark.parametrize("name", JOBS)
def test_interruptions_at_ten_moments_leave_whole_files_or_none(tmp_path, jobs, name):
    interrupt(jobs[name], tmp_path, moments=10, seed=JOBS.index(name))


@pytest.fixture
def press(monkeypatch):
    """Return a function after whose call every file is read with Ctrl-C, met as it says."""

    def press_and(respond: Callable[[], object]) -> None:
        def read(*_: object, **__: object) -> object:
            try:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(5)
            except KeyboardInterrupt:
                return respond()

        monkeypatch.setattr("glassbotan.io.detect_format", read)

    return press_and


def fail(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), ImportError("half a module"), SystemExit(1), gb.RunError("no")]
)
def test_an_interruption_that_a_library_makes_another_error_is_one(press, error):
    press(lambda: fail(error))
    assert refusal("convert", "a.xyz", "b.xyz", status=130) == "interrupted"


def test_an_interruption_that_a_library_swallows_is_one(press, tmp_path):
    gb.write(tmp_path / "a.xyz", random_snapshot(5))
    press(lambda: "extxyz")
    line = refusal("convert", tmp_path / "a.xyz", tmp_path / "b.data", status=130)
    assert line == "interrupted"


def test_what_a_command_says_of_its_interruption_is_kept(press):
    from glassbotan.datasets.fetch import InterruptedFetchError

    press(lambda: fail(InterruptedFetchError("stopped; run it again")))
    assert refusal("convert", "a.xyz", "b.xyz", status=130) == "stopped; run it again"


def test_who_ignores_the_signal_goes_on_ignoring_it(tmp_path, press):
    gb.write(tmp_path / "a.xyz", random_snapshot(5))
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert run("convert", tmp_path / "a.xyz", tmp_path / "b.data").status == 0
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    run("convert", tmp_path / "a.xyz", tmp_path / "b.data")
    assert signal.getsignal(signal.SIGINT) is before
