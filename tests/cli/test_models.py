"""glassbotan models."""

import json

import pytest
from command_line import TIMES, run, save_model

from glassbotan.models.registry import bundled_names


def test_every_bundled_model_is_listed_in_one_line(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")  # a file has no width, whatever the terminal's is
    result = run("models")
    assert (result.status, result.err) == (0, "")
    lines = result.out.splitlines()
    assert max(map(len, lines)) <= 120
    for name in bundled_names():
        (line,) = [x for x in lines if x.split()[:1] == [name]]
        assert any(kind in line for kind in ("botan", "node-only", "linear", "caged"))
    headings = next(x for x in lines if x.split()[:1] == ["name"])
    assert headings.split() == [
        "name", "architecture", "system", "T", "times", "predicts", "Pearson",
    ]  # fmt: skip
    (line,) = [x for x in lines if "node-only-2020" in x.split()]
    for part in ("Kob-Andersen mixture", "0.44", "0.132", "particles A"):
        assert part in line


def test_long_names_are_neither_wrapped_nor_cut(monkeypatch):
    from glassbotan.models import registry
    from glassbotan.models.card import Card

    long = "a-model-with-quite-a-long-name-" * 3
    card = Card(name=long, architecture="botan", times=list(range(1, 40)), system="[red]glass")
    monkeypatch.setattr(registry, "cards", lambda: [card])
    result = run("models")
    assert result.status == 0
    assert long in result.out


@pytest.mark.parametrize("name", ["botan-2023-bonds-1", "node-only-2020"])
def test_a_models_whole_card_is_json(name):
    result = run("models", name)
    card = json.loads(result.out)
    assert card["name"] == name
    assert card["citation"]
    assert card["settings"]["dimension"] == 3


def test_ones_own_models_card_is_shown(tmp_path):
    card = json.loads(run("models", save_model(tmp_path / "mine")).out)
    assert card["name"] == "mine"
    assert card["times"] == list(TIMES)
