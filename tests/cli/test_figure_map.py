"""glassbotan figure map: what it draws from which file, and what it refuses."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from command_line import refusal, run, save_model
from PIL import Image

import glassbotan as gb
from conftest import REPOSITORY, random_snapshot, write_botan_npz
from glassbotan.cli.figure.map import EXAMPLE
from glassbotan.dynamics import Motion


@pytest.fixture(scope="module")
def snapshot() -> gb.Snapshot:
    return random_snapshot(60)


@pytest.fixture(scope="module")
def model(tmp_path_factory, snapshot) -> Path:
    return save_model(tmp_path_factory.mktemp("models") / "small", snapshot)


@pytest.fixture
def source(tmp_path, snapshot) -> Path:
    gb.write(tmp_path / "s.xyz", snapshot)
    return tmp_path / "s.xyz"


@pytest.fixture
def ensemble(tmp_path, snapshot) -> Path:
    """Trajectories up to t = 4120."""
    return write_botan_npz(tmp_path / "isoconfig_T0.44_1_tc07.npz", snapshot)


def drawn(*arguments: object, to: Path) -> str:
    """Return the picture, an SVG, in which texts are texts."""
    result = run("-q", "figure", "map", *arguments, "-o", to)
    assert (result.status, result.err) == (0, ""), result
    assert result.out == f"map: {to}\n"
    return to.read_text("utf-8")


def counts(picture: str, *texts: str) -> list[int]:
    return [picture.count(f">{text}</") for text in texts]


def test_simulation_and_models_stand_side_by_side(tmp_path, ensemble, model, snapshot):
    other = save_model(tmp_path / "other", snapshot, seed=1)
    options = ("--box", 5, "-m", model, "-m", other, "--thickness", 5)
    picture = drawn(ensemble, *options, to=tmp_path / "m.svg")
    assert counts(picture, "simulation", "small", "other") == [1, 1, 1]
    assert picture.index(">small<") < picture.index(">other<")
    assert picture.count("A: Pearson") == picture.count("squared error") == 2
    assert counts(picture, "propensity (σ)", "1 σ") == [1, 3]


def test_a_snapshot_has_predictions_alone_at_the_models_times(tmp_path, source, model):
    picture = drawn(source, "-m", model, to=tmp_path / "m.svg")
    assert counts(picture, "simulation", "small", "propensity (σ)") == [0, 1, 2]
    assert "Pearson" not in picture
    chosen = drawn(source, "-m", model, "--times", "13000", to=tmp_path / "m.svg")
    assert counts(chosen, "small", "propensity (σ)") == [1, 1]


def test_a_stored_prediction_is_drawn_without_a_model_or_beside_one(tmp_path, source, model):
    target = tmp_path / "p.npz"
    assert run("predict", source, "--model", model, "-o", target).status == 0
    alone = drawn(target, to=tmp_path / "m.svg")
    assert counts(alone, "simulation", "botan", "propensity (σ)", "1 σ") == [0, 0, 2, 2]
    beside = drawn(target, "-m", model, to=tmp_path / "m.svg")
    assert counts(beside, "small", "1 σ") == [1, 4]


def test_a_time_that_one_side_lacks_is_an_empty_panel(tmp_path, ensemble, model, snapshot):
    early = save_model(tmp_path / "early", snapshot, times=(1.3,))
    options = ("--box", 5, "-m", model, "-m", early, "--thickness", 5, "--times", "4120,13000")
    picture = drawn(ensemble, *options, to=tmp_path / "m.svg")
    assert picture.count("no prediction") == 2
    assert picture.count("not simulated") == 1


def test_the_slice_is_chosen(tmp_path, source, model):
    one = drawn(source, "-m", model, "--axis", "x", "--position", 1, to=tmp_path / "a.svg")
    same = drawn(source, "-m", model, "--axis", "x", "--position", 6, to=tmp_path / "b.svg")
    others = [("--axis", "y", "--position", 1), ("--axis", "x"), ("--thickness", 2)]
    assert discs(one) == discs(same)
    for options in others:
        assert discs(drawn(source, "-m", model, *options, to=tmp_path / "c.svg")) != discs(one)


def discs(picture: str) -> list[str]:
    """Return the outlines that were drawn."""
    return [line for line in picture.splitlines() if line.startswith(("C ", "M "))]


def test_box_species_and_frame_go_to_the_reader(tmp_path, model, snapshot):
    text = ""
    for k, factor in enumerate((1.0, 1.02)):
        stretched = gb.Snapshot(snapshot.positions * factor, snapshot.species, snapshot.box)
        gb.write(tmp_path / f"{k}.xyz", stretched)
        text += (tmp_path / f"{k}.xyz").read_text().replace("\nA ", "\nNi ").replace("\nB ", "\nP ")
    path = tmp_path / "both.xyz"
    path.write_text(text)
    assert "species Ni, P" in refusal("-q", "figure", "map", path, "-m", model)
    options = ("--species", "Ni:0,P:1", "-m", model, "--thickness", 5)
    first = run("figure", "map", path, *options, "--frame", 0, "-o", tmp_path / "0.png")
    last = run("figure", "map", path, *options, "-o", tmp_path / "1.png")
    boxed = run("figure", "map", path, *options, "--box", 6, "-o", tmp_path / "2.png")
    assert first.status == last.status == boxed.status == 0
    pixels = [np.asarray(Image.open(tmp_path / f"{k}.png")) for k in range(3)]
    assert not np.array_equal(pixels[0], pixels[1])
    assert "number density" in boxed.err


def test_the_picture_tells_its_origin(tmp_path, ensemble, model):
    run("figure", "map", ensemble, "--box", 5, "-m", model, "-o", tmp_path / "m.png")
    with Image.open(tmp_path / "m.png") as picture:
        told = json.loads(picture.info["Description"])
        assert picture.info["dpi"] == pytest.approx((300, 300), rel=1e-3)
    assert told["model"] == [str(model)]
    assert told["inputs"][0]["name"] == ensemble.name
    assert told["command"].startswith(f"glassbotan figure map {ensemble}")


def test_the_default_is_a_png_here(tmp_path, source, model, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("figure", "map", source, "-m", model).out == "map: map.png\n"
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_the_example_of_the_help_works(tmp_path, monkeypatch, published):
    monkeypatch.chdir(REPOSITORY)
    words = shlex.split(EXAMPLE)
    assert words[0] == "glassbotan"
    assert words[-2:] == ["-o", "map.png"]
    result = run("-q", *words[1:-1], tmp_path / "m.svg")
    assert (result.status, result.err) == (0, ""), result
    picture = (tmp_path / "m.svg").read_text("utf-8")
    assert counts(picture, "simulation", "node-only", "botan") == [1, 1, 1]
    assert "A: Pearson 0.59, squared error 0.029" in picture
    assert EXAMPLE.split()[-1] in run("figure", "map", "--help").out


def test_unknown_times_are_answered_with_the_known(ensemble, model, tmp_path):
    line = refusal("-q", "figure", "map", ensemble, "--box", 5, "-m", model, "--times", "4120,7")
    assert line == (
        f"t = 7: not known here; {ensemble} has t = 4120; model small has t = 4120, 13000"
    )


def test_an_empty_slice_says_where_particles_are(source, model, tmp_path):
    options = ("--axis", "y", "--thickness", "1e-9", "-o", tmp_path / "m.png")
    line = refusal("figure", "map", source, "-m", model, *options)
    assert line.startswith(f"{source}: no particle lies within 5e-10 of y = 2.5; particles lie")
    assert line.endswith("move or thicken the slice")
    assert not (tmp_path / "m.png").exists()


def test_a_model_of_bonds_alone_is_refused(source, snapshot, tmp_path):
    bonds = save_model(tmp_path / "bonds", snapshot, targets=["bonds"])
    line = refusal("figure", "map", source, "-m", bonds, "-o", tmp_path / "m.png")
    assert line == (
        "model bonds: there is no propensity to draw; the model predicts bond_extension"
    )


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        (("-o", "m.jpg"), "m.jpg: unknown suffix; use one of .png, .pdf, .svg"),
        (("--times", "1,x"), "--times '1,x': expected positive numbers"),
        (("--times", "-1"), "--times '-1': expected positive numbers"),
        (("--quantity", "speed"), "no quantity 'speed'; there are propensity, bond_extension"),
        (("--axis", "w"), "--axis 'w': expected x, y or z"),
        (("--position", "nan"), "--position nan: expected a finite length"),
        (("--thickness", "0"), "--thickness 0.0: expected a positive length"),
        (("--box", "a"), "--box 'a': expected one positive edge length"),
        (("--species", "A"), "species"),
    ],
)
def test_wrong_options_are_refused_before_the_file_is_read(options, wrong):
    assert wrong in refusal("figure", "map", "nowhere.npz", *options)


def test_missing_files_and_models_are_named(source, tmp_path):
    line = refusal("figure", "map", tmp_path / "nowhere.npz")
    assert str(tmp_path / "nowhere.npz") in line
    assert "no-model" in refusal("figure", "map", source, "-m", "no-model")


def test_an_unwritable_picture_is_named(source, model, tmp_path):
    line = refusal("figure", "map", source, "-m", model, "-o", tmp_path / "no" / "m.png")
    assert f"{tmp_path / 'no' / 'm.png'}: cannot be written, there is no folder" in line


def test_measured_motion_of_the_projects_own_form_is_simulation(tmp_path, snapshot, model):
    values = np.random.default_rng(0).random((2, 60))
    measured = Motion(snapshot, np.array([4120.0, 13000.0]), {"propensity": values})
    gb.write(tmp_path / "measured.npz", measured)
    picture = drawn(tmp_path / "measured.npz", "-m", model, to=tmp_path / "m.svg")
    assert counts(picture, "simulation", "small", "propensity (σ)") == [1, 1, 2]
    assert picture.count("A: Pearson") == 2
