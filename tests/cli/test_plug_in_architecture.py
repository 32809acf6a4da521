"""An architecture from outside the package: itself and its registration are all that there is."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from command_line import refusal, run

import glassbotan as gb
from conftest import random_snapshot, write_botan_npz
from glassbotan.models import linear

SOURCE = Path(linear.__file__).read_text()


def install(folder: Path, name: str, source: str) -> None:
    """Write what `pip install` would: a module, and the entry point that names its class."""
    (folder / f"{name}_model.py").write_text(source.replace('"linear"', f'"{name}"'))
    facts = folder / f"{name}-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    registered = f"[glassbotan.architectures]\n{name} = {name}_model:Linear\n"
    (facts / "entry_points.txt").write_text(registered)


@pytest.fixture
def site(tmp_path, monkeypatch) -> Path:
    (tmp_path / "site").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "site")
    return tmp_path / "site"


def write_recipe(folder: Path, architecture: str) -> Path:
    files = []
    for seed in range(3):
        path = folder / f"isoconfig_T0.44_{seed}_tc07.npz"
        files.append(str(write_botan_npz(path, random_snapshot(150, edge=5.4, seed=seed))))
    recipe = {
        "name": architecture,
        "model": {"architecture": architecture, "descriptors": {"shells": [0.9, 1.1, 1.3]}},
        "data": {"train": files[:2], "validation": files[2:], "box": [5.4]},
        "accelerator": "cpu",
        "devices": 1,
    }
    path = folder / f"{architecture}.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


def test_a_copy_of_the_linear_baseline_is_trained_and_predicts_as_the_original(site, tmp_path):
    install(site, "copied", SOURCE)
    snapshot = tmp_path / "s.xyz"
    gb.write(snapshot, random_snapshot(150, edge=5.4, seed=9))
    found = []
    for name in ("copied", "linear"):
        folder, target = tmp_path / f"run-{name}", tmp_path / f"{name}.npz"
        recipe = write_recipe(tmp_path, name)
        assert run("-q", "train", recipe, "-o", folder).status == 0
        assert run("-q", "predict", snapshot, "-m", folder / "model", "-o", target).status == 0
        found.append(gb.read_motion(target).propensity)
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("unprepared", "def prepare", "def prepares", "lacks prepare; see"),
        ("unrecorded", "def record", "def records", "lacks settings_type.record; see"),
        ("unnamed", '    architecture = "linear"\n', "", "lacks architecture; see"),
        ("absent", "class Linear(", "class Other(", "cannot be loaded"),
    ],
)
def test_one_that_lacks_a_part_is_refused_with_the_parts_name(
    site, tmp_path, name, old, new, message
):
    install(site, name, SOURCE.replace(old, new))
    line = refusal("train", write_recipe(tmp_path, name), "-o", tmp_path / "run")
    assert f"architecture '{name}' ({name}_model:Linear): {message}" in line
