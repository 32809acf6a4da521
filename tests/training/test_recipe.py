"""Recipes are validated before anything is computed."""

from pathlib import Path

import pytest
import torch
import yaml

import glassbotan as gb
from conftest import REPOSITORY
from glassbotan.training.config import load_recipe
from glassbotan.training.data import EpochSampler
from glassbotan.training.orientation import cubic_symmetries

GOOD = {
    "name": "x",
    "model": {"architecture": "botan"},
    "data": {"train": ["a"], "validation": ["b"]},
    "stages": [{"epochs": 1, "node_weight": 0.4, "learning_rate": 1e-4}],
}


def write(path: Path, content) -> Path:
    path.write_text(yaml.safe_dump(content))
    return path


RECIPES = sorted(
    path
    for path in (REPOSITORY / "configs").glob("*.yaml")
    if not path.stem.startswith("campaign-")
)


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_every_shipped_recipe_is_valid_and_named_after_its_file(path):
    assert load_recipe(path).name == path.stem


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sede": 1}, "unknown key 'sede'; did you mean 'seed'"),
        ({"model": {"architecture": "botan", "cut_off": 2}}, "did you mean 'cutoff'"),
        ({"model": {"architecture": "botanic"}}, "model.architecture"),
        ({"stages": []}, "stages"),
        ({"gradient_norm": -1}, "gradient_norm.*greater than 0"),
        ({"data": {"train": ["a"]}}, "the key 'data.validation' is missing"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, change, message):
    with pytest.raises(gb.InputError, match=message):
        load_recipe(write(tmp_path / "r.yaml", GOOD | change))


@pytest.mark.parametrize("text", ["[1, 2]", "a: [1", "\x00"])
def test_what_is_no_recipe_is_refused(tmp_path, text):
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(gb.InputError, match=r"r\.yaml"):
        load_recipe(tmp_path / "r.yaml")


def test_a_missing_recipe_is_named(tmp_path):
    with pytest.raises(gb.InputError, match=r"nowhere\.yaml: cannot be read"):
        load_recipe(tmp_path / "nowhere.yaml")


def test_values_can_be_overridden(tmp_path):
    path = write(tmp_path / "r.yaml", GOOD)
    recipe = load_recipe(path, {"seed": 5, "stages.0.epochs": 9, "data.train": ["c"]})
    assert (recipe.seed, recipe.stages[0].epochs, recipe.data.train) == (5, 9, ["c"])


def test_the_symmetries_of_a_cube_are_a_group_of_48_and_of_a_square_8():
    for dimension, order in ((3, 48), (2, 8)):
        matrices = cubic_symmetries(dimension)
        assert len(matrices) == order
        assert torch.equal(matrices[0], torch.eye(dimension))
        names = {tuple(m.flatten().int().tolist()) for m in matrices}
        assert len(names) == order
        for a in matrices:
            assert torch.equal(a @ a.T, torch.eye(dimension))
            products = {tuple((a @ b).flatten().int().tolist()) for b in matrices}
            assert products == names


def test_processes_see_every_snapshot_once_an_epoch_and_step_by_step_what_one_sees():
    shares = [EpochSampler(10, orientations=48, seed=3, rank=r, processes=3) for r in range(3)]
    whole = EpochSampler(10, orientations=48, seed=3)
    for epoch in range(4):
        for sampler in (*shares, whole):
            sampler.set_epoch(epoch)
        steps = list(zip(*shares, strict=True))
        assert len(steps) == len(shares[0]) == 4
        # What does not count only fills the last step up.
        assert [draw for step in steps for draw in step if draw.counts] == list(whole)
        assert {draw.snapshot for draw in whole} == set(range(10))
    assert [list(whole)] == [list(whole)]


def test_fewer_snapshots_than_processes_are_refused():
    with pytest.raises(gb.InputError, match="2 training snapshots cannot be shared by 3"):
        EpochSampler(2, orientations=1, seed=0, processes=3)
