"""What commands load: those that run no network do without PyTorch, and so answer at once."""

import gc
import subprocess
import sys

import pytest

import glassbotan as gb
from conftest import random_snapshot
from glassbotan.cli.lasting import lasting

HEAVY = {"torch", "sklearn", "scipy", "matplotlib", "ase", "lightning", "zarr"}


def loaded(*arguments: str) -> set[str]:
    """Return the modules that a process of Python loads."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments], capture_output=True, text=True, check=True
    )
    return {line.split("|")[-1].strip() for line in done.stderr.split("\n") if "|" in line}


@pytest.mark.parametrize("command", [["--help"], ["predict", "--help"], ["models"], ["--version"]])
def test_commands_that_run_no_network_load_no_heavy_library(command):
    found = loaded("-m", "glassbotan", *command)
    assert "glassbotan.cli.app" in found
    assert not HEAVY & found


def test_a_command_is_loaded_without_the_others():
    found = loaded("-m", "glassbotan", "fetch", "--help")
    # What fetch imports, and neither what predict does nor the simulations.
    assert "glassbotan.cli.console" in found
    assert not {"glassbotan.cli.lasting", "glassbotan.cli.from_model"} & found


@pytest.mark.parametrize(
    "module", ["glassbotan", "glassbotan.models.predictor", "glassbotan.datasets"]
)
def test_importing_is_light(module):
    found = loaded("-c", f"import {module}")
    assert module in found
    assert not HEAVY & found
    assert module != "glassbotan" or "numpy" not in found


def test_a_process_that_predicts_ends_without_a_word(tmp_path):
    gb.write(tmp_path / "s.xyz", random_snapshot(60))
    command = [sys.executable, "-m", "glassbotan", "predict", "--quiet", "-m", "botan"]
    done = subprocess.run(
        [*command, str(tmp_path / "s.xyz"), "--map", str(tmp_path / "map.png")],
        capture_output=True,
        text=True,
        check=True,
    )
    said = done.stderr.splitlines()
    assert all(line.startswith("warning: ") for line in said), done.stderr
    assert (tmp_path / "map.png").exists()


def test_what_lasts_is_not_searched_for_garbage_and_what_follows_is():
    before = gc.get_freeze_count()
    with lasting():
        assert not gc.isenabled()
        kept = [[] for _ in range(100)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(kept)
    gc.disable()
    try:
        with lasting():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
        gc.unfreeze()
