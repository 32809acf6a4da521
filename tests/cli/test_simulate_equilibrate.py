"""glassbotan simulate equilibrate: files, numbers, stops, and what it refuses."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cli.command_line import refusal, run
from glassbotan import io
from glassbotan.io.extxyz import read_provenance
from glassbotan.simulation.engines import available

pytestmark = pytest.mark.skipif(
    available()["ensemble"] is not None,
    reason="the ensemble engine was not built (no C++ compiler)",
)

QUICK = ("--particles", "160", "-T", "2", "--melt-time", "1", "--damping", "0.3")


def equilibrate(*words):
    return ("simulate", "equilibrate", *words)


def test_glasses_are_made_numbered_and_kept(tmp_path):
    output = tmp_path / "glass.extxyz"
    words = equilibrate(*QUICK, "--hold", "15", "--number", "2", "--seed", "4", "-o", output)
    result = run(*words)
    assert result.status == 0, result
    assert [p.name for p in sorted(tmp_path.iterdir())] == [
        "glass-0001.extxyz",
        "glass-0002.extxyz",
    ]
    assert f"snapshot: {tmp_path / 'glass-0001.extxyz'}" in result.out
    assert "tau_alpha = " in result.out
    snapshots = [io.read(tmp_path / f"glass-000{k}.extxyz") for k in (1, 2)]
    for snapshot in snapshots:
        assert snapshot.temperature == 2
        assert snapshot.fields["velocities"].shape == (160, 3)
        assert snapshot.density == pytest.approx(1.2)
    told = read_provenance(tmp_path / "glass-0001.extxyz")
    assert told["judgement"]["verdict"] in ("equilibrated", "cannot tell", "not yet")
    assert told["judgement"]["held"] == pytest.approx(15, rel=0.1)
    assert told["equilibration"]["temperature"] == 2
    assert told["seed"] == 4
    # The same command has nothing to do; a third glass needs only the third's work.
    before = (tmp_path / "glass-0001.extxyz").read_bytes()
    again = run(*words)
    assert (again.status, again.out.count("made before")) == (0, 2)
    more = run(*(("3" if w == "2" and words[k - 1] == "--number" else w)
                 for k, w in enumerate(words)))  # fmt: skip
    assert (more.status, more.out.count("made before")) == (0, 2)
    assert (tmp_path / "glass-0003.extxyz").exists()
    assert (tmp_path / "glass-0001.extxyz").read_bytes() == before
    # Another command does not touch them.
    said = refusal(*equilibrate(*QUICK, "--number", "2", "-o", output))
    assert "is there already, and not from this command" in said


def test_snapshots_from_another(tmp_path):
    first, output = tmp_path / "first.extxyz", tmp_path / "next.extxyz"
    assert run(*equilibrate(*QUICK, "--hold-time", "4", "-o", first)).status == 0
    words = equilibrate("--from", first, "--number", "2", "--hold", "4", "-o", output)
    result = run(*words)
    assert result.status == 0, result
    assert "of each other: overlap" in result.out
    told = read_provenance(tmp_path / "next-0002.extxyz")
    assert set(told["decorrelation"]) >= {"scattering", "overlap", "largest_mutual_overlap"}
    assert told["inputs"][0]["name"] == "first.extxyz"
    assert run(*words).out.count("made before") == 2
    one, two = (io.read(tmp_path / f"next-000{k}.extxyz") for k in (1, 2))
    assert np.array_equal(one.species, io.read(first).species)
    assert not np.allclose(one.positions, two.positions)


def test_what_is_not_equilibrated_is_said_aloud(tmp_path):
    output = tmp_path / "glass.xyz"
    result = run(
        *equilibrate(
            "--particles", "160", "-T", "0.3", "--melt-time", "1", "--hold-time", "1", "-o", output
        )
    )
    assert result.status == 0
    assert "not yet: F_s has not fallen to 1/e" in result.out
    assert result.err.startswith(f"warning: {output}: NOT equilibrated: ")
    assert read_provenance(output)["judgement"]["tau_alpha"] is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "the temperature is not given"),
        (("-T", "-1"), "--temperature: input should be greater than 0"),
        (("-T", "1", "--density", "0"), "--density: input should be greater than 0"),
        (("-T", "1", "-o", "glass.gsd"), "must end in .extxyz"),
        (("-T", "1", "-o", "nowhere/glass.xyz"), "there is no folder nowhere"),
        (("--from", "nothing.xyz"), "nothing.xyz"),
    ],
)
def test_refusals(words, message):
    assert message in refusal(*equilibrate(*words))


def test_a_blow_up_is_one_line(tmp_path):
    said = refusal(
        *equilibrate(
            "--particles", "160", "-T", "2", "--timestep", "0.05", "-o", tmp_path / "a.xyz"
        ),
        status=1,
    )
    assert "blew up by step" in said
    assert not list(tmp_path.glob("*.xyz"))


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    def full(self, *_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("glassbotan.io.tables.format_rows", full)
    monkeypatch.chdir(tmp_path)
    said = refusal(*equilibrate(*QUICK, "--hold-time", "1", "-o", "a.xyz"), status=1)
    assert "the disk or the quota is full" in said
    assert not list(tmp_path.glob("*.xyz"))


COMMAND = """
import sys
from glassbotan.simulation import pacing
from glassbotan.simulation.equilibration import job
job.SECONDS_BETWEEN_CHECKPOINTS = 0.05
pacing.SLICE = 0.02
from glassbotan.cli import main
sys.argv[0] = "glassbotan"
main()
"""


def begin(*words) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path: Path, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_command_goes_on(tmp_path, how):
    words = equilibrate(*QUICK, "--hold-time", "8", "--seed", "81", "-o")
    whole, broken = tmp_path / "whole.xyz", tmp_path / "broken.xyz"
    checkpoint = tmp_path / "broken.xyz.checkpoint"
    assert run(*words, whole).status == 0
    process = begin(*words, broken)
    wait_for(checkpoint, process)
    process.send_signal(how)
    out, err = process.communicate(timeout=60)
    assert not broken.exists()
    assert checkpoint.exists()
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert f"goes on from {checkpoint}" in out
        assert err.endswith("error: interrupted\n")
    assert "of another run: seed is 81 there and 9" in refusal(
        *("9" if w == "81" else w for w in words), broken
    )
    assert run(*words, broken).status == 0
    assert not checkpoint.exists()
    one, other = io.read(whole), io.read(broken)
    assert np.array_equal(one.positions, other.positions)
    assert np.array_equal(one.fields["velocities"], other.fields["velocities"])
