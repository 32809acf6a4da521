"""Examples in files are the examples themselves, and cost a process no memory."""

import os
import resource
from pathlib import Path

import pytest
import torch

import glassbotan as gb
from conftest import random_snapshot, write_botan_npz
from glassbotan.datasets import load_labelled
from glassbotan.dynamics.bonds import both_ways
from glassbotan.models.graph_tensors import GraphInputs, GraphTensors
from glassbotan.models.kernels.edge_layout import INDICES
from glassbotan.training.config import Recipe
from glassbotan.training.data import Draw, Examples, GlassData, share
from glassbotan.training.example_files import (
    ExampleFiles,
    example_path,
    is_stored,
    read_example,
)


@pytest.fixture(autouse=True)
def _own_examples(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GLASSBOTAN_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def files(tmp_path) -> list[Path]:
    return [
        write_botan_npz(
            tmp_path / f"isoconfig_T0.44_{k}_tc07.npz", random_snapshot(64, edge=4.2, seed=k)
        )
        for k in range(3)
    ]


def recipe(train: list[Path], validation: list[Path], **changes: object) -> Recipe:
    content = {
        "name": "small",
        "model": {"architecture": "botan"},
        "data": {
            "train": [str(path) for path in train],
            "validation": [str(path) for path in validation],
            "box": [4.2, 4.2, 4.2],
        },
        "stages": [{"epochs": 1, "node_weight": 0.4, "learning_rate": 1e-3}],
    }
    return Recipe.model_validate({**content, **changes})


@pytest.mark.parametrize(
    ("precision", "self_edges"), [("32-true", False), ("64-true", False), ("32-true", True)]
)
def test_an_example_from_a_file_is_to_the_bit_that_of_its_labels(files, precision, self_edges):
    kind = {"architecture": "node-only" if self_edges else "botan"}
    changes = {"model": kind, "precision": precision}
    if self_edges:
        changes["stages"] = [{"epochs": 1, "node_weight": 1, "learning_rate": 1e-3}]
    data = GlassData(recipe(files[:2], files[2:], **changes))
    dtype = torch.float64 if precision == "64-true" else torch.float32
    for path, example in zip(files[:2], data.train_examples, strict=True):
        labels = load_labelled(path, box=random_snapshot(64, edge=4.2).box)
        neighbours = gb.neighbour_graph(labels.motion.snapshot)
        graph = GraphInputs(neighbours, self_edges).tensors(dtype)
        assert torch.equal(example.graph.species, graph.species)
        assert torch.equal(example.graph.vectors, graph.vectors)
        assert example.graph.layout.blocks == graph.layout.blocks
        for name in INDICES:
            stored, direct = (getattr(x.layout, name) for x in (example.graph, graph))
            assert stored.dtype == direct.dtype
            assert torch.equal(stored, direct)
        values = {"propensity": labels.motion.propensity}
        if not self_edges:
            values["bond_extension"] = both_ways(labels.motion.bond_extension, neighbours)
        assert example.targets.keys() == values.keys()
        for name, value in values.items():
            assert torch.equal(example.targets[name], torch.tensor(value.T, dtype=dtype))
        members = [(labels.motion.snapshot.species == k).nonzero()[0].tolist() for k in (0, 1)]
        assert [indices.tolist() for indices in example.species] == members


def test_examples_are_written_once_and_a_broken_one_again(files):
    made = recipe(files[:2], files[2:])
    first = GlassData(made).train_examples
    path = example_path(first.names[0])
    whole, written = path.read_bytes(), path.stat().st_mtime_ns
    again = GlassData(made).train_examples
    assert again.names == first.names
    assert path.stat().st_mtime_ns == written
    path.write_bytes(whole[: len(whole) // 2])
    assert not is_stored(first.names[0])
    GlassData(made)
    assert path.read_bytes() == whole


def test_what_an_example_depends_on_is_in_its_name(files, tmp_path):
    names = set()
    node_only = recipe(files[:2], files[2:], model={"architecture": "node-only"})
    other = {"data": {**recipe(files[:2], files[2:]).data.model_dump(), "box": [4.3, 4.3, 4.3]}}
    cases = [{}, {"precision": "64-true"}, {"model": {"architecture": "botan", "cutoff": 1.9}}]
    for changes in (*cases, other):
        made = recipe(files[:2], files[2:], **changes)
        names |= set(GlassData(made).train_examples.names)
    names |= set(GlassData(node_only).train_examples.names)
    write_botan_npz(files[0], random_snapshot(64, edge=4.2, seed=9))
    names |= set(GlassData(recipe(files[:1], files[2:])).train_examples.names)
    assert len(names) == 2 * 5 + 1


def test_an_example_that_went_away_is_named(files):
    examples = GlassData(recipe(files[:2], files[2:])).train_examples
    example_path(examples.names[1]).unlink()
    with pytest.raises(gb.RunError, match=r"isoconfig_T0\.44_1.*cannot be read any more"):
        examples[1]


def test_a_cache_that_cannot_be_written_is_named(files, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GLASSBOTAN_CACHE", str(tmp_path / "file"))
    with pytest.raises(gb.InputError, match="name a folder for the cache in GLASSBOTAN_CACHE"):
        GlassData(recipe(files[:2], files[2:]))


def test_memory_does_not_grow_with_the_number_of_snapshots(published):
    box = {"model": {"architecture": "botan"}}
    made = recipe(published[:1], published[1:], **box)
    made = made.model_copy(update={"data": made.data.model_copy(update={"box": None})})
    [name] = GlassData(made).train_examples.names
    names = [f"{name}-{k}" for k in range(60)]
    for copy in names:
        os.link(example_path(name), example_path(copy))
    examples = Examples(ExampleFiles(names, GraphTensors), 3)
    size = examples.examples[0].n_bytes
    for k in range(3):
        total(examples[Draw(k, k)])
    before = largest()
    for k in range(60):
        total(examples[Draw(k, k % 48)])
    # In memory they would take 57 times its size.
    assert largest() - before < 5 * size


def total(example) -> torch.Tensor:
    """Touch everything."""
    return sum(x.sum() for x in example.targets.values()) + example.graph.vectors.sum()


def largest() -> int:
    """Return the most memory that this process ever had, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_a_turned_example_keeps_distances_and_its_file(files):
    data = GlassData(recipe(files[:2], files[2:]))
    examples = Examples(data.train_examples, 3)
    straight, turned = examples[Draw(0, 0)], examples[Draw(0, 17, counts=False)]
    vectors = straight.graph.vectors, turned.graph.vectors
    assert not torch.equal(*vectors)
    torch.testing.assert_close(*[v.norm(dim=1) for v in vectors])
    assert (straight.counts, turned.counts) == (1.0, 0.0)
    path = example_path(data.train_examples.names[0])
    assert torch.equal(read_example(path, GraphTensors).graph.vectors, vectors[0])


@pytest.mark.parametrize("length", [1, 2, 3, 7])
@pytest.mark.parametrize("processes", [1, 2, 3, 5])
def test_shares_are_equally_long_and_hold_everything_once(length, processes):
    draws = [Draw(k, 0) for k in range(length)]
    shares = [share(draws, rank, processes) for rank in range(processes)]
    assert len({len(part) for part in shares}) == 1
    counting = [draw.snapshot for part in shares for draw in part if draw.counts]
    assert sorted(counting) == list(range(length))
