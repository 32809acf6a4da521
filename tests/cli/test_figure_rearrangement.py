"""glassbotan figure rearrangement: what it writes, and what it refuses."""

from pathlib import Path

import matplotlib.image
import pytest
from command_line import refusal, run

import glassbotan as gb
from conftest import random_snapshot, write_botan_npz


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "isoconfig_T0.44_1_tc07.npz"
    return write_botan_npz(path, random_snapshot(60))


def draw(data: Path, *options: object):
    return run("figure", "rearrangement", data, "--box", 5, *options)


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_a_picture_of_each_form(tmp_path, data, suffix):
    target = tmp_path / f"r.{suffix}"
    result = draw(data, "--trajectory", 2, "-o", target)
    assert (result.status, result.out, result.err) == (0, f"rearrangement: {target}\n", "")
    assert 1000 < target.stat().st_size < 1_000_000
    if suffix == "png":
        assert matplotlib.image.imread(target)[..., :3].std() > 0.05
    if suffix == "svg":
        text = target.read_text()
        assert "(b) displacements, trajectory 2" in text
        assert "isoconfig_T0.44_1_tc07.npz" in text  # what it was made from


def test_the_slice_and_the_fraction_are_those_asked_for(tmp_path, data):
    target = tmp_path / "r.svg"
    slab = ("--axis", "x", "--position", 2, "--thickness", 1.5)
    result = draw(data, *slab, "--fraction", 0.2, "--time", 4120, "-o", target)
    assert result.status == 0, result
    text = target.read_text()
    assert "slice x = 2.00 ± 0.75 σ" in text
    assert "fastest 20 %" in text
    assert "mean of 4 trajectories" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--trajectory", 4), "has 4 trajectories, counted from 0 to 3; there is no trajectory 4"),
        (("--time", 13), "has t = 4120, not t = 13"),
        (("--time", "nan"), "has t = 4120, not t = nan"),
        (("--fraction", 0), "must be above 0 and up to 1"),
        (("--axis", "w"), "expected x, y or z"),
        (("--thickness", 0), "expected a positive length"),
        (("--position", 2, "--thickness", 1e-9), "no particle lies within"),
        (("--output", "r.jpg"), "r.jpg: unknown suffix; use one of .png, .pdf, .svg"),
    ],
)
def test_bad_options_are_refused_in_one_line(tmp_path, monkeypatch, data, options, message):
    monkeypatch.chdir(tmp_path)
    assert message in refusal("figure", "rearrangement", data, "--box", 5, *options)
    assert list(tmp_path.iterdir()) == []


def test_data_without_trajectories(tmp_path):
    snapshot = random_snapshot(60)
    gb.write(tmp_path / "s.xyz", snapshot)
    told = refusal("figure", "rearrangement", tmp_path / "s.xyz", "-o", tmp_path / "r.png")
    assert "extxyz holds no trajectories; botan_npz and node_only_pickle and" in told
    assert "no such file" in refusal("figure", "rearrangement", tmp_path / "none.npz")


def test_an_old_picture_stays_where_the_new_one_cannot_be_made(tmp_path, data):
    target = tmp_path / "r.png"
    target.write_text("old")
    refusal("figure", "rearrangement", data, "--box", 5, "--trajectory", 99, "-o", target)
    assert target.read_text() == "old"
