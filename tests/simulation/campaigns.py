"""Small campaigns on disk, processes that run them, and their stores' contents."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import yaml

from glassbotan import io
from glassbotan.io.ensemble_store import group_name, open_group
from glassbotan.settings import checked
from glassbotan.simulation.campaign import Campaign
from simulation.glasses import thermal_glass

TESTS = Path(__file__).parent.parent


def small_campaign(folder: Path, **changes) -> dict:
    """The content of a campaign on one glass of 160 particles at two temperatures."""
    snapshot = folder / "glass.xyz"
    if not snapshot.exists():
        io.write(snapshot, thermal_glass(3))
    return {
        "name": "small",
        "snapshots": [str(snapshot)],
        "engine": "lammps",
        "temperature": [0.44, 0.5],
        "times": [0.1, 1.0, 2.0],
        "trajectories": [6, 6, 4],
        "block": 2,
        "seed": 3,
        **changes,
    }


def campaign(folder: Path, **changes) -> Campaign:
    return checked(Campaign, small_campaign(folder, **changes))


def campaign_file(folder: Path, **changes) -> Path:
    path = folder / "campaign.yaml"
    path.write_text(yaml.safe_dump(small_campaign(folder, **changes)))
    return path


def contents(store: Path, snapshots: int = 2) -> dict[str, np.ndarray]:
    """Every array of a store by its name."""
    found = {}
    for index in range(snapshots):
        group = open_group(store / group_name(index))
        assert group.attrs["finished"]
        found |= {f"{index}/{name}": group[name][...] for name in sorted(group.array_keys())}
    return found


def assert_same_contents(one: Path, other: Path, snapshots: int = 2) -> None:
    here, there = contents(one, snapshots), contents(other, snapshots)
    assert here.keys() == there.keys()
    for name, values in here.items():
        assert values.dtype == there[name].dtype, name
        assert np.array_equal(values, there[name], equal_nan=values.dtype.kind == "f"), name


def environment() -> dict[str, str]:
    paths = [str(TESTS), *sys.path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def begin(file: Path, store: Path, *words: str) -> subprocess.Popen:
    """Start a campaign in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "simulation.campaign_process", str(file), str(store), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


def wait_until(process: subprocess.Popen, part: float) -> float:
    """Read what a campaign says until that part of its work is done; return the part."""
    for line in process.stdout:
        if line.startswith("complete") or float(line) >= part:
            return 1.0 if line.startswith("complete") else float(line)
    raise AssertionError(process.stderr.read())


def finish(process: subprocess.Popen, timeout: float = 120) -> str:
    """Wait for a campaign's end and return its last line."""
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err
    return out.splitlines()[-1]
