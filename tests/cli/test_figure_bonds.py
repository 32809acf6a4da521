"""glassbotan figure bonds: what it writes, and what it refuses."""

from pathlib import Path

import matplotlib.image
import pytest
from command_line import refusal, run, save_model

import glassbotan as gb
from conftest import random_snapshot, write_botan_npz
from glassbotan.models.registry import card_of


@pytest.fixture(scope="module")
def snapshot() -> gb.Snapshot:
    return random_snapshot(60)


@pytest.fixture(scope="module")
def data(tmp_path_factory, snapshot) -> Path:
    path = tmp_path_factory.mktemp("data") / "isoconfig_T0.44_1_tc07.npz"
    return write_botan_npz(path, snapshot)


@pytest.fixture(scope="module")
def model(tmp_path_factory, snapshot) -> Path:
    return save_model(tmp_path_factory.mktemp("models") / "small", snapshot)


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_a_picture_of_each_form(tmp_path, data, model, suffix):
    target = tmp_path / f"b.{suffix}"
    result = run("figure", "bonds", data, "--model", model, "--box", 5, "-o", target)
    assert (result.status, result.out) == (0, f"bonds: {target}\n"), result
    assert 1000 < target.stat().st_size < 1_000_000
    if suffix == "png":
        assert matplotlib.image.imread(target)[..., :3].std() > 0.05
    if suffix == "svg":
        text = target.read_text()
        assert f"(b) {card_of(model).name}" in text
        assert "isoconfig_T0.44_1_tc07.npz" in text  # what it was made from


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--time", 13), "has t = 4120, not t = 13"),
        (("--model", "nothing"), "no model 'nothing'"),
        (("--axis", "w"), "expected x, y or z"),
        (("--thickness", "inf"), "expected a positive length"),
        (("--position", 2, "--thickness", 1e-9), "no particle lies within"),
        (("--output", "b.bmp"), "b.bmp: unknown suffix; use one of .png, .pdf, .svg"),
    ],
)
def test_bad_options_are_refused_in_one_line(tmp_path, monkeypatch, data, model, options, message):
    monkeypatch.chdir(tmp_path)
    arguments = ("figure", "bonds", data, "--box", 5, "--model", model, *options)
    assert message in refusal(*arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_model_without_bonds(tmp_path, data, snapshot):
    nodes = save_model(tmp_path / "nodes", snapshot, architecture="node-only")
    told = refusal("figure", "bonds", data, "--box", 5, "-m", nodes, "-o", tmp_path / "b.png")
    assert "model 'nodes' predicts no bonds; choose one that does" in told


def test_data_without_measured_motion(tmp_path, snapshot, model):
    gb.write(tmp_path / "s.xyz", snapshot)
    arguments = ("--model", model, "-o", tmp_path / "b.png")
    assert "holds no measured motion" in refusal("figure", "bonds", tmp_path / "s.xyz", *arguments)
    gb.write(tmp_path / "p.npz", gb.predict(snapshot, model), provenance={"model": "small"})
    told = refusal("figure", "bonds", tmp_path / "p.npz", *arguments)
    assert "holds no measured motion; this figure is made from a file with trajectories" in told
