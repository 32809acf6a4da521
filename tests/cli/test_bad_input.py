"""Every bad input gets one clear line and exit status 2; a failed run gets one and status 1."""

import errno
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from command_line import refusal, run, save_model
from safetensors.torch import load_file, save_file

import glassbotan as gb
from conftest import new_model, random_ensemble, random_snapshot, write_botan_npz
from glassbotan.dynamics import motion_of
from glassbotan.structure import neighbour_graph
from small_disk import small_disk


@pytest.fixture(scope="module")
def snapshot() -> gb.Snapshot:
    return random_snapshot(60)


@pytest.fixture(scope="module")
def model(tmp_path_factory, snapshot) -> Path:
    return save_model(tmp_path_factory.mktemp("models") / "small", snapshot)


@pytest.fixture
def good(tmp_path, snapshot) -> Path:
    gb.write(tmp_path / "good.xyz", snapshot)
    return tmp_path / "good.xyz"


@pytest.fixture
def own_model(tmp_path, snapshot) -> Path:
    """A model folder that the test may break."""
    return save_model(tmp_path / "own", snapshot)


def xyz(path: Path, rows: list[str], *, box: float = 9.0, count: int | None = None) -> Path:
    header = f'Lattice="{box} 0 0 0 {box} 0 0 0 {box}" Properties=species:S:1:pos:R:3'
    number = len(rows) if count is None else count
    path.write_text("\n".join([str(number), header, *rows]) + "\n")
    return path


def edited(path: Path, **changes: object) -> Path:
    arrays = {**np.load(path), **changes}
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


# Files that are no snapshots


@pytest.mark.parametrize("command", ["predict", "evaluate", "convert"])
@pytest.mark.parametrize("kind", ["missing", "empty", "folder", "binary", "text"])
@pytest.mark.parametrize("suffix", [".xyz", ".npz", ".pickle", ".gsd"])
def test_what_is_no_snapshot_is_refused_by_every_command(tmp_path, model, command, kind, suffix):
    path = tmp_path / f"bad{suffix}"
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        contents = {"empty": b"", "binary": bytes(range(256)) * 8, "text": b"hello\nworld\n"}
        path.write_bytes(contents[kind])
    options = [tmp_path / "out.xyz"] if command == "convert" else ["--model", model]
    assert str(path) in refusal(command, path, *options)
    assert not (tmp_path / "out.xyz").exists()


@pytest.mark.parametrize("suffix", [".xyz", ".data", ".dump", ".gsd", ".npz"])
def test_a_file_that_is_cut_off_is_refused(tmp_path, model, snapshot, suffix):
    path = tmp_path / f"cut{suffix}"
    if suffix == ".npz":
        write_botan_npz(path, snapshot)
    else:
        gb.write(path, snapshot)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert str(path) in refusal("predict", path, "--model", model, "--box", "5")


def test_a_suffix_that_lies_does_not_matter_or_is_refused(tmp_path, model, snapshot):
    write_botan_npz(tmp_path / "a.npz", snapshot).rename(tmp_path / "a.xyz")
    assert run("predict", tmp_path / "a.xyz", "-m", model, "--box", "5").status == 0
    gb.write(tmp_path / "b.xyz", snapshot)
    (tmp_path / "b.xyz").rename(tmp_path / "b.npz")
    assert "b.npz: is not an npz archive" in refusal("predict", tmp_path / "b.npz", "-m", model)


def test_a_pickle_that_would_run_something_is_refused_and_runs_nothing(tmp_path, model):
    class Hostile:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "was_run"),))

    for suffix in (".pickle", ".xyz"):
        path = tmp_path / f"hostile{suffix}"
        path.write_bytes(pickle.dumps({"positions": Hostile()}))
        assert "mkdir" in refusal("predict", path, "--model", model)
        assert "mkdir" in refusal("evaluate", path, "--model", model)
    objects = tmp_path / "objects.npz"
    np.savez(objects, types=np.array([Hostile()], dtype=object), initial_positions=np.zeros((1, 3)))
    assert "pickled Python objects" in refusal("predict", objects, "--model", model, "--box", "5")
    assert not (tmp_path / "was_run").exists()


# Snapshots that are none


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999"])
def test_positions_that_are_not_finite_are_named(tmp_path, model, value):
    path = xyz(tmp_path / "a.xyz", ["A 1 1 1", f"B 2 {value} 2"])
    line = refusal("predict", path, "--model", model)
    assert f"{path}: positions[1, 1] is" in line
    assert "must be a finite number" in line
    positions = np.ones((2, 3))
    positions[0, 2] = float(value)
    path = tmp_path / "a.npz"
    for more in ({}, {"positions": positions[None]}):  # GlassBench's form, the published one
        np.savez(path, types=[1, 2], initial_positions=positions, **more)
        line = refusal("predict", path, "--model", model, "--box", "9")
        assert f"{path}: initial_positions must" in line
        assert "finite" in line


@pytest.mark.parametrize("value", ["", "x", "1,5", "0x10"])
def test_a_position_that_is_no_number_is_named(tmp_path, model, value):
    path = xyz(tmp_path / "a.xyz", ["A 1 1 1", f"B 2 {value} 2"])
    line = refusal("predict", path, "--model", model)
    assert str(path) in line
    assert "columns" in line if value == "" else repr(value) in line


def test_species_that_the_model_does_not_know_are_named(tmp_path, model):
    path = xyz(tmp_path / "a.xyz", ["A 1 1 1", "B 3 1 1", "C 5 1 1"])
    line = refusal("predict", path, "--model", model)
    assert line == f"{path}: has species C (number 2); model 'small' knows A, B"


def test_symbols_without_a_meaning_are_named_with_the_option_that_gives_it(tmp_path, model):
    path = xyz(tmp_path / "a.xyz", ["Ni 1 1 1", "P 3 1 1"])
    assert 'such as "Ni:0,P:1"' in refusal("predict", path, "--model", model)
    assert "P, which is in the file" in refusal("predict", path, "-m", model, "--species", "Ni:0")
    assert "expected each symbol" in refusal("predict", path, "-m", model, "--species", "Ni")
    assert run("predict", path, "-m", model, "--species", "Ni:0,P:1").status == 0


@pytest.mark.parametrize(
    "types", [np.zeros(59), np.zeros((60, 1)), np.full(60, 0.5), np.full(60, -1), np.full(60, 1e30)]
)
def test_positions_and_species_of_different_lengths_or_no_species_are_refused(
    tmp_path, model, snapshot, types
):
    path = edited(write_botan_npz(tmp_path / "a.npz", snapshot), types=types)
    line = refusal("predict", path, "--model", model, "--box", "5")
    assert str(path) in line
    assert "species" in line or "type" in line
    if len(types) == 59:
        assert "species have shape [59]" in line
        assert "60 particles" in line


def test_a_wrong_number_of_particles_is_named(tmp_path, model):
    path = xyz(tmp_path / "a.xyz", ["A 1 1 1"], count=3)
    assert "ends after 1 of 3 particles" in refusal("predict", path, "--model", model)
    path = xyz(tmp_path / "b.xyz", [], count=0)
    assert f"{path}: the number of particles" in refusal("predict", path, "--model", model)


def test_overlapping_particles_are_named(tmp_path, model):
    path = xyz(tmp_path / "a.xyz", ["A 1 1 1", "A 4 4 4", "B 4 4 4.1"])
    line = refusal("predict", path, "--model", model)
    assert f"{path}: particles 1 and 2 overlap (distance 0.1," in line


def test_a_box_smaller_than_twice_the_cutoff_is_refused(tmp_path, model, good):
    line = refusal("predict", good, "--model", model, "--box", "3.9")
    assert "longer than half the shortest box edge (3.9)" in line
    assert "at least 4" in line
    assert str(good) in line


@pytest.mark.parametrize("box", ["0", "-5", "nan", "5,5", "a", ""])
def test_a_box_that_is_none_is_refused(model, good, box):
    assert "box" in refusal("predict", good, "--model", model, "--box", box)


def test_a_file_without_a_box_asks_for_it(tmp_path, model, snapshot):
    path = write_botan_npz(tmp_path / "a.npz", snapshot)
    assert f"{path}: the format has no box" in refusal("predict", path, "--model", model)
    (tmp_path / "a.xyz").write_text("1\nProperties=species:S:1:pos:R:3\nA 0 0 0\n")
    assert "give the box" in refusal("predict", tmp_path / "a.xyz", "--model", model)


def test_a_frame_that_is_not_there_is_named(model, good):
    assert f"{good}: has no frame 3" in refusal("predict", good, "-m", model, "--frame", 3)


def test_a_snapshot_of_another_dimension_is_refused_by_every_kind_of_model(tmp_path, good):
    flat = random_snapshot(30, dimension=2)
    gb.write(tmp_path / "flat.xyz", flat)
    for architecture in ("botan", "node-only"):
        model = save_model(tmp_path / f"{architecture}-3", architecture=architecture)
        line = refusal("predict", tmp_path / "flat.xyz", "--model", model)
        assert line.endswith(f"has 2 dimensions; model '{architecture}-3' is for 3")
        model = save_model(tmp_path / f"{architecture}-2", architecture=architecture, dimension=2)
        assert "has 3 dimensions" in refusal("predict", good, "--model", model)
        assert run("predict", tmp_path / "flat.xyz", "--model", model).status == 0


# Models that are none


@pytest.mark.parametrize("command", ["predict", "evaluate", "models"])
def test_an_unknown_model_is_refused_with_those_that_there_are(tmp_path, snapshot, command):
    path = write_botan_npz(tmp_path / "isoconfig_T0.44_1_tc07.npz", snapshot)
    arguments = ["nobody"] if command == "models" else [path, "--box", "5", "--model", "nobody"]
    line = refusal(command, *arguments)
    assert "no model 'nobody'" in line
    assert "botan-2023-bonds-1" in line


FOUND_WHEN_LOADED = ("unknown", "settings", "was trained on inputs")
"""What is a card all the same."""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "model.json"),
        ("{", "model.json"),
        ("[]", "model.json"),
        ("\udcff", "not a text file"),
        ({"times": "soon"}, "times"),
        ({"times": []}, "times"),
        ({"times": [-1]}, "times.0"),
        ({"architecture": "mine"}, "unknown architecture 'mine'; known are botan, caged, linear"),
        ({"architecture": None}, "architecture"),
        ({"widht": 8}, "widht"),
        ({"settings": {"widht": 8}}, "unknown key 'settings.widht'; did you mean 'width'?"),
        ({"settings": {"width": 0}}, "settings.width"),
        ({"settings": {"width": 10**12}}, "settings.width"),
        ({"settings": {"cutoff": "NaN"}}, "settings.cutoff"),
        ({"settings": {"dimension": 4}}, "settings.dimension"),
        ({"settings": {"quantities": ["mood"]}}, "settings.quantities"),
        ({"inputs": {"cutoff": 1.0}}, "was trained on inputs that this version does not compute"),
        ({"domain": {"density": 0, "composition": [1]}}, "domain.density"),
    ],
)
def test_a_broken_model_card_is_named_with_the_field(own_model, good, text, message):
    card = own_model / "model.json"
    if isinstance(text, dict):
        text = json.dumps(json.loads(card.read_text()) | text)
    card.write_text(text, errors="surrogateescape")
    line = refusal("predict", good, "--model", own_model)
    assert str(card) in line
    assert message in line
    if not message.startswith(FOUND_WHEN_LOADED):
        assert message in refusal("models", own_model)


@pytest.mark.parametrize("name", ["model.json", "weights.safetensors"])
def test_a_model_folder_without_one_of_its_files_is_refused(own_model, good, name):
    (own_model / name).unlink()
    assert str(own_model / name) in refusal("predict", good, "--model", own_model)


def test_weights_of_another_shape_are_named(own_model, good):
    card = own_model / "model.json"
    card.write_text(
        json.dumps(json.loads(card.read_text()) | {"settings": {"width": 16, "steps": 2}})
    )
    line = refusal("predict", good, "--model", own_model)
    assert str(own_model / "weights.safetensors") in line
    assert "has shape [8" in line
    assert "has [16" in line


def change_weights(folder: Path, change) -> None:
    weights = load_file(folder / "weights.safetensors")
    change(weights)
    save_file(weights, folder / "weights.safetensors")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("decoder.out.bias"), "decoder.out.bias is missing"),
        (lambda w: w.update(extra=torch.zeros(1)), "extra is no tensor of a botan model"),
        (lambda w: w["decoder.out.bias"].fill_(torch.nan), "decoder.out.bias holds values that"),
    ],
)
def test_weights_that_are_not_the_cards_are_named(own_model, good, change, message):
    change_weights(own_model, change)
    line = refusal("predict", good, "--model", own_model)
    assert f"{own_model / 'weights.safetensors'}: {message}" in line


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"\xff" * 100, None])
def test_broken_weights_are_refused(own_model, good, content):
    path = own_model / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-40] if content is None else content)
    assert f"{path}: not a safetensors file" in refusal("predict", good, "--model", own_model)


def published_names(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    from glassbotan.models.published import BOTAN_NAMES

    state = network.state_dict()
    return {
        f"{theirs}.{kind}": state[f"{ours}.{kind}"]
        for theirs, ours in BOTAN_NAMES.items()
        for kind in ("weight", "bias")
    }


def test_published_state_dicts_of_another_shape_or_content_are_refused(tmp_path, good):
    path = tmp_path / "model.pth"
    state = published_names(new_model("botan", times=(4120.0,)))
    torch.save(state, path)
    assert run("predict", good, "--model", path).status == 0
    torch.save(state | {"decoder.fc3.bias": torch.zeros(3)}, path)
    line = refusal("predict", good, "--model", path)
    assert f"{path}: decoder.out.bias has shape [3], but a botan model of these settings" in line
    torch.save({k: v for k, v in state.items() if k != "decoder.fc3.bias"}, path)
    assert "decoder.fc3.bias is missing" in refusal("predict", good, "--model", path)
    torch.save([1, 2], path)
    assert "expected a state dict" in refusal("predict", good, "--model", path)
    whole = path.read_bytes()
    for content in (b"", b"no model", whole[:200]):
        path.write_bytes(content)
        assert f"{path}: not a PyTorch state dict" in refusal("predict", good, "--model", path)


def test_a_state_dict_that_would_run_something_is_refused_and_not_recommended(tmp_path, good):
    class Hostile:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "was_run"),))

    for form in (True, False):
        path = tmp_path / f"hostile-{form}.pth"
        torch.save({"a": Hostile()}, path, _use_new_zipfile_serialization=form)
        line = refusal("predict", good, "--model", path)
        assert str(path) in line
        assert "mkdir, which a pickle could run" in line
        assert "weights_only" not in line
    assert not (tmp_path / "was_run").exists()


def test_a_published_model_refuses_species_that_it_never_saw(tmp_path):
    torch.save(published_names(new_model("botan", times=(1.0,))), tmp_path / "m.pth")
    path = xyz(tmp_path / "a.xyz", ["A 1 1 1", "B 3 1 1", "C 5 1 1"])
    assert "has species C" in refusal("predict", path, "--model", tmp_path / "m.pth")


def test_an_npz_that_is_no_model_is_refused(tmp_path, good, snapshot):
    path = write_botan_npz(tmp_path / "a.npz", snapshot)
    assert f"{path}: graph_independent/" in refusal("predict", good, "--model", path)
    path.write_bytes(path.read_bytes()[:300])
    assert f"{path}: is not an npz archive" in refusal("predict", good, "--model", path)


def test_a_checkpoint_with_variables_of_another_shape_is_refused(tmp_path, good):
    from glassbotan.models.published import NODE_ONLY_NAMES

    path = tmp_path / "a.npz"
    np.savez(path, **{f"{v}/{k}": np.zeros(()) for v in NODE_ONLY_NAMES for k in "wb"})
    assert f"{path}: graph_independent/" in refusal("predict", good, "--model", path)


def test_a_file_that_is_no_model_is_refused(good):
    assert f"{good}: not a model" in refusal("predict", good, "--model", good)
    assert f"{good.parent / 'model.json'}: cannot be read" in refusal(
        "predict", good, "--model", good.parent
    )


# Outputs that cannot be


@pytest.mark.parametrize("kind", ["no folder", "below a file", "a folder"])
@pytest.mark.parametrize(
    ("option", "name"),
    [("--output", "p.npz"), ("--output", "p.extxyz"), ("--output", "p.csv"), ("--map", "p.png")],
)
def test_an_unwritable_output_is_named(tmp_path, model, good, option, name, kind):
    parent = {"no folder": tmp_path / "nowhere", "below a file": good, "a folder": tmp_path}[kind]
    target = parent / name
    if kind == "a folder":
        target.mkdir()
    line = refusal("predict", good, "--model", model, option, target)
    assert f"{target}: cannot be written" in line


@pytest.mark.parametrize("name", ["p.npz", "p.extxyz"])
def test_no_permission_is_named(tmp_path, model, good, name, monkeypatch):
    # Permissions do not bind the superuser, so the system's refusal is made up.
    opened = os.open

    def refuse(path, flags, *rest, **options):
        if flags & os.O_CREAT and Path(path).parent == tmp_path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return opened(path, flags, *rest, **options)

    monkeypatch.setattr(os, "open", refuse)
    line = refusal("predict", good, "--model", model, "-o", tmp_path / name)
    assert line == f"{tmp_path / name}: cannot be written (Permission denied)"


def test_unwritable_outputs_of_other_commands_are_named(tmp_path, model, good, snapshot):
    target = good / "x"
    line = refusal("predict", good, good, "--model", model, "--output", tmp_path / "predictions")
    assert "good.extxyz" in line  # two predictions of one name
    (tmp_path / "second.xyz").write_bytes(good.read_bytes())
    both = (good, tmp_path / "second.xyz")
    assert str(target) in refusal("predict", *both, "--model", model, "--output", target)
    assert "cannot be written" in refusal("convert", good, good / "x.data")
    labelled = write_botan_npz(tmp_path / "isoconfig_T0.44_1_tc07.npz", snapshot)
    line = refusal(
        "-q", "evaluate", labelled, "--box", "5", "-m", model, "--json", tmp_path / "no" / "s.json"
    )
    assert "s.json: cannot be written" in line
    recipe = write_recipe(tmp_path / "r.yaml", {})
    assert f"{target}: cannot be made" in refusal("train", recipe, "--output", target)


@pytest.mark.parametrize("name", ["p", "p.pdb", "p.xyz.gz", "p.npz.gz", "p.data"])
def test_an_unknown_suffix_is_refused_before_anything_is_computed(tmp_path, model, name):
    line = refusal("predict", "nowhere.xyz", "--model", model, "--output", tmp_path / name)
    assert name in line
    assert ".extxyz" in line
    assert ".npz" in line


def test_other_unknown_suffixes(tmp_path, model, good):
    line = refusal("predict", good, "--model", model, "--map", tmp_path / "p.jpeg2000")
    assert "use one of .png, .pdf, .svg" in line
    assert "choose extxyz" in refusal("convert", good, tmp_path / "a.pdb")
    assert "no format 'pdb'" in refusal("convert", good, tmp_path / "a", "--to", "pdb")
    assert "no format 'pdb'" in refusal("convert", good, tmp_path / "a.xyz", "--from", "pdb")
    both = (good, tmp_path / "b.xyz")
    line = refusal("predict", *both, "-m", model, "-o", tmp_path / "p.npz")
    assert "names a folder" in line
    assert "draws one snapshot" in refusal("predict", *both, "--map", tmp_path / "p.png")


@pytest.mark.parametrize("name", ["p.npz", "p.extxyz", "p.csv", "p.dump", "p.gsd", "p.png"])
def test_the_old_output_survives_a_write_that_fails(tmp_path, model, good, name):
    target = tmp_path / name
    target.write_text("old")
    option = "--map" if name.endswith("png") else "--output"
    with small_disk():
        line = refusal("predict", good, "--model", model, option, target, status=1)
    assert line.startswith(f"{target}: not written")
    assert target.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == sorted([good, target])


def test_a_full_disk_is_a_failed_run(tmp_path, model, good, snapshot, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    labelled = write_botan_npz(tmp_path / "isoconfig_T0.44_1_tc07.npz", snapshot)
    monkeypatch.setenv("GLASSBOTAN_CACHE", str(good / "no cache"))
    monkeypatch.setattr(os, "fsync", full)
    outputs = {
        "p.npz": ("predict", good, "--model", model, "--output"),
        "p.extxyz": ("predict", good, "--model", model, "--output"),
        "s.json": ("-q", "evaluate", labelled, "--box", "5", "--model", model, "--json"),
        "c.data": ("convert", good),
    }
    for name, arguments in outputs.items():
        target = tmp_path / name
        target.write_text("old")
        result = run(*arguments, target)
        assert result.status == 1
        # A cache that cannot be written is told, but fails nothing.
        lines = [x for x in result.err.splitlines() if "labels are not kept" not in x]
        expected = "not written, the disk or the quota is full; an existing file is left as it is"
        assert lines == [f"glassbotan: error: {target}: {expected}"]
        assert target.read_text() == "old"


def test_a_cache_that_cannot_be_written_or_is_damaged_does_no_harm(
    tmp_path, model, snapshot, monkeypatch
):
    labelled = write_botan_npz(tmp_path / "isoconfig_T0.44_1_tc07.npz", snapshot)
    arguments = ("-q", "evaluate", labelled, "--box", "5", "--model", model)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GLASSBOTAN_CACHE", str(tmp_path / "file"))
    result = run(*arguments)
    assert result.status == 0
    assert "labels are not kept for the next run" in result.err
    monkeypatch.setenv("GLASSBOTAN_CACHE", str(tmp_path / "cache"))
    first = run(*arguments)
    assert first.err == ""
    (entry,) = (tmp_path / "cache" / "labelled").iterdir()
    entry.write_bytes(entry.read_bytes()[:-100])
    assert run(*arguments) == first
    entry.write_bytes(b"")
    assert run(*arguments) == first


# Labels that are none


def test_a_file_without_labels_is_refused(model, good):
    assert f"{good}: format extxyz holds no trajectories" in refusal(
        "evaluate", good, "--model", model
    )


def test_a_name_that_tells_no_time_is_refused(tmp_path, model, snapshot):
    path = write_botan_npz(tmp_path / "a.npz", snapshot)
    line = refusal("-q", "evaluate", path, "--model", model, "--box", "5")
    assert f"{path}: the time is not in the file" in line


def test_trajectories_that_are_not_finite_or_of_other_particles_are_refused(
    tmp_path, model, snapshot
):
    path = write_botan_npz(tmp_path / "isoconfig_T0.44_1_tc07.npz", snapshot)
    positions = np.load(path)["positions"]
    positions[0, 0, 0] = np.nan
    options = ("--model", model, "--box", "5")
    assert "not finite" in refusal("-q", "evaluate", edited(path, positions=positions), *options)
    line = refusal("-q", "evaluate", edited(path, positions=positions[:, :-1]), *options)
    assert "trajectory positions have shape" in line


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("nowhere", "nowhere: no such file, folder, glob or part of a public data set"),
        ("nowhere/*.npz", "nowhere/*.npz: no file matches"),
        ("botan-small/nowhere", "botan-small has no part 'nowhere'; its parts: train"),
    ],
)
def test_data_that_are_not_there_are_refused(model, what, message):
    assert message in refusal("evaluate", what, "--model", model)


# Recipes that are none

RECIPE = {
    "name": "small",
    "model": {"architecture": "botan", "width": 8, "steps": 1},
    "data": {"train": ["train"], "validation": ["validation"], "box": [5.0]},
    "stages": [{"epochs": 1, "node_weight": 0.4, "learning_rate": 1e-3}],
    "accelerator": "cpu",
}


def write_recipe(path: Path, changes: dict[str, object]) -> Path:
    path.write_text(yaml.safe_dump(RECIPE | changes))
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sede": 1}, "unknown key 'sede'; did you mean 'seed'?"),
        (
            {"model": {"architecture": "botanic"}},
            "model.architecture: unknown architecture",
        ),
        ({"model": {"architecture": "botan", "dimension": 4}}, "model.dimension"),
        ({"stages": []}, "stages: give one or more"),
        ({"data": {"train": ["a"]}}, "the key 'data.validation' is missing"),
        ({"name": "a/b"}, "name: string should match"),
        ({"precision": "8-bit"}, "precision"),
        ({"seed": "one"}, "seed"),
    ],
)
def test_a_wrong_key_or_value_of_a_recipe_is_named(tmp_path, changes, message):
    path = write_recipe(tmp_path / "r.yaml", changes)
    line = refusal("train", path, "--output", tmp_path / "run")
    assert line.startswith(f"{path}: {message}")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        (b"", "expected a mapping"),
        (b"- 1\n", "expected a mapping"),
        (b"a: [1\nb: 2\n", "not YAML"),
        (b"\xff\xfe\x00", "not"),
        (b"!!python/object/apply:os.system ['true']\n", "not YAML"),
    ],
)
def test_what_is_no_recipe_is_refused(tmp_path, content, message):
    path = tmp_path / "r.yaml"
    if content is not None:
        path.write_bytes(content)
    line = refusal("train", path, "--output", tmp_path / "run")
    assert str(path) in line
    assert message in line


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("seed", "--set seed: expected KEY=VALUE"),
        ("=1", "--set =1: expected KEY=VALUE"),
        ("seed=[1", "--set seed=[1: the value is not YAML"),
        ("sede=1", "unknown key 'sede'; did you mean 'seed'?"),
        ("stages.3.epochs=1", "no key 'stages.3.epochs'"),
        ("stages.first.epochs=1", "no key 'stages.first.epochs'"),
        ("name.first=1", "no key 'name.first'"),
        ("stages.0.epochs=0", "stages.0.epochs: input should be greater than or equal to 1"),
        ("seed=", "seed: input should be a valid integer"),
    ],
)
def test_a_malformed_set_is_named(tmp_path, pair, message):
    path = write_recipe(tmp_path / "r.yaml", {})
    assert message in refusal("train", path, "--set", pair, "--output", tmp_path / "run")


def test_training_data_that_are_missing_or_shared_are_named(tmp_path, snapshot):
    path = write_recipe(tmp_path / "r.yaml", {})
    data = write_botan_npz(tmp_path / "isoconfig_T0.44_1_tc07.npz", snapshot)
    start = ("-q", "train", path, "--output", tmp_path / "run")
    line = refusal(*start, "--set", f"data.train=[{tmp_path}/nowhere]")
    assert f"{tmp_path}/nowhere" in line
    line = refusal(*start, "--set", f"data.train=[{data}]", "--set", f"data.validation=[{data}]")
    assert "must never be trained on" in line


@pytest.fixture
def two_labelled(tmp_path) -> list[str]:
    paths = [tmp_path / f"isoconfig_T0.44_{k}_tc07.npz" for k in range(2)]
    return [str(write_botan_npz(p, random_snapshot(60, seed=k))) for k, p in enumerate(paths)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {"architecture": "botan", "dimension": 2}}, "has 3 dimensions; model.dimension"),
        ({"model": {"architecture": "botan", "cutoff": 3.0}}, "graph cutoff 3 is longer than half"),
        ({"model": {"architecture": "botan", "initial_weights": "nobody"}}, "no model 'nobody'"),
        ({"devices": 0}, "devices (0)"),
        ({"devices": -1}, "devices (-1)"),
    ],
)
def test_a_recipe_that_does_not_fit_its_data_or_machine_is_refused(
    tmp_path, two_labelled, changes, message
):
    train, validation = ([path] for path in two_labelled)
    data = {"train": train, "validation": validation, "box": [5.0]}
    path = write_recipe(tmp_path / "r.yaml", {"data": data} | changes)
    assert message in refusal("-q", "train", path, "--output", tmp_path / "run")
    # Once corrected, the same folder will do.
    assert not (tmp_path / "run" / "stage-1").exists()


def test_labels_with_blanks_are_not_learned(tmp_path, snapshot):
    for name, seed in (("a", 0), ("b", 1)):
        other = random_snapshot(snapshot.n_particles, seed=seed)
        motion = motion_of(random_ensemble(other), neighbour_graph(other))
        motion.propensity[:, 0] = np.nan
        gb.write(tmp_path / f"{name}.npz", motion)
    data = {"train": [str(tmp_path / "a.npz")], "validation": [str(tmp_path / "b.npz")]}
    path = write_recipe(tmp_path / "r.yaml", {"data": data})
    line = refusal("-q", "train", path, "--output", tmp_path / "run")
    assert f"{tmp_path / 'a.npz'}: its propensity is blank" in line


# Data sets


def test_an_unknown_data_set_is_refused_with_those_that_there_are(tmp_path):
    line = refusal("fetch", "nothing", "--into", tmp_path)
    assert "no public data set is named 'nothing'" in line
    assert "botan-small" in line
    assert list(tmp_path.iterdir()) == []


# The real process


def process(*arguments: object, **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "glassbotan", *map(str, arguments)],
        text=True,
        check=False,
        timeout=60,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )


def test_the_process_itself_ends_with_one_line(tmp_path):
    done = process("predict", tmp_path / "nowhere.xyz", "--model", "node-only-2020")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (f"glassbotan: error: {tmp_path}/nowhere.xyz: there is no such file\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_standard_output_that_is_full_is_a_failed_run():
    with Path("/dev/full").open("w") as full:
        done = process("models", "node-only-2020", stdout=full)
    assert done.returncode == 1
    assert done.stderr == "glassbotan: error: input or output: No space left on device\n"


def test_a_reader_that_leaves_is_told_nothing():
    reading, writing = os.pipe()
    os.close(reading)
    done = process("fetch", "--list", stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")
