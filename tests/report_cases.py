"""A small model with scores on small data, and a run folder, for tests of reports."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

import torch
import yaml

from conftest import new_model, random_snapshot, write_botan_npz
from glassbotan.evaluation.files import write_scores
from glassbotan.evaluation.protocol import evaluate
from glassbotan.models import storage
from glassbotan.models.card import Card
from glassbotan.provenance import provenance

BOX = [5.0, 5.0, 5.0]


class Case(NamedTuple):
    files: list[Path]
    models: list[Path]
    results: Path


def make_case(folder: Path) -> Case:
    """Two snapshots, two untrained models, and their scores."""
    files = [
        write_botan_npz(folder / f"isoconfig_T0.44_{k}_tc07.npz", random_snapshot(60, seed=k))
        for k in range(2)
    ]
    models = [save_model(folder / name, seed=k) for k, name in enumerate(("first", "second"))]
    results = evaluate(files, models, box=BOX)
    write_scores(folder / "scores.json", results)
    return Case(files, models, folder / "scores.json")


def save_model(folder: Path, *, seed: int = 0, name: str | None = None, **card: object) -> Path:
    torch.manual_seed(seed)
    settings, times = {"width": 8, "steps": 2}, [4120.0, 13000.0]
    network = new_model("botan", times=times, **settings)
    facts = {"times": times, "settings": settings, **card}
    storage.save_model(
        folder, network, Card(name=name or folder.name, architecture="botan", **facts)
    )
    return folder


def make_run(folder: Path, validation: Path, *, finished: bool = True) -> Path:
    """A run folder of two stages, the second resumed once."""
    recipe = {
        "name": "small-run",
        "model": {"architecture": "botan", "width": 8, "steps": 2},
        "data": {"train": [str(validation)], "validation": [str(validation)], "box": BOX},
        "stages": [
            {"epochs": 2, "node_weight": 0.0, "learning_rate": 1e-3},
            {"epochs": 3, "node_weight": 0.4, "learning_rate": 1e-3},
        ],
        "monitor": "pearson_A",
        "seed": 7341,
    }
    folder.mkdir()
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe, sort_keys=False))
    header = "epoch,step,train/loss,train/pearson_A,validation/loss,validation/pearson_A"
    logs = {
        "stage-1/logs/csv": ["0,9,0.5,0.1,,", "0,9,,,0.6,0.05", "1,19,0.4,0.1,,"],
        "stage-2/logs/csv": ["0,9,0.3,0.2,,", "0,9,,,0.35,0.21", "1,19,0.9,0.0,,"],
        "stage-2/logs/csv-2": ["1,19,0.2,0.4,,", "1,19,,,0.25,0.4321", "2,29,0.1,0.5,0.26,0.38"],
    }
    for place, rows in logs.items():
        (folder / place).mkdir(parents=True)
        (folder / place / "metrics.csv").write_text("\n".join([header, *rows]) + "\n")
    if finished:
        record = provenance(validation.glob("*.npz"), seed=recipe["seed"])
        names = sorted(path.name for path in validation.glob("*.npz"))
        save_model(
            folder / "model",
            name=recipe["name"],
            recipe=recipe,
            data={"validation": names},
            scores={"validation/pearson_A": 0.4321},
            provenance=record,
        )
    return folder


def stored_record(page: str) -> dict[str, Any]:
    """Return the JSON that a page holds for machines."""
    found = re.findall(
        r'<script type="application/json" id="glassbotan-report">(.*?)</script>', page, re.DOTALL
    )
    assert len(found) == 1
    return json.loads(found[0])


def visible(page: str) -> str:
    """Return the page's text without tags, style and scripts."""
    body = re.sub(r"<(style|script)\b.*?</\1>", "", page, flags=re.DOTALL)
    text = unescape(re.sub(r"<[^>]*>", " ", body))
    return " ".join(text.split())
