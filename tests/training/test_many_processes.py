"""Two processes train as one does with twice the batch, and end together."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import torch
import yaml

import glassbotan as gb
from conftest import random_snapshot, write_botan_npz
from glassbotan.models.registry import card_of
from glassbotan.training.config import load_recipe
from glassbotan.training.run import train

TWO = {"devices": 2, "batch": 1}


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Path:
    """Five snapshots, which two processes cannot share evenly."""
    folder = tmp_path_factory.mktemp("data")
    for part, seeds in (("train", range(5)), ("validation", range(5, 8))):
        (folder / part).mkdir()
        for seed in seeds:
            snapshot = random_snapshot(64, edge=4.2, seed=seed)
            write_botan_npz(folder / part / f"isoconfig_T0.44_{seed}_tc07.npz", snapshot)
    stage = {"learning_rate": 1e-3, "schedule": "cosine", "warmup_steps": 3}
    content = {
        "name": "small",
        "model": {"architecture": "botan", "width": 16, "steps": 2},
        "data": {
            **{part: [str(folder / part)] for part in ("train", "validation")},
            "box": [4.2, 4.2, 4.2],
        },
        "stages": [
            {"epochs": 1, "node_weight": 0.0, **stage},
            {"epochs": 4, "node_weight": 0.4, **stage},
        ],
        "offset_weight": 0.1,
        "standardise": True,
        "weight_averaging": 0.5,
        "patience": 20,
        "precision": "64-true",
        "accelerator": "cpu",
        "devices": 1,
        "batch": 2,
    }
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture(scope="module")
def one(config, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "one"
    train(load_recipe(config), folder)
    return folder


@pytest.fixture(scope="module")
def two(config, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "two"
    train(load_recipe(config, TWO), folder)
    return folder


def checkpoint(folder: Path, stage: int, which: str) -> dict:
    path = folder / f"stage-{stage}/checkpoints/{which}.ckpt"
    return torch.load(path, weights_only=True)


def figures(folder: Path) -> list[dict[str, float]]:
    rows = []
    for path in sorted(folder.glob("stage-*/logs/csv*/metrics.csv")):
        with path.open() as file:
            rows += [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]
    return rows


def files(folder: Path) -> list[str]:
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return sorted(name for name in names if "events.out" not in name)


def start(*arguments: object, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", *map(str, arguments)],
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def command(config: Path, folder: Path) -> list[object]:
    changes = [f"--set={key}={value}" for key, value in TWO.items()]
    return ["glassbotan", "-q", "train", config, "-o", folder, *changes]


def children(of: int) -> list[int]:
    """Return the processes that a process started."""
    lists = Path(f"/proc/{of}/task").glob("*/children")
    return sorted(int(number) for found in lists for number in found.read_text().split())


def until_first_checkpoint(folder: Path, is_running: Callable[[], bool]) -> None:
    while not (folder / "stage-1/checkpoints/last.ckpt").exists():
        assert is_running()
        time.sleep(0.01)


def under_slurm(
    config: Path, folder: Path, *more: str, nodes: int, caches: Path | None = None
) -> list[tuple[int, str, str]]:
    """Start what srun would: two tasks on one node, or one on each of two."""
    arguments = [*command(config, folder), f"--set=nodes={nodes}", *more]
    own = [{} if caches is None else {"GLASSBOTAN_CACHE": str(caches / str(k))} for k in range(2)]
    processes = [
        start(
            *arguments,
            f"--set=devices={2 // nodes}",
            SLURM_JOB_ID="4711",
            SLURM_JOB_NAME="train",
            SLURM_NTASKS="2",
            SLURM_NTASKS_PER_NODE=str(2 // nodes),
            SLURM_NNODES=str(nodes),
            SLURM_NODELIST="localhost",
            SLURM_PROCID=str(k),
            SLURM_NODEID=str(k * (nodes - 1)),
            SLURM_LOCALID=str(k * (2 - nodes)),
            **own[k],
        )
        for k in range(2)
    ]
    told = [process.communicate(timeout=200) for process in processes]
    return [(p.returncode, *said) for p, said in zip(processes, told, strict=True)]


def test_two_processes_go_the_way_of_one_with_twice_the_batch(one, two):
    for stage in (1, 2):
        for which in ("last", "best"):
            a, b = checkpoint(one, stage, which), checkpoint(two, stage, which)
            # Three steps an epoch: two, two and one snapshot.
            assert (a["epoch"], a["global_step"]) == (b["epoch"], b["global_step"])
            assert a["global_step"] == 3 * (a["epoch"] + 1)
            for name, value in a["state_dict"].items():
                torch.testing.assert_close(b["state_dict"][name], value, rtol=0, atol=1e-10)


def test_their_logs_and_files_are_those_of_one_run(one, two):
    assert files(one) == files(two)
    rows, theirs = figures(one), figures(two)
    assert len(rows) == 2 * 5
    for row, other in zip(rows, theirs, strict=True):
        assert other == pytest.approx(row, rel=1e-9)
    card, other = card_of(one / "model"), card_of(two / "model")
    assert card.scores == pytest.approx(other.scores)
    assert (card.domain, card.data) == (other.domain, other.data)
    assert other.provenance["command"] == card.provenance["command"]


@pytest.mark.slow
def test_a_killed_process_is_told_and_slurm_resumes_as_if_undisturbed(config, two, tmp_path):
    folder = tmp_path / "run"
    before = children(os.getpid())
    with ThreadPoolExecutor() as pool:
        run = pool.submit(train, load_recipe(config, TWO), folder)
        until_first_checkpoint(folder, lambda: not run.done())
        training = [number for number in children(os.getpid()) if number not in before]
        os.kill(training[1], signal.SIGKILL)
        with pytest.raises(gb.RunError) as error:
            run.result()
    assert str(error.value) == (
        "process 2 of 2 was killed (SIGKILL), perhaps for want of memory; go on with --resume "
        f"(the run is in {folder})"
    )
    assert not any(is_running(number) for number in training)
    assert not (folder / "model").exists()
    ended = under_slurm(config, folder, "--resume", nodes=1)
    assert [status for status, _, _ in ended] == [0, 0], ended
    # One speaks for both.
    assert ended[0][1:] == (f"model: {folder}/model\nlogs: {folder}/stage-*/logs\n", "")
    assert ended[1][1:] == ("", "")
    last = [checkpoint(run, 2, "last")["state_dict"] for run in (two, folder)]
    assert all(torch.equal(last[0][name], last[1][name]) for name in last[0])
    assert figures(folder)[-8:] == figures(two)[-8:]


@pytest.mark.slow
def test_nodes_with_nothing_but_the_run_folder_in_common_train_together(config, two, tmp_path):
    ended = under_slurm(config, tmp_path / "run", nodes=2, caches=tmp_path)
    assert [status for status, _, _ in ended] == [0, 0], ended
    written = [(run / "model/weights.safetensors").read_bytes() for run in (two, tmp_path / "run")]
    assert written[0] == written[1]
    # Each node has its own examples.
    kept = [sorted((tmp_path / str(k) / "examples").iterdir()) for k in range(2)]
    assert [path.name for path in kept[0]] == [path.name for path in kept[1]]
    assert len(kept[0]) == 8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([], "already holds a run; go on with --resume or choose another"),
        (["--set=sede=1"], "unknown key 'sede'; did you mean 'seed'?"),
        (["--resume", "--set=seed=1"], "differs from the given recipe"),
    ],
)
def test_what_is_refused_is_told_once(config, two, changes, message):
    ended = under_slurm(config, two, *changes, nodes=1)
    assert [status for status, _, _ in ended] == [2, 2]
    assert message in ended[0][2]
    assert ended[0][2].count("\n") == 1
    assert ended[1][1:] == ("", "")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nodes": 2}, "2 nodes need a launcher, torchrun or Slurm's srun"),
        ({"accelerator": "gpu"}, r"accelerator \(gpu\).* cannot be had here"),
    ],
)
def test_devices_that_are_not_there_are_refused_at_once(config, tmp_path, changes, message):
    if changes.get("accelerator") == "gpu" and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(gb.InputError, match=message):
        train(load_recipe(config, changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_another_number_than_the_launcher_started_is_refused(config, tmp_path, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(gb.InputError, match="asks for 1 processes .* and 4 were started"):
        train(load_recipe(config), tmp_path / "run")


@pytest.mark.slow
def test_torchrun_starts_the_same_run(config, two, tmp_path):
    launcher = ("torch.distributed.run", "--nproc-per-node=2", "-m")
    process = start(*launcher, *command(config, tmp_path / "run"))
    told, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert told.count("model:") == 1
    written = [(run / "model/weights.safetensors").read_bytes() for run in (two, tmp_path / "run")]
    assert written[0] == written[1]


@pytest.mark.slow
def test_ctrl_c_ends_all_with_one_line(config, tmp_path):
    process = start(*command(config, tmp_path / "run"), "--set=stages.1.epochs=1000")
    until_first_checkpoint(tmp_path / "run", lambda: process.poll() is None)
    training = children(process.pid)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "glassbotan: error: interrupted\n")
    assert not any(is_running(number) for number in training)


@pytest.mark.slow
def test_no_process_outlives_the_one_that_started_it(config, tmp_path):
    process = start(*command(config, tmp_path / "run"), "--set=stages.1.epochs=1000")
    until_first_checkpoint(tmp_path / "run", lambda: process.poll() is None)
    training = children(process.pid)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 30
    while any(is_running(number) for number in training):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def is_running(number: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return ") Z " not in Path(f"/proc/{number}/stat").read_text()
    return False
