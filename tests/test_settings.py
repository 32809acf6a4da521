"""Settings of jobs: one model for command line, files, Python and docs."""

import runpy
from pathlib import Path

import pytest
from pydantic import BaseModel

from glassbotan.errors import InputError
from glassbotan.settings import checked
from glassbotan.training.config import DataSection, ModelSection, Recipe, StageSection

TOP = Path(__file__).parent.parent


def test_the_tables_in_the_docs_are_the_models():
    tool = runpy.run_path(str(TOP / "tools" / "settings_tables.py"))
    page = (TOP / "docs" / "simulate.md").read_text(encoding="utf-8")
    assert page.count("<!-- settings: ") == len(tool["MODELS"])
    assert tool["with_tables"](page) == page, "run: python tools/settings_tables.py"


def test_the_keys_of_a_recipe_are_all_in_the_docs():
    page = (TOP / "docs" / "train.md").read_text(encoding="utf-8")
    sections = {"": Recipe, "model.": ModelSection, "data.": DataSection}
    keys = [f"`{place}{name}`" for place, s in sections.items() for name in s.model_fields]
    keys += [f"| `{name}` |" for name in StageSection.model_fields]
    inner = {"`model`", "`data`"}
    assert [key for key in keys if key not in inner and key not in page] == []


class Inner(BaseModel, extra="forbid"):
    epochs: int


class Outer(BaseModel, extra="forbid"):
    stages: list[Inner]
    width: float = 1.0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "the key 'stages' is missing"),
        ({"stages": [], "wdth": 2}, "unknown key 'wdth'; did you mean 'width'?"),
        ({"stages": [{"epoch": 2}]}, "stages.0.epochs"),
        ({"stages": [{"epochs": 2, "epoch": 2}]}, "unknown key 'stages.0.epoch'; did you mean"),
        ({"stages": [], "width": "x"}, "width: input should be a valid number.* [(]it is 'x'[)]"),
    ],
)
def test_refusals_are_one_line_with_the_place(content, message):
    with pytest.raises(InputError, match=f"^file: .*{message}") as refused:
        checked(Outer, content, source="file")
    assert "\n" not in str(refused.value)
