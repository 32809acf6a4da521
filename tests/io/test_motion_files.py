"""Predictions on disk: the npz with its bonds, and the table."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from conftest import random_ensemble, random_snapshot
from glassbotan import io
from glassbotan.dynamics import Motion, motion_of
from glassbotan.errors import InputError
from glassbotan.structure import neighbour_graph


@pytest.fixture
def prediction(tmp_path):
    snapshot = random_snapshot(40, edge=6.0)
    motion = motion_of(random_ensemble(snapshot, times=(1.0, 10.0)), neighbour_graph(snapshot, 1.7))
    path = tmp_path / "p.npz"
    io.write(path, motion, provenance={"model": "botan"})
    return path, motion


def changed(path, **changes: object):
    arrays = {**np.load(path), **changes}
    np.savez(path, **{name: v for name, v in arrays.items() if v is not None})
    return path


def test_bonds_that_are_not_the_snapshots_are_refused(prediction):
    path, motion = prediction
    bonds = motion.bonds.pairs.copy()
    bonds[0, 0] = (bonds[0, 0] + 1) % 40
    with pytest.raises(InputError, match="stored bonds are not"):
        io.read_motion(changed(path, bonds=bonds))
    with pytest.raises(InputError, match="stored bonds are not"):
        io.read_motion(changed(path, bonds=motion.bonds.pairs, cutoff=np.array(1.2)))


def test_bonds_in_both_directions_as_files_held_them_become_their_mean(prediction):
    path, motion = prediction
    graph = neighbour_graph(motion.snapshot, 1.7)
    uneven = np.random.default_rng(0).normal(size=(2, graph.n_edges)).astype(np.float32)
    io.write(path, replace(motion, errors={"bond_extension": np.ones((2, len(motion.bonds)))}))
    errors = np.abs(uneven)
    changed(path, bonds=graph.edge_index, bond_extension=uneven, bond_extension_error=errors)
    found = io.read_motion(path)
    assert np.array_equal(found.bonds.pairs, motion.bonds.pairs)
    assert found.bond_extension.dtype == np.float32
    of = {tuple(pair): k for k, pair in enumerate(graph.edge_index.T.tolist())}
    for k, (i, j) in enumerate(found.bonds.pairs.T.tolist()):
        both = [of[i, j], of[j, i]]
        assert np.allclose(found.bond_extension[:, k], uneven[:, both].mean(1))
        assert np.allclose(found.errors["bond_extension"][:, k], errors[:, both].mean(1))
    with pytest.raises(InputError, match="bond_extension has shape"):
        io.read_motion(changed(path, bond_extension=motion.bond_extension[:, 1:]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"propensity": np.ones((2, 39))}, "propensity has shape"),
        ({"propensity": np.full((2, 40), np.inf)}, "propensity must be finite"),
        ({"propensity": np.full((2, 40), "a")}, "propensity must be finite"),
        ({"propensity": np.full((2, 40), 1j)}, "propensity"),
        ({"times": np.array([np.nan, 1.0])}, "times must be finite"),
        ({"bond_extension": np.ones((2, 3))}, "bond_extension has shape"),
        ({"times": np.array([np.inf, 1.0])}, "times must be finite"),
        ({"positions": np.full((40, 3), np.inf)}, "positions must be finite"),
        ({"species": np.zeros(39)}, "species have shape"),
        ({"box": np.ones(2)}, "box"),
        ({"box": None}, "no array 'box'"),
        ({"times": None}, "no array 'times'"),
        ({"cutoff": None}, "cutoff"),
        ({"cutoff": np.ones(2)}, "cutoff must be one number"),
        ({"bonds": None}, "bond_extension has shape"),
        ({"propensity_error": np.ones((2, 39))}, "propensity_error has shape"),
        ({"propensity_error": np.full((2, 40), np.inf)}, "propensity_error must be finite"),
        ({"propensity_error": np.full((2, 40), np.nan)}, "wherever the propensity is known"),
        ({"propensity_error": np.full((2, 40), -1.0)}, "not negative"),
        ({"propensity_error": np.full((2, 40), "a")}, "propensity_error must be finite"),
    ],
)
def test_bad_predictions_are_named(prediction, changes, message):
    path, _ = prediction
    with pytest.raises(InputError, match=message) as caught:
        io.read_motion(changed(path, **changes))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("suffix", [".npz", ".xyz", ".dump", ".gsd"])
def test_particles_that_a_model_leaves_blank_come_back_blank(prediction, tmp_path, suffix):
    _, motion = prediction
    values = motion.propensity.copy()
    values[:, motion.snapshot.species == 1] = np.nan
    path = tmp_path / f"blank{suffix}"
    io.write(path, Motion(motion.snapshot, motion.times, {"propensity": values}, motion.bonds))
    if suffix == ".npz":
        found = io.read_motion(path).propensity
        assert io.read_motion(path).bond_extension is None
    else:
        fields = io.read(path).fields
        found = np.stack([fields["propensity_t1"], fields["propensity_t10"]])
    assert np.array_equal(found, values, equal_nan=True)


def with_error(motion: Motion, *, blank: bool) -> Motion:
    """The motion with errors that are all different, blank with the propensity for species B."""
    error = np.arange(1.0, 1 + motion.propensity.size).reshape(motion.propensity.shape) / 7
    values = motion.propensity.copy()
    if blank:
        values[:, motion.snapshot.species == 1] = np.nan
        error[:, motion.snapshot.species == 1] = np.nan
    return replace(
        motion, values=motion.values | {"propensity": values}, errors={"propensity": error}
    )


@pytest.mark.parametrize("suffix", [".npz", ".xyz", ".dump", ".gsd", ".csv"])
@pytest.mark.parametrize("blank", [False, True])
def test_errors_come_back_as_they_were(prediction, tmp_path, suffix, blank):
    motion = with_error(prediction[1], blank=blank)
    path = tmp_path / f"e{suffix}"
    io.write(path, motion)
    kinds = ("propensity", "propensity_error", "bond_breaking")
    names = [f"{kind}_t{time}" for kind in kinds for time in (1, 10)]
    if suffix == ".npz":
        stored = io.read_motion(path)
        assert np.array_equal(stored.bond_extension, motion.bond_extension)
        assert list(stored.values) == ["propensity", "bond_extension", "bond_breaking"]
        values = stored.propensity, stored.propensity_error, stored["bond_breaking"]
        found = np.concatenate(values)
    elif suffix == ".csv":
        lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        rows = list(csv.DictReader(lines))
        assert list(rows[0])[-6:] == names
        found = np.array([[float(row[name]) for row in rows] for name in names])
    else:
        fields = io.read(path).fields
        assert set(fields) == set(names)
        found = np.stack([fields[name] for name in names])
    expected = motion.propensity, motion.propensity_error, motion["bond_breaking"]
    assert np.array_equal(found, np.concatenate(expected), equal_nan=True)


def test_errors_go_along_to_the_form_of_glassbench(prediction, tmp_path):
    motion = with_error(prediction[1], blank=False)
    path = tmp_path / "g.npz"
    io.write(path, motion, format="glassbench_npz")
    assert io.detect_format(path) == "glassbench_npz"
    assert np.array_equal(io.read_motion(path).propensity_error, motion.propensity_error)
    turned = changed(path, md_prop_error=motion.propensity_error.T)
    assert np.array_equal(io.read_motion(turned).propensity_error, motion.propensity_error)
    with pytest.raises(InputError, match="md_prop_error has shape"):
        io.read_motion(changed(path, md_prop_error=motion.propensity_error[:1]))


@pytest.mark.parametrize("suffix", [".npz", ".xyz", ".dump", ".gsd", ".csv"])
def test_without_errors_nothing_is_written_of_them(prediction, tmp_path, suffix):
    _, motion = prediction
    path = tmp_path / f"p{suffix}"
    io.write(path, motion)
    assert b"error" not in path.read_bytes()
    if suffix == ".npz":
        assert io.read_motion(path).propensity_error is None


def test_provenance_that_is_no_json_is_none(prediction):
    path, _ = prediction
    assert io.read_provenance(changed(path, provenance=np.array("[["))) == {}
    assert io.read_provenance(changed(path, provenance=np.array([]))) == {}
    assert io.read_provenance(changed(path, provenance=None)) == {}


@pytest.mark.parametrize("dimension", [2, 3])
def test_the_table_holds_every_particle(tmp_path, dimension):
    snapshot = random_snapshot(12, dimension=dimension)
    motion = motion_of(random_ensemble(snapshot, times=(0.13, 4120.0)))
    path = tmp_path / "p.csv"
    io.write(path, motion, provenance={"model": "bo\ntan"})
    lines = path.read_text().splitlines()
    remarks = [line for line in lines if line.startswith("#")]
    assert json.loads(remarks[-1].removeprefix("# provenance ")) == {"model": "bo\ntan"}
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    axes = "xyz"[:dimension]
    assert list(rows[0]) == ["id", "species", *axes, "propensity_t0.13", "propensity_t4120"]
    assert [int(row["id"]) for row in rows] == list(range(12))
    assert [row["species"] for row in rows] == ["AB"[s] for s in snapshot.species]
    found = np.array([[float(row[axis]) for axis in axes] for row in rows])
    assert np.array_equal(found, snapshot.positions)
    last = np.array([float(row["propensity_t4120"]) for row in rows])
    assert np.array_equal(last, motion.propensity[1])
