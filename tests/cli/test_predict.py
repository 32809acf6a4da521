"""glassbotan predict: what it writes, shows and warns of."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from command_line import TIMES, run, save_model

import glassbotan as gb
from conftest import random_snapshot
from glassbotan.io import read_provenance
from glassbotan.models.domain import domain_of
from glassbotan.models.predictor import Predictor


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


def predicted(source: Path, model: Path, target: Path, *options: object) -> Path:
    result = run("predict", source, "--model", model, "--output", target, *options)
    assert (result.status, result.err) == (0, ""), result
    assert f"prediction: {target}\n" in result.out
    return target


def test_extxyz_holds_propensity_at_every_time(tmp_path, snapshot, model, source):
    target = predicted(source, model, tmp_path / "p.extxyz")
    expected = gb.predict(snapshot, model)
    found = gb.read(target)
    assert list(found.fields) == ["propensity_t4120", "propensity_t13000"]
    for k, values in enumerate(found.fields.values()):
        assert np.allclose(values, expected.propensity[k], rtol=1e-6, atol=1e-7)
    assert np.array_equal(found.positions, snapshot.positions)
    assert np.array_equal(found.species, snapshot.species)
    assert np.array_equal(found.box, snapshot.box)
    line = target.read_text().splitlines()[1]
    assert "species:S:1:pos:R:3:propensity_t4120:R:1:propensity_t13000:R:1" in line


def test_npz_holds_everything(tmp_path, snapshot, model, source):
    target = predicted(source, model, tmp_path / "p.npz")
    expected = gb.predict(snapshot, model)
    with np.load(target) as arrays:
        n, bonds = snapshot.n_particles, len(expected.bonds)
        shapes = {
            "times": (2,),
            "species": (n,),
            "positions": (n, 3),
            "box": (3,),
            "propensity": (2, n),
            "bonds": (2, bonds),
            "bond_extension": (2, bonds),
        }
        assert {name: arrays[name].shape for name in shapes} == shapes
        assert arrays["times"].tolist() == list(TIMES)
        assert np.array_equal(arrays["positions"], snapshot.positions)
        assert np.array_equal(arrays["species"], snapshot.species)
        assert np.array_equal(arrays["bonds"], expected.bonds.pairs)
        assert np.allclose(arrays["propensity"], expected.propensity, rtol=1e-6, atol=1e-7)
        assert np.allclose(arrays["bond_extension"], expected.bond_extension, atol=1e-6)
    told = read_provenance(target)
    assert told["command"].startswith("glassbotan predict")
    assert told["model"] == str(model)
    assert told["inputs"][0]["name"] == "s.xyz"
    assert {"version", "created", "seed"} <= set(told)


def test_csv_has_a_row_for_every_particle(tmp_path, snapshot, model, source):
    target = predicted(source, model, tmp_path / "p.csv")
    lines = [x for x in target.read_text().splitlines() if not x.startswith("#")]
    rows = list(csv.DictReader(lines))
    columns = ["id", "species", "x", "y", "z", "propensity_t4120", "propensity_t13000"]
    assert list(rows[0]) == columns
    assert len(rows) == snapshot.n_particles
    expected = gb.predict(snapshot, model).propensity[1]
    assert np.allclose([float(r["propensity_t13000"]) for r in rows], expected, atol=1e-6)


@pytest.mark.parametrize("suffix", [".xyz", ".dump", ".lammpstrj", ".gsd"])
def test_every_format_that_can_hold_a_motion_is_an_output(tmp_path, model, source, suffix):
    target = predicted(source, model, tmp_path / f"p{suffix}")
    assert "propensity_t4120" in gb.read(target).fields


def test_an_existing_prediction_is_replaced(tmp_path, model, source):
    target = tmp_path / "p.csv"
    target.write_text("old")
    assert "propensity" in predicted(source, model, target).read_text()


def test_several_snapshots_go_into_a_folder(tmp_path, snapshot, model, source):
    # Any order of the particles is the same snapshot: in the model's domain, and nothing is warned.
    order = np.random.default_rng(0).permutation(snapshot.n_particles)
    other = replace(snapshot, positions=snapshot.positions[order], species=snapshot.species[order])
    gb.write(tmp_path / "other.data", other)
    target = tmp_path / "new" / "predictions.v2"
    target.mkdir(parents=True)
    result = run("predict", source, tmp_path / "other.data", "-m", model, "-o", target)
    assert (result.status, result.err) == (0, "")
    assert sorted(p.name for p in target.iterdir()) == ["other.extxyz", "s.extxyz"]
    first, second = (
        gb.read(target / f"{name}.extxyz").fields["propensity_t4120"] for name in ("s", "other")
    )
    assert np.allclose(first[order], second, atol=1e-6)
    result = run("predict", source, tmp_path / "other.data", "-m", model, "-o", tmp_path / "a/b")
    assert result.status == 0
    assert (tmp_path / "a/b/s.extxyz").is_file()


def test_the_table_tells_numbers_and_averages(snapshot, model, source):
    result = run("predict", source, "--model", model)
    motion = gb.predict(snapshot, model)
    first = snapshot.species == 0
    row = next(x for x in result.out.splitlines() if x.split()[:3] == ["4120", "propensity", "A"])
    values = motion.propensity[0, first]
    assert int(row.split()[3]) == first.sum()
    assert float(row.split()[4]) == pytest.approx(values.mean(), abs=1e-4)
    assert float(row.split()[5]) == pytest.approx(np.median(values), abs=1e-4)
    assert "bond extension AB" in result.out
    assert "s.xyz: predicted by small" in result.out


def test_the_table_tells_the_interval_where_a_model_does(
    tmp_path, snapshot, model, source, monkeypatch
):
    def told(self, snapshot, progress=None):
        motion = plain(self, snapshot, progress)
        error = np.arange(motion.propensity.size).reshape(motion.propensity.shape) / 100
        return replace(motion, errors={"propensity": error})

    plain = Predictor.predict
    without = run("predict", source, "--model", model, "--json", tmp_path / "plain.json")
    assert "90 %" not in without.out
    rows = json.loads((tmp_path / "plain.json").read_text())[0]["rows"]
    assert {row["half_width"] for row in rows} == {None}
    monkeypatch.setattr(Predictor, "predict", told)
    target = tmp_path / "t.json"
    result = run("predict", source, "-m", model, "--json", target, "-o", tmp_path / "p.npz")
    assert "90 % within ±" in result.out
    error = gb.read_motion(tmp_path / "p.npz").propensity_error
    shown = [line.split() for line in result.out.splitlines()]
    for row in json.loads(target.read_text())[0]["rows"]:
        of = [f"{row['time']:g}", *row["quantity"].split(), row["group"]]
        cells = next(line for line in shown if line[: len(of)] == of)
        if row["quantity"] == "bond extension":
            assert (row["half_width"], cells[-1]) == (None, "-")
            continue
        members = snapshot.species == "AB".index(row["group"])
        expected = error[TIMES.index(row["time"]), members].mean()
        assert row["half_width"] == pytest.approx(expected)
        assert cells[-1] == f"{expected:.4f}"


def test_file_names_are_shown_as_they_are(tmp_path, snapshot, model):
    path = tmp_path / "[bold]s[red].xyz"
    gb.write(path, snapshot)
    result = run("predict", path, "--model", model)
    assert result.status == 0
    assert "[bold]s[red].xyz: predicted by small" in result.out


def test_the_map_is_a_picture_with_something_in_it(tmp_path, model, source):
    for name in ("m.png", "m.pdf", "m.SVG"):
        result = run("predict", source, "--model", model, "--map", tmp_path / name)
        assert (result.status, result.err) == (0, ""), result
        assert f"map: {tmp_path / name}" in result.out
    picture = matplotlib.image.imread(tmp_path / "m.png")[..., :3]
    assert min(picture.shape[:2]) > 300
    red = (picture[..., 0] > 0.5) & (picture[..., 1] < 0.4)
    assert 0.01 < red.mean() < 0.9
    assert (tmp_path / "m.pdf").read_bytes().startswith(b"%PDF")
    assert b"<svg" in (tmp_path / "m.SVG").read_bytes()


def compressed(snapshot: gb.Snapshot, factor: float) -> gb.Snapshot:
    return replace(snapshot, positions=snapshot.positions * factor, box=snapshot.box * factor)


OTHERS = {
    "number density": lambda s: compressed(s, 1.02),
    "of the particles are A": lambda s: replace(s, species=1 - s.species),
    "temperature 0.6 is away from the 0.44": lambda s: replace(s, temperature=0.6),
    "potential energy per particle": lambda s: replace(
        s, positions=random_snapshot(60, seed=5).positions
    ),
}


@pytest.mark.parametrize("message", OTHERS)
def test_a_snapshot_unlike_the_training_data_is_predicted_with_a_warning(
    tmp_path, snapshot, message
):
    at_home = replace(snapshot, temperature=0.44 if "temperature" in message else None)
    model = save_model(tmp_path / "m", at_home)
    gb.write(tmp_path / "home.xyz", at_home)
    result = run("predict", tmp_path / "home.xyz", "--model", model)
    assert (result.status, result.err) == (0, "")
    gb.write(tmp_path / "away.xyz", OTHERS[message](at_home))
    result = run("predict", tmp_path / "away.xyz", "-m", model, "-o", tmp_path / "p.npz")
    assert result.status == 0
    assert (tmp_path / "p.npz").is_file()
    warnings = result.err.splitlines()
    assert all(x.startswith(f"warning: {tmp_path / 'away.xyz'}: ") for x in warnings)
    assert any(message in x for x in warnings)


def test_a_warning_names_both_numbers(tmp_path, snapshot):
    model = save_model(tmp_path / "m", snapshot)
    gb.write(tmp_path / "a.xyz", compressed(snapshot, 1.1))
    found, trained = domain_of([compressed(snapshot, 1.1)]).density, domain_of([snapshot]).density
    expected = f"number density {found:.4g} is away from the {trained:.4g} that model 'm'"
    assert expected in run("predict", tmp_path / "a.xyz", "--model", model).err


def test_what_a_model_was_not_trained_on_is_blank(tmp_path, snapshot, source):
    only_a = save_model(tmp_path / "only-a", targets=["particles A"])
    target = predicted(source, only_a, tmp_path / "a.npz")
    motion = gb.read_motion(target)
    assert np.array_equal(np.isnan(motion.propensity[0]), snapshot.species == 1)
    assert motion.bond_extension is None
    out = run("predict", source, "--model", only_a).out
    assert "propensity A" in out
    assert "propensity B" not in out
    assert "bond extension" not in out
    fields = gb.read(predicted(source, only_a, tmp_path / "a.xyz")).fields
    assert np.array_equal(fields["propensity_t4120"], motion.propensity[0], equal_nan=True)

    bonds = save_model(tmp_path / "bonds", targets=["bonds"])
    motion = gb.read_motion(predicted(source, bonds, tmp_path / "b.npz"))
    assert np.isnan(motion.propensity).all()
    assert np.isfinite(motion.bond_extension).all()
    result = run("predict", source, "--model", bonds, "--map", tmp_path / "m.png")
    assert result.status == 2
    assert "no propensity to draw; the model predicts bond_extension" in result.err
    drawn = ("--map", tmp_path / "b.svg", "--quantity", "bond_extension")
    assert run("predict", source, "--model", bonds, *drawn).status == 0
    assert "bond extension (σ)</text>" in (tmp_path / "b.svg").read_text("utf-8")
    assert not (tmp_path / "m.png").exists()


def test_published_state_dicts_and_files_of_a_model_folder_name_a_model(model, source):
    for name in (model, model / "model.json", model / "weights.safetensors"):
        assert run("predict", source, "--model", name).status == 0


def test_a_lonely_particle_and_a_dilute_gas_are_predicted(tmp_path, model):
    gb.write(tmp_path / "one.xyz", gb.Snapshot([[1.0, 1, 1]], [0], [9.0, 9, 9]))
    gb.write(
        tmp_path / "gas.xyz", gb.Snapshot([[0.0, 0, 0], [5e3, 5e3, 5e3]], [0, 1], np.full(3, 1e4))
    )
    for name in ("one.xyz", "gas.xyz"):
        result = run("predict", tmp_path / name, "-m", model, "-o", tmp_path / f"{name}.npz")
        assert result.status == 0, result
        motion = gb.read_motion(tmp_path / f"{name}.npz")
        assert motion.bond_extension.shape == (2, 0)
        assert np.isfinite(motion.propensity).all()


def test_a_plane_is_predicted_by_a_model_of_planes(tmp_path):
    flat = random_snapshot(40, dimension=2, edge=7.0)
    model = save_model(tmp_path / "flat", flat, dimension=2)
    gb.write(tmp_path / "f.xyz", flat)
    target = predicted(tmp_path / "f.xyz", model, tmp_path / "p.npz")
    assert np.load(target)["positions"].shape == (40, 2)
    assert run("predict", tmp_path / "f.xyz", "-m", model, "--map", tmp_path / "f.png").status == 0


def test_a_trajectorys_frame_is_chosen(tmp_path, model, snapshot):
    frames = [snapshot, compressed(snapshot, 1.1)]
    text = ""
    for k, item in enumerate(frames):
        gb.write(tmp_path / f"{k}.xyz", item)
        text += (tmp_path / f"{k}.xyz").read_text()
    (tmp_path / "both.xyz").write_text(text)
    for k in (0, 1, -1):
        target = tmp_path / "p.npz"
        run("predict", tmp_path / "both.xyz", "-m", model, "--frame", k, "-o", target)
        assert np.array_equal(np.load(target)["box"], frames[k].box)


def test_quiet_still_warns_and_shows_results(tmp_path, model, snapshot):
    gb.write(tmp_path / "a.xyz", compressed(snapshot, 1.1))
    result = run("--quiet", "predict", tmp_path / "a.xyz", "--model", model)
    assert "warning: " in result.err
    assert "propensity A" in result.out


def test_provenance_is_json_in_every_format(tmp_path, model, source):
    for suffix in (".csv", ".npz"):
        target = predicted(source, model, tmp_path / f"p{suffix}")
        if suffix == ".csv":
            line = next(x for x in target.read_text().splitlines() if "# provenance" in x)
            assert json.loads(line.removeprefix("# provenance "))["model"] == str(model)
        else:
            assert read_provenance(target)["model"] == str(model)


def test_the_default_model_refuses_a_box_too_small_for_its_inputs(tmp_path):
    gb.write(tmp_path / "s.xyz", random_snapshot(60))
    result = run("predict", tmp_path / "s.xyz")
    assert result.status == 2
    assert "box" in result.err
    assert len(result.err.splitlines()) == 1
