"""BOTAN's npz, GlassBench's npz and the node-only network's pickle."""

import logging
import pickle
from pathlib import Path

import numpy as np
import pytest

from conftest import REPOSITORY, random_snapshot, write_botan_npz
from glassbotan import io
from glassbotan.dynamics import propensity, self_intermediate_scattering
from glassbotan.errors import InputError
from glassbotan.io.botan_npz import PUBLISHED_TIMES
from glassbotan.structure import neighbour_graph

PICKLE = REPOSITORY / "tests" / "data" / "deepmind_test_small.pickle"


def test_facts_of_the_published_snapshots(published):
    ensembles = [io.read_ensemble(path) for path in published]
    means = [[propensity(e)[0][e.snapshot.species == s].mean() for s in (0, 1)] for e in ensembles]
    np.testing.assert_allclose(means, [[0.375, 0.708], [0.431, 0.793]], atol=6e-4)
    scattering = [self_intermediate_scattering(e)[0] for e in ensembles]
    np.testing.assert_allclose(scattering, [0.42, 0.37], atol=6e-3)
    first = ensembles[0]
    assert first.times.tolist() == [4120]
    assert first.n_trajectories == 32
    assert first.snapshot.temperature == 0.44
    assert neighbour_graph(first.snapshot).n_edges == 166_240


def test_the_published_box_is_filled_in_and_said(published, caplog):
    with caplog.at_level(logging.INFO, logger="glassbotan"):
        snapshot = io.read(published[0])
    assert snapshot.box.tolist() == [15.05658] * 3
    assert f"{published[0]}: the format has no box; the published one, 15.05658" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="glassbotan"):
        assert io.read(published[0], box=15.1).box.tolist() == [15.1] * 3
    assert not caplog.records


def test_another_system_needs_a_box(tmp_path):
    snapshot = random_snapshot(30)
    path = write_botan_npz(tmp_path / "T0.44_tc07.npz", snapshot)
    with pytest.raises(InputError, match="give the box"):
        io.read(path)
    assert np.array_equal(io.read(path, box=[5, 5, 5]).positions, snapshot.positions)
    with pytest.raises(InputError, match="one edge length or 3"):
        io.read(path, box=[5, 5])


def test_a_system_of_the_published_size_in_another_box_is_not_taken_for_it(tmp_path):
    path = write_botan_npz(tmp_path / "a.npz", random_snapshot(4096, edge=20.0))
    with pytest.raises(InputError, match="give the box"):
        io.read(path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("T0.44_1_tc01", 0.13), ("isoconfig_N4096T0.50_9_tc10", 6860), ("a_T0.64_3_tc05", 1.65)],
)
def test_the_name_tells_the_time(tmp_path, name, expected):
    path = write_botan_npz(tmp_path / f"{name}.npz", random_snapshot(20))
    assert io.read_ensemble(path, box=5.0).times.tolist() == [expected]


@pytest.mark.parametrize("name", ["a", "T0.44_1", "T0.44_tc00", "T0.44_tc11", "T0.45_tc01"])
def test_a_name_that_tells_no_time_needs_one(tmp_path, name):
    path = write_botan_npz(tmp_path / f"{name}.npz", random_snapshot(20))
    with pytest.raises(InputError, match="time"):
        io.read_ensemble(path, box=5.0)
    assert io.read_ensemble(path, box=5.0, times=[7.0]).times.tolist() == [7.0]


def test_published_times_increase_and_are_ten():
    for times in PUBLISHED_TIMES.values():
        assert len(times) == 10
        assert np.all(np.diff(times) > 0)


@pytest.mark.parametrize(
    ("field", "values", "message"),
    [
        ("types", np.zeros(5, dtype=np.int8), "species have shape"),
        ("types", np.full(20, 0.5), "types must be"),
        ("types", np.full(20, np.inf), "types must be"),
        ("types", np.full(20, -1), "count from 0"),
        ("initial_positions", np.full((20, 3), np.nan), "initial_positions must be finite"),
        ("initial_positions", np.zeros(20), "have shape"),
        ("positions", np.zeros((4, 19, 3)), "trajectory positions have shape"),
        ("positions", np.zeros((20, 3)), "positions have shape"),
        ("positions", np.full((4, 20, 3), np.inf), "not finite"),
        ("positions", np.zeros((4, 20, 3), dtype=object), "pickled Python objects"),
    ],
)
def test_bad_fields_are_named(tmp_path, field, values, message):
    path = write_botan_npz(tmp_path / "T0.44_tc07.npz", random_snapshot(20))
    np.savez(path, **{**np.load(path), field: values})
    with pytest.raises(InputError, match=message) as caught:
        io.read_ensemble(path, box=5.0)
    assert str(path) in str(caught.value)


def glassbench(path: Path, dimension: int = 3, **changes: object) -> Path:
    snapshot = random_snapshot(30, dimension=dimension)
    generator = np.random.default_rng(0)
    arrays = {
        "types": snapshot.species + 1,
        "initial_positions": snapshot.positions,
        "initial_positions_inherent": snapshot.positions + 0.01,
        "initial_positions_cage": snapshot.positions + 0.02,
        "md_prop": generator.uniform(0, 1, (30, 10)),
        "bb_prop": generator.uniform(0, 1, (30, 10)),
        **changes,
    }
    np.savez(path, **{name: values for name, values in arrays.items() if values is not None})
    return path


@pytest.mark.parametrize("dimension", [2, 3])
def test_glassbench_snapshot_and_motion(tmp_path, dimension):
    path = glassbench(tmp_path / "T0.50_17.npz", dimension)
    stored = np.load(path)
    assert io.detect_format(path) == "glassbench_npz"
    snapshot = io.read(path, box=5.0)
    assert np.array_equal(snapshot.species, stored["types"] - 1)
    assert set(snapshot.fields) == {"positions_inherent", "positions_cage", "bb_prop"}
    assert np.array_equal(snapshot.fields["positions_cage"], stored["initial_positions_cage"])
    if dimension == 2:
        with pytest.raises(InputError, match="two-dimensional files are not known"):
            io.read_motion(path, box=5.0)
    motion = io.read_motion(path, box=5.0, times=PUBLISHED_TIMES[0.50])
    assert motion.bonds is None
    assert motion.times.tolist() == list(PUBLISHED_TIMES[0.50])
    assert np.array_equal(motion.propensity, stored["md_prop"].T)
    assert motion.snapshot.temperature == 0.50


def test_glassbench_box_of_the_file_times_of_the_table(tmp_path, caplog):
    path = glassbench(tmp_path / "snapshot.npz", box=np.array([5.0, 6.0, 7.0]))
    assert io.read(path).box.tolist() == [5, 6, 7]
    with caplog.at_level(logging.INFO, logger="glassbotan"):
        motion = io.read_motion(path)
    assert motion.times.tolist() == list(PUBLISHED_TIMES[0.44])
    assert "the times of T = 0.44 are used" in caplog.text
    other = glassbench(
        tmp_path / "T0.23_1.npz", 2, md_prop=np.ones((30, 2)), bb_prop=np.ones((30, 2))
    )
    with pytest.raises(InputError, match="give them"):
        io.read_motion(other, box=5.0)
    assert io.read_motion(other, box=5.0, times=[1, 10]).times.tolist() == [1, 10]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"types": np.zeros(30, dtype=int)}, "count from 1"),
        ({"md_prop": np.ones((30, 3))}, "md_prop has shape"),
        ({"md_prop": np.full((30, 10), np.nan)}, "md_prop must be"),
        ({"initial_positions_inherent": np.ones((30, 2))}, "initial_positions"),
        ({"initial_positions_cage": np.full((30, 3), np.inf)}, "positions_cage must be"),
        ({"initial_positions": np.full((30, 3), np.nan)}, "initial_positions must be"),
        ({"initial_positions": None, "types": None}, "npz of another kind; it holds bb_prop"),
    ],
)
def test_bad_glassbench_files_are_named(tmp_path, changes, message):
    path = glassbench(tmp_path / "a.npz", **changes)
    with pytest.raises(InputError, match=message):
        io.read_motion(path, box=5.0)


def test_the_node_only_sample():
    ensemble = io.read_ensemble(PICKLE)
    assert io.detect_format(PICKLE) == "node_only_pickle"
    assert ensemble.positions.shape == (10, 30, 20, 3)
    assert ensemble.snapshot.temperature == 0.44
    np.testing.assert_allclose(ensemble.snapshot.box, 15.04418575)
    assert ensemble.snapshot.composition == {0: 1.0}
    np.testing.assert_allclose(ensemble.times[[0, 1, -1]], [0.132, 0.477, 23204.031])
    mean = propensity(ensemble).mean(axis=1)
    # Unwrapped, so that displacement grows and never jumps by a box.
    assert np.all(np.diff(mean) > 0)
    np.testing.assert_allclose(mean[[0, -1]], [0.11327, 0.88077], atol=1e-5)


def node_only(path: Path, **changes: object) -> Path:
    with PICKLE.open("rb") as file:
        contents = pickle.load(file, encoding="latin1")
    path.write_bytes(pickle.dumps({**contents, **changes}, protocol=2))
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"positions": None}, "no array of numbers 'positions'"),
        ({"positions": np.full((20, 3), np.nan)}, "not finite"),
        ({"positions": np.zeros((20, 3), dtype=object)}, "refused"),
        ({"types": np.zeros(3, dtype=int)}, "species have shape"),
        ({"box": np.array([15.0, 15.0])}, "box"),
        ({"time_indices": [500] * 10}, "time_indices"),
        ({"time_indices": [1.5] * 10}, "time_indices"),
        ({"time_indices": [26, 40]}, "2 times for 10"),
        ({"time": "soon"}, "no array of numbers 'time'"),
        ({"time": [10**400] * 50}, "no array of numbers 'time'"),
        ({"metadata": {"temperature": 10**400}}, "temperature"),
        ({"trajectory_target_positions": []}, "trajectory_target_positions"),
        ({"trajectory_target_positions": [[np.zeros((20, 2))]] * 10}, "positions of shape"),
        ({"trajectory_target_positions": [[1.0]] * 10}, "positions of shape"),
    ],
)
def test_bad_node_only_files_are_named(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        io.read_ensemble(node_only(tmp_path / "a.pickle", **changes))


def test_times_given_for_node_only_data_are_in_the_files_order(tmp_path):
    times = np.arange(10.0, 0.0, -1.0)
    ensemble = io.read_ensemble(PICKLE, times=times)
    assert ensemble.times.tolist() == sorted(times)
    assert np.array_equal(ensemble.positions[::-1][0][0], pickled_target(0))


def pickled_target(time: int) -> np.ndarray:
    with PICKLE.open("rb") as file:
        return pickle.load(file, encoding="latin1")["trajectory_target_positions"][time][0]


def test_a_pickle_of_something_else_is_refused(tmp_path):
    (tmp_path / "a.pickle").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(InputError, match="holds a list; expected the dictionary"):
        io.read(tmp_path / "a.pickle")
