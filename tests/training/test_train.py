"""Training runs on small made-up glasses: they learn, resume bit for bit, and survive Ctrl-C."""

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import glassbotan as gb
from conftest import new_model, random_snapshot, write_botan_npz
from glassbotan.dynamics import Motion
from glassbotan.errors import RunError
from glassbotan.models.registry import card_of
from glassbotan.training.config import load_recipe
from glassbotan.training.run import train


@pytest.fixture
def data(tmp_path) -> Path:
    for part, seeds in (("train", range(3)), ("validation", range(3, 5))):
        (tmp_path / part).mkdir()
        for seed in seeds:
            snapshot = random_snapshot(64, edge=4.2, seed=seed)
            write_botan_npz(tmp_path / part / f"isoconfig_T0.44_{seed}_tc07.npz", snapshot)
    return tmp_path


@pytest.fixture
def config(data) -> Path:
    content = {
        "name": "small",
        "model": {"architecture": "botan", "width": 16, "steps": 2},
        "data": {
            "train": [str(data / "train")],
            "validation": [str(data / "validation")],
            "box": [4.2, 4.2, 4.2],
        },
        "stages": [
            {"epochs": 2, "node_weight": 0.0, "learning_rate": 1e-3},
            {"epochs": 3, "node_weight": 0.4, "learning_rate": 1e-3, "schedule": "cosine"},
        ],
        "weight_averaging": 0.5,
        "accelerator": "cpu",
        "devices": 1,
    }
    path = data / "small.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def losses(folder: Path) -> list[dict[str, str]]:
    rows = []
    for path in sorted(folder.glob("stage-*/logs/csv*/metrics.csv")):
        with path.open() as file:
            rows += csv.DictReader(file)
    return rows


def test_training_lowers_the_loss_and_leaves_a_model(config, tmp_path):
    recipe = load_recipe(config, {"stages.1.epochs": 20})
    folder = train(recipe, tmp_path / "run")
    rows = losses(tmp_path / "run")
    second_stage = [float(r["train/loss"]) for r in rows if r["train/loss"]][2:]
    assert len(second_stage) == 20
    assert second_stage[-1] < 0.5 * second_stage[0]
    card = card_of(folder)
    assert card.times == [4120.0]
    assert card.data["train"] == [f"isoconfig_T0.44_{k}_tc07.npz" for k in range(3)]
    assert card.domain.temperature == 0.44
    assert card.provenance["seed"] == recipe.seed
    motion = gb.predict(random_snapshot(64, edge=4.2, seed=9), folder)
    assert motion.propensity.shape == (1, 64)
    assert motion.bond_extension.shape == (1, len(motion.bonds))


def test_the_checkpoint_of_a_later_stage_is_chosen_by_its_own_losses(config, tmp_path):
    # Bonds alone reach a loss far below any that particles add to; that must not win.
    folder = train(load_recipe(config), tmp_path / "run")
    stages = [gb.load_model(tmp_path / f"run/stage-{k}/model").state_dict() for k in (1, 2)]
    final = gb.load_model(folder).state_dict()
    assert all(torch.equal(final[name], stages[1][name]) for name in final)
    assert any(not torch.equal(final[name], stages[0][name]) for name in final)


def test_a_folder_with_a_run_is_not_overwritten_and_another_recipe_not_resumed(config, tmp_path):
    recipe = load_recipe(config, {"stages.0.epochs": 1, "stages.1.epochs": 1})
    train(recipe, tmp_path / "run")
    before = (tmp_path / "run/model/weights.safetensors").read_bytes()
    with pytest.raises(gb.InputError, match="already holds a run"):
        train(recipe, tmp_path / "run")
    other = recipe.model_copy(update={"seed": 7})
    with pytest.raises(gb.InputError, match="differs from the given recipe"):
        train(other, tmp_path / "run", resume=True)
    with pytest.raises(gb.InputError, match="no checkpoint"):
        train(recipe, tmp_path / "empty", resume=True)
    assert (tmp_path / "run/model/weights.safetensors").read_bytes() == before


def test_a_run_that_stopped_in_its_first_epoch_can_be_resumed(config, tmp_path, monkeypatch):
    from glassbotan.training.module import Training

    recipe = load_recipe(config, {"stages.0.epochs": 1, "stages.1.epochs": 1})

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Training, "training_step", stop)
        previous = signal.getsignal(signal.SIGINT)
        with pytest.raises(RunError, match="--resume"):
            train(recipe, tmp_path / "run")
        signal.signal(signal.SIGINT, previous)
    assert not list((tmp_path / "run").glob("stage-*/checkpoints/last.ckpt"))
    resumed = gb.load_model(train(recipe, tmp_path / "run", resume=True)).state_dict()
    whole = gb.load_model(train(recipe, tmp_path / "whole")).state_dict()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


def test_validation_snapshots_are_never_trained_on(config, data, tmp_path):
    recipe = load_recipe(config, {"data.validation": [str(data / "train")]})
    with pytest.raises(gb.InputError, match="never be trained on"):
        train(recipe, tmp_path / "run")


def test_a_time_without_labels_is_named(config, tmp_path):
    recipe = load_recipe(config, {"data.times": [130.0]})
    with pytest.raises(gb.InputError, match=r"no labels at t = 130; its times are \[4120.0\]"):
        train(recipe, tmp_path / "run")


def test_node_only_networks_train_on_particles_alone(config, tmp_path):
    overrides = {
        "model.architecture": "node-only",
        "stages": [{"epochs": 2, "node_weight": 1.0, "learning_rate": 1e-3}],
    }
    folder = train(load_recipe(config, overrides), tmp_path / "run")
    motion = gb.predict(random_snapshot(64, edge=4.2), folder)
    assert motion.bond_extension is None
    assert card_of(folder).targets == ["particles A", "particles B"]


def test_initial_weights_of_another_shape_are_refused(config, tmp_path):
    recipe = load_recipe(config, {"model.initial_weights": "botan-2023-bonds-1"})
    with pytest.raises(gb.InputError, match=r"has shape \[64, 1\], but a botan model of these"):
        train(recipe, tmp_path / "run")


@pytest.mark.parametrize("weight", [1.0, 0.1])
def test_the_offset_weight_counts_only_mean_errors(config, weight):
    from glassbotan.training.module import Training

    recipe = load_recipe(config, {"offset_weight": weight})
    network = new_model("botan", times=(1.0,), width=4, steps=1)
    module = Training(network, recipe, recipe.stages[0], {"propensity": torch.ones(1)})
    groups = [torch.tensor([0, 1, 2]), torch.tensor([3, 4])]
    alternating = torch.tensor([[1.0], [-1.0], [0.0], [2.0], [-2.0]])
    assert module._squared(alternating, groups) == pytest.approx(2.0)
    assert module._squared(torch.full((5, 1), 3.0), groups) == pytest.approx(9.0 * weight)


@pytest.mark.slow
def test_a_killed_command_goes_on_from_its_checkpoint(config, tmp_path):
    command = [
        sys.executable,
        "-m",
        "glassbotan",
        "train",
        str(config),
        "-o",
        str(tmp_path / "r"),
        "--set",
        "stages.1.epochs=60",
    ]
    process = subprocess.Popen(command)
    while not (tmp_path / "r/stage-1/checkpoints/last.ckpt").exists():
        time.sleep(0.1)
    process.kill()
    process.wait()
    assert subprocess.run([*command, "--resume"], check=False).returncode == 0
    assert (tmp_path / "r/model/model.json").exists()


@pytest.mark.parametrize("precision", ["64-true", "bf16-mixed"])
def test_other_precisions_train_to_nearly_the_same_loss(config, tmp_path, precision):
    final = []
    for chosen in ("32-true", precision):
        recipe = load_recipe(config, {"precision": chosen})
        train(recipe, tmp_path / chosen)
        final.append([float(r["train/loss"]) for r in losses(tmp_path / chosen) if r["train/loss"]])
    tolerance = 1e-4 if precision == "64-true" else 0.05
    assert final[1] == pytest.approx(final[0], rel=tolerance)
    assert gb.load_model(tmp_path / precision / "model").passing.width == 16


def made_of_motion(folder: Path, factor: float) -> dict[str, list[str]]:
    """Write propensities at two times, of very different size, in motion files."""
    generator = torch.Generator().manual_seed(0)
    for part, seeds in (("train", range(3)), ("validation", range(3, 5))):
        (folder / part).mkdir(parents=True)
        for seed in seeds:
            snapshot = random_snapshot(64, edge=4.2, seed=seed)
            small = 0.1 + 0.01 * torch.randn(64, generator=generator).abs().numpy()
            values = factor * np.stack([small, 50 * small[::-1]])
            motion = Motion(snapshot, np.array([0.13, 4120.0]), {"propensity": values})
            gb.write(folder / part / f"{seed}.npz", motion)
    return {part: [str(folder / part)] for part in ("train", "validation")}


def test_standardised_training_does_not_depend_on_the_unit_of_length(config, tmp_path):
    settings = {
        "model.architecture": "node-only",
        "stages.0.node_weight": 1.0,
        "stages.1.node_weight": 1.0,
        "standardise": True,
    }
    predicted = {}
    for factor in (1.0, 8.0):
        parts = made_of_motion(tmp_path / f"data{factor:g}", factor)
        overrides = {f"data.{part}": files for part, files in parts.items()}
        recipe = load_recipe(config, settings | overrides)
        model = train(recipe, tmp_path / f"run{factor:g}")
        predicted[factor] = gb.predict(random_snapshot(64, edge=4.2, seed=9), model).propensity
    np.testing.assert_allclose(predicted[8.0], 8 * predicted[1.0], rtol=2e-4)
    # Each time in its own unit: the late one moves fifty times as far.
    assert predicted[1.0][1].mean() > 5 * abs(predicted[1.0][0]).mean()


def test_the_times_of_one_snapshot_may_lie_in_several_files(config, data, tmp_path):
    for part in ("train", "validation"):
        for seed in range(5):
            late = data / part / f"isoconfig_T0.44_{seed}_tc07.npz"
            if late.is_file():
                snapshot = random_snapshot(64, edge=4.2, seed=seed)
                write_botan_npz(late.with_name(f"isoconfig_T0.44_{seed}_tc04.npz"), snapshot)
    recipe = load_recipe(config, {"stages.0.epochs": 1, "stages.1.epochs": 1})
    assert card_of(train(recipe, tmp_path / "run")).times == [130.0, 4120.0]


def test_a_network_of_other_times_lends_its_features(config, tmp_path):
    first = train(load_recipe(config, {"stages.0.epochs": 1, "stages.1.epochs": 1}), tmp_path / "a")
    parts = made_of_motion(tmp_path / "two", 1.0)
    overrides = {f"data.{part}": files for part, files in parts.items()} | {
        "model.initial_weights": str(first),
        "stages": [{"epochs": 1, "node_weight": 1.0, "learning_rate": 1e-12}],
        "weight_averaging": 0.0,
    }
    second = train(load_recipe(config, overrides), tmp_path / "b")
    start, end = gb.load_model(first), gb.load_model(second)
    assert end.settings.times == (0.13, 4120.0)
    assert end.decoder.out.weight.shape[0] == 2
    assert torch.allclose(
        start.passing.edge_encoder.out.weight, end.passing.edge_encoder.out.weight
    )


def test_a_validation_snapshot_under_another_name_is_found_among_the_training_ones(config, data):
    (data / "validation" / "another_T0.44_17_tc07.npz").write_bytes(
        (data / "train" / "isoconfig_T0.44_1_tc07.npz").read_bytes()
    )
    with pytest.raises(gb.InputError, match="another_T0.44_17.*never be trained on"):
        train(load_recipe(config), data / "run")
