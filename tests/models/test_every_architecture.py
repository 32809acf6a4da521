"""What every registered architecture must do, on tiny glasses; nothing here knows which it is."""

import signal
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

import glassbotan as gb
from conftest import new_model, random_ensemble, random_snapshot
from glassbotan.dynamics import QUANTITIES, Motion, motion_of
from glassbotan.models.architecture import ARCHITECTURES, Model, architecture
from glassbotan.models.caged import states
from glassbotan.models.card import Card
from glassbotan.models.predictor import Predictor
from glassbotan.models.storage import load_saved, save_model
from glassbotan.training.config import Recipe
from glassbotan.training.module import Training
from glassbotan.training.orientation import cubic_symmetries
from glassbotan.training.run import train
from models.caged_examples import computed

SMALL = {
    "botan": {"width": 8, "steps": 2, "cutoff": 1.6},
    "node-only": {"width": 8, "steps": 2, "cutoff": 1.6},
    "caged": {"width": 6, "steps": 1, "reach": 2.6, "averages": [1.0], "descent": [0.01]},
    "linear": {
        "descriptors": {"shells": [0.9, 1.1], "order_shells": [1.1], "degrees": [4, 6]},
        "alphas": [1.0],
    },
}
"""Settings that a glass of some hundred particles suffices for; the rest are the defaults."""

TIMES = (0.13, 13.0)

every_architecture = pytest.mark.parametrize("name", ARCHITECTURES)


@pytest.fixture(autouse=True, scope="module")
def _states_at_once(tmp_path_factory) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(states, "_compute", computed)
        patch.setenv("GLASSBOTAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def glass(seed: int = 0) -> gb.Snapshot:
    return at_rest(random_snapshot(150, edge=5.4, seed=seed))


def at_rest(snapshot: gb.Snapshot) -> gb.Snapshot:
    """The same, said to be its own inherent structure, so that none is computed."""
    return replace(snapshot, fields={"positions_inherent": snapshot.positions})


class Trained(NamedTuple):
    recipe: Recipe
    folder: Path
    model: Model
    card: Card

    def predict(self, snapshot: gb.Snapshot) -> Motion:
        return Predictor(self.model, self.card).predict(snapshot)


def recipe(name: str, folder: Path) -> Recipe:
    files = []
    for seed in range(4):
        snapshot = random_snapshot(150, edge=5.4, seed=seed)
        measured = motion_of(
            random_ensemble(snapshot, times=TIMES, seed=seed), gb.neighbour_graph(snapshot)
        )
        gb.write(folder / f"{seed}.npz", measured)
        files.append(str(folder / f"{seed}.npz"))
    stage = {"epochs": 2, "learning_rate": 1e-2}
    bonds = "bonds" in architecture(name).settings_type.places
    stages = [{**stage, "node_weight": weight} for weight in (1.0, 0.4 if bonds else 1.0)]
    return Recipe.model_validate(
        {
            "name": "small",
            "model": {"architecture": name, **SMALL.get(name, {})},
            "data": {"train": files[:3], "validation": files[3:]},
            "stages": stages if architecture(name).learns_by_steps else [],
            "standardise": True,
            "accelerator": "cpu",
            "devices": 1,
        }
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    made: dict[str, Trained] = {}

    def of(name: str) -> Trained:
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            asked = recipe(name, folder)
            made[name] = Trained(asked, folder, *load_saved(train(asked, folder / "run")))
        return made[name]

    return of


def moved(snapshot: gb.Snapshot, matrix: np.ndarray, shift: float) -> gb.Snapshot:
    return at_rest(replace(snapshot, positions=snapshot.positions @ matrix.T + shift))


def values_of(motion: Motion) -> dict[str, np.ndarray]:
    """By quantity; those of bonds by pair, so that the order of bonds does not matter."""
    found = {**motion.values, **{f"error of {n}": x for n, x in motion.errors.items()}}
    if motion.bonds is not None:
        order = np.lexsort(motion.bonds.pairs)
        found |= {n: x[:, order] for n, x in found.items() if x.shape[1] == len(order)}
    return found


def assert_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        scale = np.abs(values).max()
        np.testing.assert_allclose(found[name], values, atol=1e-4 * scale, err_msg=name)


@every_architecture
def test_it_predicts_what_it_learned_and_particles_differ(name, trained):
    case = trained(name)
    motion = case.predict(glass(9))
    assert motion.times.tolist() == list(TIMES)
    assert case.card.quantities == list(case.model.settings.quantities)
    assert motion.propensity.std(axis=1).min() > 0
    assert np.isfinite(motion.propensity).all()
    assert (motion.bonds is not None) == ("bonds" in case.card.targets)


@every_architecture
def test_every_quantity_is_learned_by_its_name(name, trained, tmp_path):
    asked = trained(name).recipe.model_dump(mode="json")
    places = architecture(name).settings_type.places
    names = [q for q, one in QUANTITIES.items() if one.place in places]
    asked["model"]["quantities"] = names
    if asked["stages"]:
        weights = {q: 1.0 for q in names if QUANTITIES[q].place == "particles"}
        asked["stages"] = [{"epochs": 1, "learning_rate": 1e-3, "weights": weights}]
        asked["monitor"] = "bond_breaking_loss"
    model, card = load_saved(train(Recipe.model_validate(asked), tmp_path / "run"))
    learned = [q for q in names if QUANTITIES[q].place == "particles"]
    assert card.quantities == learned
    motion = Predictor(model, card).predict(glass(9))
    assert list(motion.values) == learned
    true = gb.read_motion(asked["data"]["train"][0])["bond_breaking"]
    assert motion["bond_breaking"].mean(axis=1) == pytest.approx(true.mean(axis=1), abs=0.2)
    # Each has its own unit and column: learning one more leaves the others what they were.
    alone = trained(name).predict(glass(9))
    assert np.corrcoef(motion.propensity.ravel(), alone.propensity.ravel())[0, 1] > 0.9


@every_architecture
def test_a_moved_glass_moves_alike_and_a_turned_one_where_that_is_claimed(name, trained):
    case, snapshot = trained(name), glass()
    turn = np.eye(3)
    if case.model.turns_with_snapshot:
        turn = cubic_symmetries(3)[17].numpy()
    found, expected = (values_of(case.predict(s)) for s in (moved(snapshot, turn, 1.7), snapshot))
    assert_same(found, expected)


@every_architecture
def test_the_order_of_particles_does_not_matter(name, trained):
    case, snapshot = trained(name), glass()
    order = np.random.default_rng(3).permutation(snapshot.n_particles)
    other = gb.Snapshot(snapshot.positions[order], snapshot.species[order], snapshot.box)
    found = case.predict(at_rest(other)).propensity
    expected = case.predict(snapshot).propensity[:, order]
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


@every_architecture
def test_eight_copies_move_as_the_one_does(name, trained):
    case, snapshot = trained(name), glass()
    shifts = np.array(list(product((0, 1), repeat=3))) * snapshot.box
    positions = (shifts[:, None] + snapshot.positions).reshape(-1, 3)
    whole = gb.Snapshot(positions, np.tile(snapshot.species, 8), 2 * snapshot.box)
    found = case.predict(at_rest(whole)).propensity
    expected = np.tile(case.predict(snapshot).propensity, 8)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


@every_architecture
def test_a_glass_without_one_of_the_species_is_predicted(name, trained):
    case, snapshot = trained(name), glass()
    motion = case.predict(at_rest(replace(snapshot, species=np.zeros(150))))
    assert np.isfinite(motion.propensity).all()


@every_architecture
def test_it_learns_from_glasses_of_one_species(name, trained, tmp_path):
    asked = trained(name).recipe
    files = []
    for k, path in enumerate(asked.data.train + asked.data.validation):
        motion = gb.read_motion(path)
        alone = replace(motion.snapshot, species=np.zeros(150))
        gb.write(tmp_path / f"{k}.npz", replace(motion, snapshot=alone))
        files.append(str(tmp_path / f"{k}.npz"))
    data = asked.data.model_copy(update={"train": files[:3], "validation": files[3:]})
    changes = {"data": data, "stages": asked.stages[:1]}
    folder = train(asked.model_copy(update=changes), tmp_path / "run")
    model, card = load_saved(folder)
    motion = Predictor(model, card).predict(at_rest(replace(glass(), species=np.zeros(150))))
    assert np.isfinite(motion.propensity).all()


@every_architecture
def test_another_dimension_is_refused(name, trained):
    flat = random_snapshot(36, dimension=2, edge=6.0)
    with pytest.raises(gb.InputError, match="has 2 dimensions; model 'small' is for 3"):
        trained(name).predict(flat)


@every_architecture
def test_its_folder_gives_back_the_same(name, trained, tmp_path):
    case, snapshot = trained(name), glass()
    save_model(tmp_path, case.model, case.card)
    again = case._replace(model=load_saved(tmp_path)[0])
    found, expected = (values_of(x.predict(snapshot)) for x in (again, case))
    for quantity, values in expected.items():
        np.testing.assert_array_equal(found[quantity], values)
    (tmp_path / "weights.safetensors").write_bytes(b"no weights")
    with pytest.raises(gb.InputError, match="not a safetensors file"):
        load_saved(tmp_path)
    untrained = new_model(name, times=(1.0,), **SMALL.get(name, {}))
    (tmp_path / "weights.safetensors").write_bytes(case.model.weights())
    with pytest.raises(gb.InputError, match=f"but a {name} model of these settings has"):
        untrained.load_weights(tmp_path / "weights.safetensors")


@every_architecture
def test_a_resumed_run_is_bit_for_bit_the_undisturbed_one(name, trained, tmp_path, monkeypatch):
    case = trained(name)
    original = Training.training_step

    def stop_in_the_second_stage(self, example, batch_index):
        second = self.trainer.default_root_dir.endswith("stage-2")
        if second and self.current_epoch == 1 and batch_index == 1:
            raise KeyboardInterrupt
        return original(self, example, batch_index)

    if case.recipe.stages:
        with monkeypatch.context() as patch:
            patch.setattr(Training, "training_step", stop_in_the_second_stage)
            previous = signal.getsignal(signal.SIGINT)
            with pytest.raises(gb.RunError, match="--resume"):
                train(case.recipe, tmp_path / "run")
            signal.signal(signal.SIGINT, previous)  # Lightning ignores it while it shuts down
    folder = train(case.recipe, tmp_path / "run", resume=bool(case.recipe.stages))
    assert (folder / "weights.safetensors").read_bytes() == case.model.weights()
    logs, others = (sorted(f.glob("stage-*/logs/csv*/metrics.csv")) for f in
                    (tmp_path / "run", case.folder / "run"))  # fmt: skip
    rows, expected = (
        [line for path in paths for line in path.read_text().splitlines() if line[:1].isdigit()]
        for paths in (logs, others)
    )
    assert rows == expected


def test_there_is_a_case_of_every_architecture():
    assert SMALL.keys() >= ARCHITECTURES.keys()
    for name in ARCHITECTURES:
        assert architecture(name).architecture == name
    with torch.no_grad(), pytest.raises(gb.InputError, match="unknown architecture 'mine'; known"):
        architecture("mine")
