"""The linear baseline: finds a linear truth, survives its file, and scores."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from conftest import new_model, random_snapshot
from glassbotan.dynamics import Motion
from glassbotan.dynamics.ceiling import pearson
from glassbotan.errors import InputError
from glassbotan.models.architecture import Preparation
from glassbotan.models.example import Example
from glassbotan.models.linear import Linear
from glassbotan.models.registry import card_of, load_model, load_model_and_card
from glassbotan.models.storage import save_model
from glassbotan.structure.descriptors import DescriptorRecipe, descriptors
from glassbotan.structure.inherent import inherent_structure
from glassbotan.training.processes import ALONE

RECIPE = DescriptorRecipe(
    shells=(0.9, 1.1, 1.3), shell_width=0.1, order_shells=(1.1,), degrees=(4, 6), generations=1,
    averaging_cutoff=1.5,
)  # fmt: skip
TIMES = np.array([1.0, 10.0])


def with_known_minimum(seed, **options):
    """Declared its own inherent structure, so that no test waits for a minimiser."""
    snapshot = random_snapshot(150, edge=5.4, seed=seed)
    return replace(snapshot, fields={"positions_inherent": snapshot.positions}, **options)


def true_slopes():
    """[species, time, descriptor], the same in all snapshots."""
    return np.random.default_rng(99).normal(size=(2, 2, RECIPE.n_columns)) * 0.05


def linear_motion(seed, *, noise=0.0, offset=0.0):
    snapshot = with_known_minimum(seed)
    columns = descriptors(snapshot, RECIPE)
    of_species = np.einsum("std,nd->stn", true_slopes(), columns)
    propensity = 3.0 + offset + np.where(snapshot.species == 0, *of_species)
    propensity += noise * np.random.default_rng(seed).normal(size=propensity.shape)
    return Motion(snapshot, TIMES, {"propensity": propensity}, source=f"made up {seed}")


def fitted(motions, *, alphas=(1.0,), recipe=RECIPE) -> Linear:
    times = tuple(motions[0].times.tolist())
    baseline = new_model("linear", times=times, descriptors=recipe, alphas=alphas)
    examples = [
        Example(
            baseline.settings.inputs(motion.snapshot).tensors(torch.float64),
            {"propensity": torch.from_numpy(np.asarray(motion.propensity, dtype=np.float64).T)},
            (),
        )
        for motion in motions
    ]
    baseline.prepare(
        Preparation(examples, {}, weights={}, fresh=True, standardise=False, processes=ALONE)
    )
    return baseline


def predicted(baseline, snapshot):
    return baseline.predict(baseline.settings.inputs(snapshot)).values["propensity"]


def test_finds_a_linear_truth():
    baseline = fitted([linear_motion(k) for k in range(4)], alphas=(1e-7,))
    unseen = linear_motion(9)
    assert np.allclose(predicted(baseline, unseen.snapshot), unseen.propensity, atol=1e-3)
    assert np.allclose(baseline.arrays["slopes"], true_slopes(), atol=0.01)


def test_slopes_ignore_what_shifts_a_whole_snapshot():
    shifts = [0.0, 1.0, -2.0, 1.0]
    shifted = [linear_motion(k, offset=shift) for k, shift in enumerate(shifts)]
    plain = [linear_motion(k) for k in range(4)]
    first, second = (fitted(motions).arrays["slopes"] for motions in (shifted, plain))
    assert np.allclose(first, second, atol=1e-10)


def test_more_snapshots_than_folds_are_all_used():
    motions = [linear_motion(k, noise=0.3) for k in range(12)]
    twelve, ten, reordered = (
        fitted(chosen).arrays["slopes"] for chosen in (motions, motions[:10], motions[::-1])
    )
    assert not np.allclose(twelve, ten, atol=1e-6)
    assert np.allclose(twelve, reordered, atol=1e-9)


def test_a_column_that_hardly_varies_decides_nothing():
    baseline = new_model("linear", times=(1.0,), alphas=(0.1,))
    generator = np.random.default_rng(3)
    groups = [(generator.normal(size=(20, 6)), generator.normal(size=(20, 2))) for _ in range(5)]
    for x, y in groups:
        x[:, 4], x[:, 5] = 3.0 + 1e-5 * y[:, 0], 2.0
    slopes, _, _ = baseline._fit(groups, "A")
    assert not slopes[:, 4:].any()
    assert np.all(slopes[:, :4] != 0)


def test_a_species_without_a_fit_is_nan_and_no_propensity_is_negative():
    motion = linear_motion(0)
    only_a = replace(motion.snapshot, species=np.zeros(150))
    baseline = fitted([Motion(only_a, TIMES, motion.values)])
    found = predicted(baseline, motion.snapshot)
    assert np.isnan(found[:, motion.snapshot.species == 1]).all()
    assert np.isfinite(found[:, motion.snapshot.species == 0]).all()
    baseline.arrays["intercepts"][:] -= 100
    assert np.nanmax(predicted(baseline, motion.snapshot)) == 0


def test_the_inherent_structure_is_computed_where_it_is_not_known():
    known = with_known_minimum(2)
    bare = replace(known, fields={})
    minimum = inherent_structure(bare)
    told = replace(known, fields={"positions_inherent": minimum.positions})
    baseline = fitted([linear_motion(k) for k in range(2)])
    assert np.allclose(predicted(baseline, bare), predicted(baseline, told), atol=1e-4)


def test_a_file_of_another_baseline_is_refused_by_name(tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(fitted([linear_motion(0)]).weights())
    other = new_model("linear", times=(1.0,), descriptors=RECIPE)
    with pytest.raises(InputError, match=r"weights.safetensors: slopes has shape \[2, 2, "):
        other.load_weights(path)


def test_a_folder_of_the_first_form_is_read(tmp_path):
    motion = linear_motion(0)
    baseline = fitted([motion])
    tables = {"epsilon": np.ones((2, 2)), "sigma": np.ones((2, 2)), "cutoff": np.full((2, 2), 2.5)}
    content = {
        "form": "glassbotan linear baseline 1",
        "recipe": json.dumps(asdict(RECIPE)),
        "times": TIMES,
        **baseline.arrays,
        **tables,
    }
    np.savez(tmp_path / "ridge.npz", **content)
    first = {"name": "old", "architecture": "linear", "times": [1.0, 10.0], "dimension": 3}
    first |= {"cutoff": 2.0, "width": 64, "steps": 7, "targets": ["particles A", "particles B"]}
    (tmp_path / "model.json").write_text(json.dumps(first))
    model, card = load_model_and_card(tmp_path / "ridge.npz")
    assert np.array_equal(predicted(model, motion.snapshot), predicted(baseline, motion.snapshot))
    assert model.settings.potential.shift == "energy"
    assert card.quantities == ["propensity"]
    save_model(tmp_path / "new", model, card)
    again, _ = load_model_and_card(tmp_path / "new")
    assert again.settings.record() == model.settings.record() == card.inputs
    wrong = (({"form": "another"}, "not a"), ({"recipe": "{"}, "cannot be read"))
    wrong += (({"slopes": np.ones(3)}, "slopes has shape"), ({"epsilon": np.ones(3)}, "potential"))
    for changed, why in wrong:
        np.savez(tmp_path / "ridge.npz", **(content | changed))
        with pytest.raises(InputError, match=f"ridge.npz: .*{why}"):
            load_model_and_card(tmp_path)


def test_refusals_name_what_is_wrong():
    with pytest.raises(InputError, match="one snapshot only"):
        fitted([linear_motion(0)], alphas=(1.0, 2.0))
    with pytest.raises(ValueError, match="greater than 0"):
        new_model("linear", alphas=(0.0,))


@pytest.fixture(scope="module")
def published_minima(labelled):
    """The two published snapshots with their measured motion and inherent structures."""
    motions = [sample.motion for sample in labelled]
    return [
        replace(
            motion,
            snapshot=replace(
                motion.snapshot,
                fields={"positions_inherent": inherent_structure(motion.snapshot).positions},
            ),
            bonds=None,
            values={"propensity": motion.propensity},
        )
        for motion in motions
    ]


def scores(baseline, motion):
    last = predicted(baseline, motion.snapshot)[-1]
    return [
        pearson(last[chosen], motion.propensity[0, chosen].astype(np.float64))
        for chosen in (motion.snapshot.species == s for s in (0, 1))
    ]


def test_the_bundled_baseline_and_its_card_belong_together():
    card, baseline = card_of("linear"), load_model("linear")
    assert (card.name, card.architecture) == ("linear", "linear")
    assert card.times == [0.13, 1.3, 13, 130, 412, 1300, 4120]
    assert card.targets == ["particles A", "particles B"]
    assert baseline.arrays["alphas"].shape == (2, 7)
    assert baseline.settings.descriptors == DescriptorRecipe()


@pytest.mark.slow
def test_the_bundled_baseline_reaches_its_scores(published_minima):
    baseline = load_model("linear")
    assert scores(baseline, published_minima[0]) == pytest.approx([0.668, 0.750], abs=0.005)
    assert scores(baseline, published_minima[1]) == pytest.approx([0.776, 0.791], abs=0.005)


@pytest.mark.slow
def test_a_fit_to_one_published_snapshot_scores_on_the_other(published_minima):
    recipe = DescriptorRecipe(
        shells=tuple(np.arange(8, 31) / 10), order_shells=(1.0, 1.2, 1.4)
    )  # fmt: skip
    baseline = fitted(published_minima[:1], recipe=recipe, alphas=(300.0,))
    assert scores(baseline, published_minima[1])[0] > 0.6
