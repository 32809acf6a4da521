"""glassbotan evaluate: its table, its JSON, and both against scores computed directly."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import refusal, run, save_model

import glassbotan as gb
from conftest import random_ensemble, random_snapshot, write_botan_npz
from glassbotan.dynamics import QUANTITIES, motion_of
from glassbotan.dynamics.motion import Motion
from glassbotan.models.predictor import Predictor

BOX = ("--box", "5")


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("labelled")
    return [
        write_botan_npz(folder / f"isoconfig_T0.44_{k}_tc07.npz", random_snapshot(60, seed=k))
        for k in range(3)
    ]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return save_model(tmp_path_factory.mktemp("models") / "first")


def labels(path: Path) -> tuple[gb.Snapshot, np.ndarray, np.ndarray]:
    """Return snapshot, displacement lengths [R, N] and extensions [R, N, N], by definition."""
    stored = np.load(path)
    start, moved = stored["initial_positions"], stored["positions"]
    box = np.full(3, 5.0)
    lengths = np.sqrt(((moved - start) ** 2).sum(-1))
    pairs = start[None, :] - start[:, None]
    pairs -= box * np.round(pairs / box)
    shifts = moved - start
    now = pairs + shifts[:, None, :, :] - shifts[:, :, None, :]
    extension = np.sqrt((now**2).sum(-1)) - np.sqrt((pairs**2).sum(-1))
    return gb.Snapshot(start, stored["types"], box), lengths, extension


def expected_rows(files, model, trajectories=None):
    """Correlations, errors and pooled values of particles and bonds shorter than 1.35."""
    samples: dict[tuple[str, str], list[tuple[np.ndarray, np.ndarray]]] = {}
    for path in files:
        snapshot, lengths, extension = labels(path)
        guess = gb.predict(snapshot, model)
        for s, name in enumerate("AB"):
            members = snapshot.species == s
            pair = (guess.propensity[0, members], lengths.mean(0)[members])
            samples.setdefault(("propensity", name), []).append(pair)
        i, j = guess.bonds.pairs
        near = np.linalg.norm(guess.bonds.vectors, axis=1) < 1.35
        kinds = snapshot.species[i] + snapshot.species[j]
        for kind, name in enumerate(("AA", "AB", "BB")):
            members = near & (kinds == kind)
            true = extension.mean(0)[i[members], j[members]]
            samples.setdefault(("bond_extension", name), []).append(
                (guess.bond_extension[0, members], true)
            )
    return samples


@pytest.mark.parametrize("count", [1, 3])
def test_json_and_table_hold_the_directly_computed_scores(tmp_path, files, model, count):
    target = tmp_path / "s.json"
    result = run("-q", "evaluate", *files[:count], "--model", model, "--json", target, *BOX)
    assert (result.status, result.err) == (0, ""), result
    scores = json.loads(target.read_text())
    assert list(scores)[:2] == ["form", "model"]
    assert scores["form"] == 3
    assert scores["model"] == "first"
    assert scores["data"] == [str(path) for path in files[:count]]
    assert scores["temperature"] == 0.44
    assert scores["system"] is None  # neither the density nor the composition
    assert scores["timings"]["particles"] == 60
    assert 0 < scores["timings"]["seconds"] < 60
    assert scores["timings"]["device"] == "cpu"
    samples = expected_rows(files[:count], model)
    assert [r["species"] for r in scores["quantities"]["propensity"]] == ["A", "B"]
    assert [r["species"] for r in scores["quantities"]["bond_extension"]] == ["AA", "AB", "BB"]
    for part in ("propensity", "bond_extension"):
        for row in scores["quantities"][part]:
            assert set(row) == {
                "time", "species", "pearson_mean", "pearson_sem", "pearson_pooled", "mse",
                "ceiling", "snapshots", "pearson", "coverage",
            }  # fmt: skip
            assert row["coverage"] is None
            pairs = samples[part, row["species"]]
            each = [np.corrcoef(x, y)[0, 1] for x, y in pairs]
            x, y = (np.concatenate(side) for side in zip(*pairs, strict=True))
            assert row["time"] == 4120
            assert row["snapshots"] == count
            assert row["pearson"] == pytest.approx(each, abs=1e-5)
            assert row["pearson_mean"] == pytest.approx(np.mean(each), abs=1e-5)
            assert row["pearson_pooled"] == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-5)
            assert row["mse"] == pytest.approx(np.mean((x - y) ** 2), rel=1e-5)
            if count == 1:
                assert row["pearson_sem"] is None
            else:
                sem = np.std(each, ddof=1) / np.sqrt(count)
                assert row["pearson_sem"] == pytest.approx(sem, abs=1e-5)
            assert 0 <= row["ceiling"] <= 1
            shown = [x.split() for x in result.out.splitlines()]
            line = next(x for x in shown if x[:2] == ["4120", row["species"]])
            assert line[2] == f"{row['pearson_mean']:.3f}"
            assert f"{row['mse']:.5f}" in line
            assert line[-1] == str(count)
    assert f"scores: {target}" in result.out
    inputs = [entry["name"] for entry in scores["provenance"]["inputs"]]
    assert inputs == [Path(name).name for name in scores["data"]]


def test_several_models_stand_side_by_side_with_ratios(tmp_path, files, model):
    second = save_model(tmp_path / "second", seed=1)
    target = tmp_path / "s.json"
    result = run(
        "-q", "evaluate", *files, "-m", model, "-m", second, "--json", target, *BOX
    )  # fmt: skip
    assert result.status == 0
    scores = json.loads(target.read_text())
    assert [s["model"] for s in scores] == ["first", "second"]
    lines = result.out.splitlines()
    for part in ("propensity", "bond_extension"):
        start = next(
            k for k, x in enumerate(lines) if x.startswith(QUANTITIES[part].title + ": Pearson")
        )
        assert "ratio to first" in lines[start]
        for one, two in zip(
            scores[0]["quantities"][part], scores[1]["quantities"][part], strict=True
        ):
            line = next(x for x in lines[start:] if x.split()[:2] == ["4120", one["species"]])
            ratios = [float(x) for x in re.findall(r"\(([\d.]+)\)", line)]
            assert ratios == pytest.approx([1, two["mse"] / one["mse"]], abs=0.005)
            assert f"{two['pearson_mean']:.3f}" in line


def test_a_dash_prints_json_in_place_of_the_tables(files, model):
    result = run("evaluate", *files, "-m", model, "--json", "-", *BOX)
    assert (result.status, result.err) == (0, "")
    scores = json.loads(result.out)
    assert [row["species"] for row in scores["quantities"]["propensity"]] == ["A", "B"]
    several = run("evaluate", files[0], "-m", model, "-m", model, "--json", "-", *BOX)
    assert [s["model"] for s in json.loads(several.out)] == ["first", "first"]


def test_a_file_in_no_folder_is_refused_before_anything_is_computed(tmp_path, files):
    message = refusal("evaluate", files[0], "-m", "no-model", "--json", tmp_path / "no" / "s.json")
    assert message == f"{tmp_path}/no/s.json: cannot be written, there is no folder {tmp_path}/no"


def test_folders_and_globs_name_files(tmp_path, files, model):
    by_name = run("-q", "evaluate", *files, "-m", model, *BOX)
    for name in (files[0].parent, f"{files[0].parent}/*_tc07.npz"):
        assert run("-q", "evaluate", name, "-m", model, *BOX) == by_name


def test_bonds_are_those_of_the_models_own_cutoff(tmp_path, files):
    model = save_model(tmp_path / "short", cutoff=1.4)
    target = tmp_path / "s.json"
    result = run("-q", "evaluate", files[0], "-m", model, "--json", target, *BOX)
    assert result.status == 0, result
    samples = expected_rows(files[:1], model)
    for row in json.loads(target.read_text())["quantities"]["bond_extension"]:
        x, y = samples["bond_extension", row["species"]][0]
        assert row["pearson_mean"] == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-5)


def test_one_set_of_labels_serves_models_of_two_cutoffs(tmp_path, files, model):
    short = save_model(tmp_path / "short", cutoff=1.4)
    target = tmp_path / "s.json"
    measured = motion_of(
        gb.io.read_ensemble(files[0], box=5.0), gb.neighbour_graph(gb.read(files[0], box=5.0))
    )
    gb.write(tmp_path / "m.npz", measured)
    results = []
    for data in (files[0], tmp_path / "m.npz"):
        run_options = ("-m", short, "-m", model, "--json", target, *BOX)
        assert run("-q", "evaluate", data, *run_options).status == 0
        results.append(json.loads(target.read_text()))
    for trajectories, averages in zip(*results, strict=True):
        assert [row["species"] for row in averages["quantities"]["bond_extension"]] == [
            "AA",
            "AB",
            "BB",
        ]
        for one, other in zip(
            trajectories["quantities"]["bond_extension"],
            averages["quantities"]["bond_extension"],
            strict=True,
        ):
            assert one["pearson_mean"] == pytest.approx(other["pearson_mean"], abs=1e-5)
            assert (one["ceiling"] is None, other["ceiling"]) == (False, None)


def test_a_model_of_too_short_bonds_is_scored_on_particles(tmp_path, files):
    model = save_model(tmp_path / "tiny", cutoff=1.2)
    target = tmp_path / "s.json"
    result = run("-q", "evaluate", files[0], "-m", model, "--json", target, *BOX)
    assert result.status == 0
    assert result.err == (
        "warning: bonds are not scored: model 'tiny' predicts bonds shorter than 1.2 only; "
        "bonds are scored up to 1.35\n"
    )
    scores = json.loads(target.read_text())
    assert [row["species"] for row in scores["quantities"]["propensity"]] == ["A", "B"]
    assert "bond_extension" not in scores["quantities"]
    nothing = save_model(tmp_path / "nothing", cutoff=1.2, targets=["bonds"])
    result = run("-q", "evaluate", files[0], "-m", nothing, *BOX)
    assert result.status == 2
    assert "model 'nothing' predicts nothing that was measured" in result.err


def test_coverage_stands_in_table_and_json_where_a_model_tells_errors(
    tmp_path, files, model, monkeypatch
):
    def told(self, snapshot, progress=None):
        motion = plain(self, snapshot, progress)
        return replace(motion, errors={"propensity": np.abs(motion.propensity) + 0.15})

    plain = Predictor.predict
    monkeypatch.setattr(Predictor, "predict", told)
    target = tmp_path / "s.json"
    result = run("-q", "evaluate", *files, "-m", model, "--json", target, *BOX)
    assert result.status == 0, result
    pairs = expected_rows(files, model)
    for row in json.loads(target.read_text())["quantities"]["propensity"]:
        samples = pairs["propensity", row["species"]]
        x, y = (np.concatenate(side) for side in zip(*samples, strict=True))
        within = np.abs(x - y) <= np.abs(x) + 0.15
        assert row["coverage"] == pytest.approx(within.mean(), abs=0.01)
        assert 0 < row["coverage"] < 1
        line = next(k for k in result.out.splitlines() if k.split()[:2] == ["4120", row["species"]])
        assert line.split()[-2] == f"{row['coverage']:.3f}"
    particles, bonds = result.out.split("first: bond extension")
    assert "coverage" in particles
    assert "coverage" not in bonds.split("scores: ")[0]


def test_times_that_do_not_match_are_refused(tmp_path, files):
    model = save_model(tmp_path / "early", times=[0.13, 13.0])
    result = run("-q", "evaluate", files[0], "-m", model, *BOX)
    assert result.status == 2
    assert result.err == (
        "glassbotan: error: model 'early' predicts t = 0.13, 13, the data have t = 4120: "
        "no time in common\n"
    )


def test_times_rounded_differently_are_one_time(tmp_path, files):
    model = save_model(tmp_path / "rounded", times=[4100.0])
    assert run("-q", "evaluate", files[0], "-m", model, *BOX).status == 0


def test_what_a_model_leaves_blank_has_no_row(tmp_path, files):
    target = tmp_path / "s.json"
    for targets, particles, bonds in (
        (["particles A"], ["A"], []),
        (["bonds"], [], ["AA", "AB", "BB"]),
    ):
        model = save_model(tmp_path / "part", targets=targets)
        assert run("-q", "evaluate", files[0], "-m", model, "--json", target, *BOX).status == 0
        scores = json.loads(target.read_text())
        assert [r["species"] for r in scores["quantities"].get("propensity", [])] == particles
        assert [r["species"] for r in scores["quantities"].get("bond_extension", [])] == bonds


def test_measured_motion_without_trajectories_has_no_ceiling(tmp_path, model):
    snapshot = random_snapshot(60)
    measured = motion_of(random_ensemble(snapshot, times=(4120.0,)), gb.neighbour_graph(snapshot))
    gb.write(tmp_path / "m.npz", measured)
    blank = measured.propensity.copy()
    blank[:, snapshot.species == 1] = np.nan
    gb.write(tmp_path / "blank.npz", Motion(snapshot, measured.times, {"propensity": blank}))
    target = tmp_path / "s.json"
    for name, species in (("m.npz", ["A", "B"]), ("blank.npz", ["A"])):
        result = run("-q", "evaluate", tmp_path / name, "-m", model, "--json", target)
        assert result.status == 0
        rows = json.loads(target.read_text())["quantities"]["propensity"]
        assert [r["species"] for r in rows] == species
        assert [r["ceiling"] for r in rows] == [None] * len(species)
        assert "NaN" not in target.read_text()


def test_a_model_away_from_home_is_scored_with_a_warning(tmp_path, files):
    model = save_model(tmp_path / "m", random_snapshot(60, edge=6.0))
    result = run("-q", "evaluate", files[0], "-m", model, *BOX)
    assert result.status == 0
    lines = result.err.splitlines()
    assert all(x.startswith(f"warning: {files[0]}: ") for x in lines)
    assert any("number density" in x for x in lines)


def test_without_quiet_the_bar_leaves_nothing_behind(files, model):
    assert run("evaluate", files[0], "-m", model, *BOX).err == ""
