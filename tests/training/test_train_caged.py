"""The caged network is trained by a recipe: constants, folds, errors; its states are made up."""

import json

import numpy as np
import pytest
import torch
import yaml

import glassbotan as gb
from conftest import Told, random_snapshot, write_botan_npz
from glassbotan.datasets import load_labelled
from glassbotan.models.architecture import WHOLE
from glassbotan.models.caged import states
from glassbotan.models.caged.constants import FOLDS, _quantile_line, fit_constants
from glassbotan.models.caged.network import CagedNetwork
from glassbotan.models.caged.settings import CagedSettings
from glassbotan.models.predictor import load_predictor
from glassbotan.training import train
from glassbotan.training.config import Recipe
from glassbotan.training.data import GlassData
from models.caged_examples import computed

EDGE, COUNT = 10.1, 500


@pytest.fixture(autouse=True)
def _made_up_states(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("GLASSBOTAN_CACHE", str(tmp_path / "cache"))

    monkeypatch.setattr(states, "_compute", computed)


@pytest.fixture
def recipe(tmp_path) -> Recipe:
    files = [
        str(
            write_botan_npz(
                tmp_path / f"isoconfig_T0.44_{k}_tc07.npz",
                random_snapshot(COUNT, edge=EDGE, seed=k),
            )
        )
        for k in range(7)
    ]
    return Recipe.model_validate(
        {
            "name": "small",
            "model": {"architecture": "caged", "cutoff": 1.6, "width": 6, "steps": 1},
            "data": {"train": files[:6], "validation": files[6:], "box": [EDGE] * 3},
            "stages": [{"epochs": 2, "node_weight": 0.8, "learning_rate": 1e-3}],
            "standardise": True,
            "augmentation": "none",
            "accelerator": "cpu",
            "devices": 1,
        }
    )


def test_a_model_is_trained_kept_and_predicts_with_errors(recipe, tmp_path):
    folder = train(recipe, tmp_path / "run")
    predictor = load_predictor(folder)
    assert predictor.card.architecture == "caged"
    assert predictor.card.targets == ["particles A", "particles B", "bonds"]
    snapshot = random_snapshot(COUNT, edge=EDGE, seed=9)
    told = Told()
    motion = gb.predict(snapshot, predictor, progress=told)
    assert told == [(1, 1, "made up")]
    assert motion.propensity.shape == motion.propensity_error.shape == (1, COUNT)
    assert np.all(motion.propensity_error > 0)
    assert motion.bonds.cutoff == 1.6
    assert motion.bond_extension.shape == (1, len(motion.bonds))
    # Made-up motion follows from nothing: its mean is all that there is to learn.
    measured = load_labelled(recipe.data.validation[0], box=snapshot.box).motion.propensity
    assert motion.propensity.mean() == pytest.approx(measured.mean(), rel=0.1)
    assert np.mean(np.abs(measured - motion.propensity) <= motion.propensity_error) > 0.8


def test_models_and_runs_that_name_no_potential_are_of_the_force_that_is_cut(recipe, tmp_path):
    content = recipe.model_dump()
    content["model"]["potential"] = "kob-andersen-3d-cut"
    cut = Recipe.model_validate(content)
    folder = train(cut, tmp_path / "run")
    snapshot = random_snapshot(COUNT, edge=EDGE, seed=9)
    now = gb.predict(snapshot, folder)

    card = json.loads((folder / "model.json").read_text())
    inputs = {k: v for k, v in card.pop("inputs").items() if k not in ("form", "potential")}
    card["recipe"]["inputs"] = inputs
    first = ("dimension", "cutoff", "width", "steps")
    settings = card.pop("settings")
    card |= {name: settings[name] for name in first}
    del card["quantities"]
    (folder / "model.json").write_text(json.dumps(card))
    assert np.array_equal(gb.predict(snapshot, folder).propensity, now.propensity)
    assert gb.load_model(folder).settings.potential.shift == "energy"

    kept = yaml.safe_load((tmp_path / "run/recipe.yaml").read_text())
    kept["model"] = {"architecture": "caged", **{name: kept["model"][name] for name in first}}
    (tmp_path / "run/recipe.yaml").write_text(yaml.safe_dump(kept))
    with pytest.raises(gb.InputError, match="model.potential.shift is energy there and force here"):
        train(recipe, tmp_path / "run", resume=True)
    train(cut, tmp_path / "run", resume=True)


def test_every_training_snapshot_sees_a_baseline_that_it_was_kept_from(recipe):
    data = GlassData(recipe)
    assert [int(e.graph.fold) for e in data.train_examples] == [0, 1, 2, 3, 4, 0]
    assert [int(e.graph.fold) for e in data.validation_examples] == [WHOLE]
    slopes = []
    for changed in (False, True):
        examples = [data.train_examples[k] for k in range(6)]
        if changed:  # snapshots 1 and 6 are fold 0
            for k in (0, 5):
                examples[k].targets["propensity"].mul_(3.0)
        network = CagedNetwork(CagedSettings(times=data.times, cutoff=1.6, width=6, steps=1))
        fit_constants(network, examples)
        slopes.append(network.slopes.clone())
    assert slopes[0].shape[0] == FOLDS + 1
    torch.testing.assert_close(slopes[0][0], slopes[1][0])
    for fold in range(1, FOLDS + 1):
        assert not torch.allclose(slopes[0][fold], slopes[1][fold])


def test_the_baseline_finds_a_linear_law_and_messages_begin_at_nothing(recipe):
    data = GlassData(recipe)
    examples = [data.train_examples[k] for k in range(6)]
    for example in examples:
        graph = example.graph
        law = 0.3 + 2.0 * graph.scalars[:, 1] - graph.averages[:, 3]
        example.targets["propensity"][:, 0] = torch.where(graph.species == 0, law, 2 * law)
    network = CagedNetwork(CagedSettings(times=data.times, cutoff=1.6, width=6, steps=1))
    fit_constants(network, examples)
    for example in examples:
        with torch.no_grad():
            nodes = network(example.graph)["propensity"]
        truth = example.targets["propensity"]
        error = (nodes - truth).std() / truth.std()
        assert error < 0.1
        torch.testing.assert_close(
            nodes, network.baseline(example.graph, network.columns(example.graph))
        )


def test_an_interval_holds_nine_of_ten():
    generator = np.random.default_rng(0)
    predicted = generator.uniform(0.2, 1.0, 20_000)
    errors = np.abs(generator.normal(scale=0.1 + 0.4 * predicted))
    constant, slope, least = _quantile_line(predicted, errors)
    width = np.maximum(constant + slope * predicted, least)
    assert least == pytest.approx(1.645 * 0.19, rel=0.1)
    for part in (predicted < 0.4, predicted > 0.8, np.ones(20_000, dtype=bool)):
        assert np.mean(errors[part] <= width[part]) == pytest.approx(0.9, abs=0.02)
    # 1.645 standard deviations.
    assert slope == pytest.approx(0.4 * 1.645, rel=0.15)
    assert _quantile_line(np.ones(10), np.full(10, 0.3)) == pytest.approx((0.3, 0.0, 0.3))
