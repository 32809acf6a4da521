"""Measured motion and predictions of one snapshot, whose times may lie in several files."""

import numpy as np
import pytest

import glassbotan as gb
from conftest import REPOSITORY, new_model, random_ensemble, random_snapshot
from glassbotan.dynamics import motion_of
from glassbotan.evaluation.bonds import as_measured
from glassbotan.evaluation.comparison import compare
from glassbotan.models.card import Card
from glassbotan.models.predictor import Predictor

EARLY = REPOSITORY / "data" / "published-early.zarr" / "snapshots"


def test_files_of_one_snapshot_are_one_comparison(published):
    comparison = compare([EARLY / "0010", published[0]])
    assert comparison.measured is not None
    assert list(comparison.measured.times) == [0.13, 1.3, 13.0, 130.0, 4120.0]
    for path in (EARLY / "0010", published[0]):
        alone = compare(path).measured
        assert alone is not None
        rows = np.isin(comparison.measured.times, alone.times)
        assert np.array_equal(comparison.measured.propensity[rows], alone.propensity)


def test_a_model_of_shorter_bonds_is_compared_with_stored_averages(tmp_path):
    snapshot = random_snapshot(60)
    graph = gb.neighbour_graph(snapshot)
    measured = motion_of(random_ensemble(snapshot, times=(4120.0,)), graph)
    gb.write(tmp_path / "m.npz", measured)
    network = new_model("botan", times=(4120.0,), width=8, steps=2, cutoff=1.5)
    card = Card(
        name="short",
        architecture="botan",
        times=[4120.0],
        quantities=["bond_extension"],
        settings={},
    )
    model = Predictor(network, card)
    comparison = compare(tmp_path / "m.npz", [model])
    assert comparison.measured.bonds.cutoff == 2.0
    (guess,) = comparison.predictions
    assert guess.bonds.cutoff == 1.5
    found, _ = as_measured(comparison.measured, guess, "bond_extension")
    near = comparison.measured.bonds.distances < 1.5
    assert np.array_equal(found[:, near], guess.bond_extension)
    assert np.isnan(found[:, ~near]).all()


def test_values_that_are_not_of_the_graphs_edges_are_refused():
    snapshot = random_snapshot(60)
    network = new_model("botan", times=(1.0,), width=8, steps=2)
    quantities = ["propensity", "bond_extension"]
    card = Card(name="odd", architecture="botan", times=[1.0], quantities=quantities, settings={})
    whole = network.predict

    def once_alone(inputs):
        values, errors = whole(inputs)
        return values | {"bond_extension": values["bond_extension"][:, ::2]}, errors

    network.predict = once_alone
    with pytest.raises(gb.InputError, match=r"model 'odd': bond_extension has shape.*edges of its"):
        Predictor(network, card).predict(snapshot)


def test_files_of_different_snapshots_are_refused(published):
    with pytest.raises(gb.InputError, match="402.*is another snapshot than.*0010"):
        compare([EARLY / "0010", published[1]])
