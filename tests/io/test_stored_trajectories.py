"""Trajectories in stores: read one time after another, and refused where they are damaged."""

import json
import shutil

import numpy as np
import pytest
import zarr

import glassbotan as gb
from dynamics.gases import ballistic_gas
from dynamics.stores import write_store
from glassbotan.dynamics import relaxation_of
from glassbotan.io.stored_trajectories import open_trajectories


@pytest.fixture
def ensembles():
    return [ballistic_gas(20, trajectories=4, seed=k) for k in range(2)]


@pytest.fixture
def store(tmp_path, ensembles):
    return write_store(tmp_path / "e.zarr", ensembles)


def one(store, index=0):
    return store / "snapshots" / f"{index:04d}"


def test_a_store_holds_what_is_in_memory(store, ensembles):
    for k, ensemble in enumerate(ensembles):
        found = open_trajectories(one(store, k))
        assert np.array_equal(found.snapshot.positions, ensemble.snapshot.positions)
        assert found.times.tolist() == ensemble.times.tolist()
        assert found.masses.tolist() == [1.0, 2.0]
        for t in range(3):
            assert np.allclose(found.displacements(t), ensemble.displacements(t), atol=1e-6)
    (stored,) = relaxation_of(open_trajectories(one(store, k)) for k in range(2))
    (expected,) = relaxation_of(ensembles)
    for a, b in zip(stored.species, expected.species, strict=True):
        assert np.allclose(a.scattering.value, b.scattering.value, atol=1e-6)
        assert np.allclose(a.non_gaussian.error, b.non_gaussian.error, atol=1e-5)
        assert np.allclose(a.overlap.value, b.overlap.value)


def test_trajectories_that_ended_early_are_read_for_as_long_as_they_ran(tmp_path, ensembles):
    store = write_store(tmp_path / "e.zarr", ensembles, counts=(4, 4, 2))
    found = open_trajectories(one(store))
    assert [found.displacements(t).shape[0] for t in range(3)] == [4, 4, 2]
    assert np.allclose(found.displacements(2), ensembles[0].displacements(2)[:2], atol=1e-6)


def test_other_files_are_read_as_they_are(published):
    found = open_trajectories(published[0])
    assert found.displacements(0).shape == (32, 4096, 3)
    assert found.masses is None


def test_a_store_without_a_protocol_has_no_masses(store):
    attributes = json.loads((store / "zarr.json").read_text())
    del attributes["attributes"]["glassbotan"]["protocol"]
    (store / "zarr.json").write_text(json.dumps(attributes))
    assert open_trajectories(one(store)).masses is None


def test_averages_are_refused_with_the_way_to_trajectories(store):
    shutil.rmtree(one(store) / "displacements")
    with pytest.raises(gb.InputError, match="averages, not trajectories; make a store with keep:"):
        open_trajectories(one(store))


def test_what_is_not_finished_is_refused(tmp_path, ensembles):
    store = write_store(tmp_path / "e.zarr", ensembles, finished=False)
    with pytest.raises(gb.InputError, match="is not finished"):
        open_trajectories(one(store))


def replaced(store, name, values):
    group = zarr.open_group(one(store), mode="r+")
    del group[name]
    group.create_array(name, data=np.asarray(values))


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("displacements", np.zeros((3, 4, 19, 3)), "displacements have shape"),
        ("displacements", np.zeros((2, 4, 20, 3)), "displacements have shape"),
        ("displacements", np.zeros(3), "displacements have shape"),
        ("times", [1.0, 1.0, 2.0], "times must increase"),
        ("times", [0.0, 1.0, 2.0], "must be positive"),
        ("times", [0.5, 1.0, np.nan], "must be positive"),
        ("times", [[0.5, 1.0, 2.0]], "times has the shape"),
        ("trajectories", [4, 4], "numbers of trajectories"),
        ("trajectories", [5, 4, 4], "numbers of trajectories"),
        ("trajectories", [4, 2, 4], "numbers of trajectories"),
        ("trajectories", [4, 4, 0], "numbers of trajectories"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(store, name, values, message):
    replaced(store, name, values)
    with pytest.raises(gb.InputError, match=message):
        open_trajectories(one(store))


def test_a_missing_array_is_named(store):
    shutil.rmtree(one(store) / "trajectories")
    with pytest.raises(gb.InputError, match="has no array trajectories; the store is damaged"):
        open_trajectories(one(store))


def test_chunks_that_are_lost_or_damaged_are_named(store):
    chunks = one(store) / "displacements" / "c"
    kept = open_trajectories(one(store))
    next(file for file in (chunks / "1").rglob("*") if file.is_file()).write_bytes(b"damaged")
    assert np.isfinite(kept.displacements(0)).all()
    with pytest.raises(gb.InputError, match="displacements"):
        kept.displacements(1)
    shutil.rmtree(chunks / "1")
    with pytest.raises(gb.InputError, match="at time 1 are not finite for all 4 trajectories"):
        kept.displacements(1)
