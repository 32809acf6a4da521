"""The linear baseline: finds a linear truth, survives its file, and scores."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from conftest import random_snapshot
from glassbotan.dynamics import Motion
from glassbotan.dynamics.ceiling import pearson
from glassbotan.errors import InputError
from glassbotan.models.linear import LinearBaseline
from glassbotan.models.registry import bundled_folder, card_of
from glassbotan.structure.descriptors import DescriptorRecipe, descriptors
from glassbotan.structure.inherent import inherent_structure

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
    return Motion(snapshot, TIMES, propensity, source=f"made up {seed}")


def test_finds_a_linear_truth():
    baseline = LinearBaseline.fit(
        [linear_motion(k) for k in range(4)], recipe=RECIPE, alphas=[1e-7]
    )
    unseen = linear_motion(9)
    predicted = baseline.predict(unseen.snapshot)
    assert np.array_equal(predicted.times, TIMES)
    assert predicted.bond_extension is None
    assert np.allclose(predicted.propensity, unseen.propensity, atol=1e-3)
    assert np.allclose(baseline.slopes, true_slopes(), atol=0.01)


def test_slopes_ignore_what_shifts_a_whole_snapshot():
    shifts = [0.0, 1.0, -2.0, 1.0]
    shifted = [linear_motion(k, offset=shift) for k, shift in enumerate(shifts)]
    plain = [linear_motion(k) for k in range(4)]
    first, second = (LinearBaseline.fit(m, recipe=RECIPE, alphas=[1.0]) for m in (shifted, plain))
    assert np.allclose(first.slopes, second.slopes, atol=1e-10)


def test_more_snapshots_than_folds_are_all_used():
    motions = [linear_motion(k, noise=0.3) for k in range(12)]
    twelve = LinearBaseline.fit(iter(motions), recipe=RECIPE, alphas=[1.0])
    ten = LinearBaseline.fit(motions[:10], recipe=RECIPE, alphas=[1.0])
    reordered = LinearBaseline.fit(motions[::-1], recipe=RECIPE, alphas=[1.0])
    assert not np.allclose(twelve.slopes, ten.slopes, atol=1e-6)
    assert np.allclose(twelve.slopes, reordered.slopes, atol=1e-9)


def test_a_species_without_a_fit_is_nan_and_no_propensity_is_negative():
    motion = linear_motion(0)
    only_a = replace(motion.snapshot, species=np.zeros(150))
    baseline = LinearBaseline.fit(
        [Motion(only_a, TIMES, motion.propensity)], recipe=RECIPE, alphas=[1.0]
    )
    predicted = baseline.predict(motion.snapshot).propensity
    assert np.isnan(predicted[:, motion.snapshot.species == 1]).all()
    assert np.isfinite(predicted[:, motion.snapshot.species == 0]).all()
    sunk = replace(baseline, intercepts=baseline.intercepts - 100)
    assert np.nanmax(sunk.predict(motion.snapshot).propensity) == 0


def test_the_inherent_structure_is_computed_where_it_is_not_known():
    known = with_known_minimum(2)
    bare = replace(known, fields={})
    minimum = inherent_structure(bare)
    told = replace(known, fields={"positions_inherent": minimum.positions})
    baseline = LinearBaseline.fit([linear_motion(k) for k in range(2)], recipe=RECIPE, alphas=[1.0])
    assert np.allclose(
        baseline.predict(bare).propensity, baseline.predict(told).propensity, atol=1e-4
    )


def test_its_file_gives_back_the_same(tmp_path):
    baseline = LinearBaseline.fit([linear_motion(k) for k in range(2)], recipe=RECIPE, alphas=[1.0])
    path = tmp_path / "ridge.npz"
    baseline.save(path)
    again = LinearBaseline.load(path)
    assert again.recipe == baseline.recipe
    for name in ("times", "species", "slopes", "intercepts", "alphas"):
        assert np.array_equal(getattr(again, name), getattr(baseline, name))
    for name in ("epsilon", "sigma", "cutoff"):
        assert np.array_equal(getattr(again.potential, name), getattr(baseline.potential, name))
    baseline.save(path)
    assert [p.name for p in tmp_path.iterdir()] == ["ridge.npz"]
    with np.load(path, allow_pickle=False) as arrays:
        assert json.loads(str(arrays["recipe"]))["shell_width"] == 0.1
        first_form = {name: arrays[name] for name in arrays.files if name != "shift"}
    np.savez(path, **first_form)
    assert LinearBaseline.load(path).potential.shift == "energy"
    shifted = replace(baseline, potential=replace(baseline.potential, shift="force"))
    shifted.save(path)
    assert LinearBaseline.load(path).potential.shift == "force"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("form", np.array("something"), "is of form 'something'"),
        ("recipe", np.array("{"), "recipe cannot be read"),
        ("recipe", np.array("[]"), "recipe cannot be read"),
        ("recipe", np.array('{"pickle": 1}'), "recipe cannot be read"),
        ("recipe", np.array(json.dumps(asdict(replace(RECIPE, n_species=10**9)))), "slopes"),
        ("slopes", np.zeros((2, 2, 3)), "slopes have shape"),
        ("slopes", np.array("text"), "slopes must hold finite numbers"),
        ("intercepts", np.full((2, 2), np.nan), "intercepts must hold finite numbers"),
        ("alphas", np.array([{}], dtype=object), "refused"),
        ("epsilon", np.zeros((2, 2)), "epsilon must be a positive"),
        ("times", np.zeros((2, 2)), "times have shape"),
        ("shift", np.array("smooth"), "shift is 'smooth'"),
    ],
)
def test_a_file_of_something_else_is_refused_by_name(tmp_path, name, value, message):
    baseline = LinearBaseline.fit([linear_motion(0)], recipe=RECIPE, alphas=[1.0])
    path = tmp_path / "ridge.npz"
    baseline.save(path)
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **{**arrays, name: value})
    with pytest.raises(InputError, match=message) as refusal:
        LinearBaseline.load(path)
    assert str(path) in str(refusal.value)


def test_refusals_name_what_is_wrong(tmp_path):
    motion = linear_motion(0)
    with pytest.raises(InputError, match="no snapshot"):
        LinearBaseline.fit([], recipe=RECIPE)
    with pytest.raises(InputError, match="one snapshot only"):
        LinearBaseline.fit([motion], recipe=RECIPE)
    with pytest.raises(InputError, match="the same times"):
        LinearBaseline.fit([motion, replace(motion, times=2 * TIMES)], recipe=RECIPE)
    with pytest.raises(InputError, match="not finite"):
        LinearBaseline.fit([replace(motion, propensity=motion.propensity * np.nan)], recipe=RECIPE)
    with pytest.raises(InputError, match="alphas must be"):
        LinearBaseline.fit([motion], recipe=RECIPE, alphas=[0.0])
    with pytest.raises(InputError, match=r"nowhere\.npz"):
        LinearBaseline.load(tmp_path / "nowhere.npz")


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
            graph=None,
            bond_extension=None,
        )
        for motion in motions
    ]


def scores(baseline, motion):
    predicted = baseline.predict(motion.snapshot).propensity[-1]
    return [
        pearson(predicted[chosen], motion.propensity[0, chosen].astype(np.float64))
        for chosen in (motion.snapshot.species == s for s in (0, 1))
    ]


def test_the_bundled_baseline_and_its_card_belong_together():
    baseline = LinearBaseline.load(bundled_folder() / "linear" / "ridge.npz")
    card = card_of("linear")
    assert (card.name, card.architecture) == ("linear", "linear")
    assert card.times == baseline.times.tolist() == [0.13, 1.3, 13, 130, 412, 1300, 4120]
    assert card.targets == ["particles A", "particles B"]
    assert list(card.recipe["alphas"].values()) == baseline.alphas.tolist()
    assert DescriptorRecipe() == baseline.recipe


@pytest.mark.slow
def test_the_bundled_baseline_reaches_its_scores(published_minima):
    baseline = LinearBaseline.load(bundled_folder() / "linear" / "ridge.npz")
    assert baseline.times[-1] == 4120
    assert scores(baseline, published_minima[0]) == pytest.approx([0.668, 0.750], abs=0.005)
    assert scores(baseline, published_minima[1]) == pytest.approx([0.776, 0.791], abs=0.005)


@pytest.mark.slow
def test_a_fit_to_one_published_snapshot_scores_on_the_other(published_minima):
    recipe = DescriptorRecipe(
        shells=tuple(np.arange(8, 31) / 10), order_shells=(1.0, 1.2, 1.4)
    )  # fmt: skip
    baseline = LinearBaseline.fit(published_minima[:1], recipe=recipe, alphas=[300.0])
    assert scores(baseline, published_minima[1])[0] > 0.6
