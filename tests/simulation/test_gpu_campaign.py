"""benchmarks/gpu_campaign.py from snapshots to the comparison, tiny and in the plain form."""

import runpy
import sys
from dataclasses import replace

import numpy as np
import pytest

import glassbotan as gb
from conftest import REPOSITORY
from simulation.glasses import small_glass
from simulation.test_device_batch import pytestmark  # noqa: F401 - as there

SCRIPT = REPOSITORY / "benchmarks" / "gpu_campaign.py"
ENSEMBLES = ("--times", "0.1,0.3", "--trajectories", "16", "--seed", "3", "--device", "cpu")


@pytest.fixture
def script(monkeypatch, capsys, tmp_path):
    """Run the script with some words in a folder of its own, and return what it prints."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["gpu_campaign.py", *words])
        runpy.run_path(str(SCRIPT), run_name="__main__")
        return capsys.readouterr().out

    return run


def published(name, seed):
    """Write an ensemble at the later of both times as the published ones are."""
    glass = replace(small_glass(3), temperature=0.44)
    ensemble = gb.simulate_ensemble(
        glass, times=[0.3], trajectories=32, seed=seed, engine="ensemble"
    )
    gb.io.write(name, ensemble)


def test_from_snapshots_to_the_comparison(script):
    glass = replace(small_glass(3), temperature=0.44)
    gb.io.write("glass_7_tc02.xyz", glass)
    script("pack", "glass_7_tc02.xyz", "-o", "pack.npz")
    assert "stopped at t = 0" in script(
        "ensembles", "pack.npz", "-o", "halted", *ENSEMBLES, "--minutes", "0"
    )
    for source, folder in (("pack.npz", "halted"), ("glass_7_tc02.xyz", "whole")):
        assert "complete: 1 snapshots" in script("ensembles", source, "-o", folder, *ENSEMBLES)
    with np.load("halted/targets-00.npz") as one, np.load("whole/targets-00.npz") as other:
        assert one.files == other.files
        # A pack's positions are folded into the box.
        for name in set(one.files) - {"0000/positions"}:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)
    published("glass_7_t0.3.npz", seed=5)
    told = script("compare", "whole", "glass_7_t0.3.npz")
    assert told.startswith("ok    glass_7_t0.3, t = 0.3: correlation 0.")


def test_what_does_not_correlate_or_is_not_there_ends_with_a_line(script, capsys):
    gb.io.write("glass_7.xyz", replace(small_glass(3), temperature=0.44))
    script("ensembles", "glass_7.xyz", "-o", "out", *ENSEMBLES)
    published("glass_8_t0.3.npz", seed=5)
    with pytest.raises(
        SystemExit, match="out has no targets of a snapshot of that name; .*glass_7"
    ):
        script("compare", "out", "glass_8_t0.3.npz")
    with np.load("glass_8_t0.3.npz") as stored:
        arrays = dict(stored)
    np.savez("glass_7_t0.2.npz", **{**arrays, "time": 0.2})
    with pytest.raises(SystemExit, match=r"no targets at its time, t = 0\.2"):
        script("compare", "out", "glass_7_t0.2.npz")
    # Another particle's motion for each.
    moved = arrays["positions"] - arrays["initial_positions"]
    shuffled = arrays["initial_positions"] + np.roll(moved, 1, axis=-2)
    np.savez("glass_7_t0.3.npz", **{**arrays, "positions": shuffled})
    with pytest.raises(SystemExit) as ended:
        script("compare", "out", "glass_7_t0.3.npz")
    assert ended.value.code == 1
    assert "SHORT glass_7_t0.3" in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r"nowhere\.npz"):
        script("ensembles", "nowhere.npz", "-o", "out", *ENSEMBLES)


def test_held_snapshots_are_new_ones_and_the_same_after_a_halt(script):
    gb.io.write("glass.xyz", replace(small_glass(3), temperature=0.44))
    words = ("--time", "0.1", "--trajectories", "3", "--device", "cpu")
    assert "stopped" in script("hold", "glass.xyz", "-o", "new.npz", *words, "--minutes", "0")
    told = script("hold", "glass.xyz", "-o", "new.npz", *words)
    assert "complete: 3 snapshots in new.npz" in told
    assert "within 0.3 of their place" in told
    script("hold", "glass.xyz", "-o", "again.npz", *words)
    with np.load("new.npz") as one, np.load("again.npz") as other:
        np.testing.assert_array_equal(one["positions"], other["positions"])
        assert one["positions"].shape == (3, 160, 3)
        assert len(np.unique(one["positions"][:, 0, 0])) == 3
