"""Networks learn from stores: of trajectories, of averages, and of both together."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

import glassbotan as gb
from cli.command_line import run
from conftest import random_ensemble, random_snapshot
from glassbotan import io
from glassbotan.dynamics import IsoconfigurationalEnsemble, Trajectories, motion_of
from glassbotan.io import ensemble_layout as layout
from glassbotan.io.ensemble_writer import add_trajectories
from glassbotan.io.store_export import export
from glassbotan.io.store_import import import_store
from glassbotan.models.registry import card_of
from glassbotan.settings import checked
from glassbotan.simulation.campaign import Campaign
from glassbotan.simulation.plan import Plan
from glassbotan.simulation.store import prepare
from glassbotan.simulation.targets import followed, sums_over
from glassbotan.training.config import Recipe
from glassbotan.training.run import train

TIMES = (0.5, 1.0)
CAMPAIGN = {"name": "made", "snapshots": ["glass.xyz"], "trajectories": 4, "seed": 0}


def ensembles(seeds: range) -> list[gb.IsoconfigurationalEnsemble]:
    found = []
    for seed in seeds:
        snapshot = replace(random_snapshot(64, edge=4.2, seed=seed), temperature=0.44)
        found.append(random_ensemble(snapshot, trajectories=4, times=TIMES, seed=seed))
    return found


def of_trajectories(path: Path, contents: list[gb.IsoconfigurationalEnsemble]) -> Path:
    with layout.new_store(path) as beside:
        root = layout.create_store(
            beside, name="made", snapshots=[{}] * len(contents), provenance={}
        )
        for k, ensemble in enumerate(contents):
            add_trajectories(root, k, Trajectories.of(ensemble), file=f"{k}.xyz")
    return path


def of_averages(path: Path, contents: list[gb.IsoconfigurationalEnsemble]) -> Path:
    """As simulate ensemble --targets-only makes it, without the simulation."""
    protocol = checked(Campaign, {**CAMPAIGN, "times": list(TIMES), "keep": "targets"})
    snapshots = tuple(ensemble.snapshot for ensemble in contents)
    store = prepare(path, Plan(protocol, snapshots, ("glass.xyz",) * len(contents)), {})
    for k, ensemble in enumerate(contents):
        bonds = followed(ensemble.snapshot, protocol.cutoff)
        sums = [
            {
                name: [values]
                for name, values in sums_over(bonds, ensemble.displacements(t), range(4)).items()
            }
            for t in range(len(TIMES))
        ]
        store.finish(k, np.zeros((len(TIMES), 4)), sums)
    return path


def of_glassbench(path: Path, contents: list[gb.IsoconfigurationalEnsemble]) -> Path:
    made = of_trajectories(path.with_name(f"made-{path.name}"), contents)
    stored = [made / layout.group_name(k) for k in range(len(contents))]
    import_store(path, export(stored, path.with_suffix(""), "glassbench_npz"))
    return path


def recipe(train_store: Path, validation_store: Path, node_weight: float) -> Recipe:
    return Recipe.model_validate(
        {
            "name": "small",
            "model": {"architecture": "botan", "width": 8, "steps": 2},
            "data": {"train": [str(train_store)], "validation": [str(validation_store)]},
            "stages": [{"epochs": 1, "node_weight": node_weight, "learning_rate": 1e-3}],
            "accelerator": "cpu",
            "devices": 1,
        }
    )


def losses(folder: Path) -> list[float]:
    found = []
    for path in sorted(folder.glob("stage-*/logs/csv*/metrics.csv")):
        with path.open() as file:
            found += [float(row["train/loss"]) for row in csv.DictReader(file) if row["train/loss"]]
    return found


def test_trajectories_and_their_averages_teach_the_same(tmp_path):
    learnt = []
    for kind, make in (("positions", of_trajectories), ("targets", of_averages)):
        stores = [
            make(tmp_path / f"{kind}-{part}.zarr", ensembles(seeds))
            for part, seeds in (("train", range(3)), ("validation", range(3, 5)))
        ]
        folder = train(recipe(*stores, node_weight=0.4), tmp_path / kind)
        card = card_of(folder)
        assert card.times == list(TIMES)
        assert card.domain.temperature == 0.44
        [loss] = losses(tmp_path / kind)
        motion = gb.predict(random_snapshot(64, edge=4.2, seed=9), folder)
        assert motion.propensity.shape == (2, 64)
        assert motion.bond_extension.shape == (2, len(motion.bonds))
        learnt.append((loss, motion.propensity))
    assert learnt[1][0] == pytest.approx(learnt[0][0], rel=1e-3)
    np.testing.assert_allclose(learnt[1][1], learnt[0][1], atol=1e-3)


def test_bond_breaking_goes_by_a_recipe_alone_from_a_store_to_scores(tmp_path):
    train_store = of_averages(tmp_path / "train.zarr", ensembles(range(3)))
    validation = of_averages(tmp_path / "validation.zarr", ensembles(range(3, 5)))
    asked = recipe(train_store, validation, node_weight=1.0).model_dump(mode="json")
    asked["model"]["quantities"] = ["propensity", "bond_breaking"]
    asked["stages"][0] |= {"node_weight": None, "weights": {"bond_breaking": 1.0}}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(asked))

    def did(*words):
        done = run(*map(str, words))
        assert done.status == 0, done.err
        return done

    did("train", tmp_path / "recipe.yaml", "--output", tmp_path / "run")
    model, snapshot = tmp_path / "run" / "model", validation / layout.group_name(0)
    # What does not count in the loss is not told.
    assert card_of(model).quantities == ["bond_breaking"]
    shown = did("predict", snapshot, "--model", model, "--output", tmp_path / "p.npz").out
    assert "bond-breaking propensity A" in shown
    predicted, measured = io.read_motion(tmp_path / "p.npz"), io.read_motion(snapshot)
    assert list(predicted.values) == ["bond_breaking"]
    assert predicted["bond_breaking"].shape == (2, 64)
    did("evaluate", snapshot, "--model", model, "--json", tmp_path / "scores.json")
    scores = json.loads((tmp_path / "scores.json").read_text())
    [found] = [
        r for r in scores["quantities"]["bond_breaking"] if (r["time"], r["species"]) == (1.0, "A")
    ]
    of_a = measured.snapshot.species == 0
    expected = np.corrcoef(predicted["bond_breaking"][1, of_a], measured["bond_breaking"][1, of_a])
    assert found["pearson_mean"] == pytest.approx(expected[0, 1], abs=1e-5)


def test_glassbench_averages_teach_particles_and_have_no_bonds(tmp_path):
    stores = [
        of_glassbench(tmp_path / f"{part}.zarr", ensembles(seeds))
        for part, seeds in (("train", range(2)), ("validation", range(2, 3)))
    ]
    folder = train(recipe(*stores, node_weight=1.0), tmp_path / "run")
    assert card_of(folder).times == list(TIMES)
    assert np.isfinite(losses(tmp_path / "run")).all()
    with pytest.raises(gb.InputError, match="has no bond labels"):
        train(recipe(*stores, node_weight=0.4), tmp_path / "other")


def test_a_snapshot_of_the_training_store_is_not_validated_on(tmp_path):
    store = of_trajectories(tmp_path / "a.zarr", ensembles(range(2)))
    import_store(tmp_path / "b.zarr", [store / layout.group_name(1)])
    assert io.holds(tmp_path / "b.zarr" / layout.group_name(0), IsoconfigurationalEnsemble)
    with pytest.raises(gb.InputError, match="never be trained on"):
        train(recipe(store, tmp_path / "b.zarr", node_weight=0.4), tmp_path / "run")


def test_stored_bonds_may_be_longer_than_the_network_s_but_not_shorter(tmp_path):
    motions = []
    for seed in range(2):
        snapshot = random_snapshot(64, edge=4.2, seed=seed)
        measured = motion_of(random_ensemble(snapshot), gb.neighbour_graph(snapshot, 1.6))
        gb.write(tmp_path / f"{seed}.npz", measured)
        motions.append(tmp_path / f"{seed}.npz")
    asked = recipe(*motions, node_weight=0.4).model_dump()
    asked["model"]["cutoff"] = 1.5
    folder = train(Recipe.model_validate(asked), tmp_path / "run")
    assert gb.predict(random_snapshot(64, edge=4.2), folder).bonds.cutoff == 1.5
    asked["model"]["cutoff"] = 1.7
    with pytest.raises(gb.InputError, match=r"those of cutoff 1.6; the model's graph has 1.7"):
        train(Recipe.model_validate(asked), tmp_path / "other")
