"""What is written is read back: every pair of formats, two and three dimensions."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from snapshot_strategies import harmless, snapshots

import glassbotan as gb
from conftest import random_ensemble, random_snapshot
from glassbotan import io
from glassbotan.dynamics import Motion, motion_of
from glassbotan.structure import Snapshot, minimum_image, neighbour_graph

SNAPSHOT_FORMATS = [name for name, f in io.FORMATS.items() if Snapshot in f.write]
MOTION_TABLES = ["extxyz", "lammps_dump", "gsd"]
PAIRS = list(itertools.product(SNAPSHOT_FORMATS, repeat=2))
few = settings(harmless, max_examples=12)


def through(folder: Path, snapshot: gb.Snapshot, name: str) -> gb.Snapshot:
    path = folder / f"file{io.FORMATS[name].suffixes[0]}"
    io.write(path, snapshot)
    assert io.detect_format(path) == name
    return io.read(path)


def assert_same(found: gb.Snapshot, expected: gb.Snapshot, *, single: bool) -> None:
    assert found.dimension == expected.dimension
    assert np.array_equal(found.species, expected.species)
    relative = 3e-7 if single else 1e-9
    np.testing.assert_allclose(found.box, expected.box, rtol=relative)
    apart = minimum_image(found.positions - expected.positions, expected.box)
    scale = np.abs(expected.positions).max() + expected.box.max()
    assert np.abs(apart).max() <= relative * scale
    if not single:
        np.testing.assert_allclose(found.positions, expected.positions, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("first", "second"), PAIRS)
@few
@given(snapshot=snapshots())
def test_snapshots_pass_through_two_formats(tmp_path, first, second, snapshot):
    found = through(tmp_path, through(tmp_path, snapshot, first), second)
    assert_same(found, snapshot, single="gsd" in (first, second))


@pytest.mark.parametrize("name", ["extxyz", "gsd"])
@few
@given(snapshot=snapshots(with_fields=True))
def test_fields_and_temperature_stay(tmp_path, name, snapshot):
    found = through(tmp_path, snapshot, name)
    assert found.temperature == snapshot.temperature
    assert list(found.fields) == list(snapshot.fields) or name == "gsd"
    for key, values in snapshot.fields.items():
        assert np.array_equal(found.fields[key], values)


@few
@given(snapshot=snapshots(with_fields=True))
def test_a_dump_splits_vectors_into_components(tmp_path, snapshot):
    found = through(tmp_path, snapshot, "lammps_dump")
    assert np.array_equal(found.fields["charge"], snapshot.fields["charge"])
    assert np.array_equal(found.fields["velocity[2]"], snapshot.fields["velocity"][:, 1])


def test_truth_values_and_words_stay_in_extended_xyz(tmp_path):
    base = random_snapshot(4)
    fields = {"frozen": np.array([True, False, True, True]), "label": np.array(list("abcd"))}
    snapshot = gb.Snapshot(base.positions, base.species, base.box, fields)
    found = through(tmp_path, snapshot, "extxyz")
    assert found.fields["frozen"].dtype == bool
    assert np.array_equal(found.fields["frozen"], fields["frozen"])
    assert found.fields["label"].tolist() == list("abcd")


@pytest.mark.parametrize("dimension", [2, 3])
def test_a_motion_with_bonds_is_read_back_exactly(tmp_path, dimension):
    snapshot = random_snapshot(40, dimension=dimension, edge=8.0)
    ensemble = random_ensemble(snapshot, times=(0.13, 13.0))
    motion = motion_of(ensemble, neighbour_graph(snapshot, 1.9))
    path = tmp_path / "prediction.npz"
    io.write(path, motion, provenance={"model": "botan", "input": tmp_path})
    found = io.read_motion(path)
    assert io.detect_format(path) == "motion_npz"
    for name in ("times", "propensity", "bond_extension"):
        assert np.array_equal(getattr(found, name), getattr(motion, name))
    assert found.bonds.cutoff == 1.9
    assert np.array_equal(found.bonds.pairs, motion.bonds.pairs)
    assert np.array_equal(found.bonds.vectors, motion.bonds.vectors)
    assert np.array_equal(found.snapshot.positions, snapshot.positions)
    assert np.array_equal(io.read(path).species, snapshot.species)
    assert io.read_provenance(path) == {"model": "botan", "input": str(tmp_path)}


def test_a_motion_without_bonds_and_with_single_precision_stays_so(tmp_path):
    snapshot = random_snapshot(10)
    motion = Motion(snapshot, np.array([1.0]), {"propensity": np.ones((1, 10), dtype=np.float32)})
    io.write(tmp_path / "m.npz", motion)
    found = io.read_motion(tmp_path / "m.npz")
    assert found.bonds is None
    assert found.bond_extension is None
    assert found.propensity.dtype == np.float32
    assert found.snapshot.temperature is None


@pytest.mark.parametrize("name", MOTION_TABLES)
@few
@given(snapshot=snapshots(), data=st.data())
def test_propensity_becomes_columns(tmp_path, name, snapshot, data):
    times = np.array(sorted(data.draw(st.sets(st.floats(1e-3, 1e7), min_size=1, max_size=3))))
    propensity = np.arange(len(times) * snapshot.n_particles, dtype=float).reshape(len(times), -1)
    path = tmp_path / f"m{io.FORMATS[name].suffixes[0]}"
    io.write(path, Motion(snapshot, times, {"propensity": propensity / 7}))
    found = io.read(path)
    assert len(found.fields) == len(times)
    stored = sorted(found.fields.values(), key=lambda values: values[0])
    assert np.array_equal(np.stack(stored), propensity / 7)


def test_column_names_tell_the_times(tmp_path):
    snapshot = random_snapshot(3)
    motion = Motion(snapshot, np.array([0.13, 4120, 130000]), {"propensity": np.ones((3, 3))})
    io.write(tmp_path / "m.xyz", motion)
    assert list(io.read(tmp_path / "m.xyz").fields) == [
        "propensity_t0.13",
        "propensity_t4120",
        "propensity_t130000",
    ]
