"""glassbotan view: which page it writes from which file, and what it refuses."""

import json
import re
import shlex
from pathlib import Path

import pytest
from command_line import refusal, run, save_model

import glassbotan as gb
from conftest import REPOSITORY, random_snapshot, write_botan_npz
from glassbotan.cli.view import EXAMPLE


@pytest.fixture
def snapshot() -> gb.Snapshot:
    return random_snapshot(60)


@pytest.fixture
def source(tmp_path, snapshot) -> Path:
    gb.write(tmp_path / "s.xyz", snapshot)
    return tmp_path / "s.xyz"


@pytest.fixture
def model(tmp_path, snapshot) -> Path:
    return save_model(tmp_path / "small", snapshot)


def scene(page: Path) -> dict:
    text = page.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="scene">(.*?)</script>', text, re.DOTALL)[1])


def labels(page: Path) -> list[str]:
    return [quantity["label"] for quantity in scene(page)["quantities"]]


def test_simulation_prediction_and_error_of_an_ensemble(tmp_path, snapshot, model):
    data = write_botan_npz(tmp_path / "isoconfig_T0.44_1_tc07.npz", snapshot)
    page = tmp_path / "view.html"
    result = run("view", data, "-m", model, "--box", 5, "-o", page)
    assert result.status == 0, result.err
    assert result.out == f"view: {page}\n"
    assert labels(page) == [
        "propensity, simulation",
        "propensity, small",
        "error, small − simulation",
        "species",
    ]


def test_a_snapshot_without_a_model(tmp_path, source):
    page = tmp_path / "view.html"
    assert run("view", source, "--model", "none", "--descriptors", "-o", page).status == 0
    assert "potential energy" in labels(page)
    assert run("view", source, "--model", "none", "--title", "Glass <1>", "-o", page).status == 0
    assert labels(page) == ["species"]
    assert scene(page)["title"] == "Glass <1>"


def test_a_stored_prediction_is_shown_as_it_is(tmp_path, source, model):
    stored, page = tmp_path / "p.npz", tmp_path / "view.html"
    assert run("predict", source, "-m", model, "-o", stored).status == 0
    assert run("view", stored, "-o", page).status == 0
    assert len(scene(page)["times"]) == 2
    assert labels(page)[-1] == "species"
    assert len(labels(page)) == 2


def test_the_page_tells_where_it_came_from(tmp_path, source, model):
    page = tmp_path / "view.html"
    run("view", source, "-m", model, "-o", page)
    record = scene(page)["provenance"]
    assert record["command"].startswith("glassbotan view")
    assert record["model"] == [str(model)]
    assert record["inputs"][0]["name"] == "s.xyz"
    assert len(record["inputs"][0]["sha256"]) == 64


def test_what_is_refused_is_refused_before_anything_is_read(tmp_path):
    missing = tmp_path / "missing.xyz"
    assert "use .html" in refusal("view", missing, "-o", tmp_path / "view.png")
    assert "no folder" in refusal("view", missing, "-o", tmp_path / "no" / "view.html")
    both = refusal("view", missing, "-m", "none", "-m", "botan")
    assert "--model none" in both
    assert "no such file" in refusal("view", missing, "-o", tmp_path / "view.html")
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_stood_there_survives_a_failure(tmp_path, source):
    page = tmp_path / "view.html"
    page.write_text("before")
    refusal("view", source, "-m", "no-such-model", "-o", page)
    assert page.read_text() == "before"


def test_the_example_runs(tmp_path, monkeypatch):
    words = shlex.split(EXAMPLE)[1:]
    monkeypatch.chdir(REPOSITORY)
    words[words.index("-o") + 1] = str(tmp_path / "view.html")
    assert run(*words).status == 0
    assert "error, node-only − simulation" in labels(tmp_path / "view.html")
