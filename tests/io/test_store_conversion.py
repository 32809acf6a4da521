"""Stores from published files and published files from stores: nothing is lost on the way."""

import json
import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from snapshot_strategies import harmless, snapshots

import glassbotan as gb
from conftest import REPOSITORY, random_ensemble, random_snapshot
from glassbotan import io
from glassbotan.datasets import load_labelled
from glassbotan.datasets.public import resolve
from glassbotan.dynamics import Motion, Trajectories, bond_breaking, propensity
from glassbotan.errors import InputError, RunError
from glassbotan.evaluation.scores import score
from glassbotan.io import ensemble_layout as layout
from glassbotan.io.botan_npz import file_name
from glassbotan.io.ensemble_store import read_halves
from glassbotan.io.ensemble_writer import add_averages, add_trajectories
from glassbotan.io.options import ReadOptions
from glassbotan.io.store_export import export
from glassbotan.io.store_import import import_store
from glassbotan.io.stored_trajectories import open_trajectories
from glassbotan.structure import minimum_image, neighbour_graph
from glassbotan.structure.snapshot import fingerprint
from small_disk import small_disk

few = settings(harmless, max_examples=8)
STORED = REPOSITORY / "data" / "published-early.zarr"


def glass(seed: int = 0, temperature: float | None = 0.44, n: int = 40) -> gb.Snapshot:
    return replace(random_snapshot(n, edge=4.5, seed=seed), temperature=temperature)


def trajectories(seed: int = 0, times=(0.13, 0.2), counts=(3, 3), **of_glass) -> Trajectories:
    ensemble = random_ensemble(glass(seed, **of_glass), trajectories=max(counts), times=times)
    return Trajectories(
        ensemble.snapshot, ensemble.times, lambda t: ensemble.displacements(t)[: counts[t]]
    )


@contextmanager
def store_of(path: Path, snapshots):
    with layout.new_store(path) as beside:
        records = [layout.snapshot_record(s, s.source) for s in snapshots]
        yield layout.create_store(beside, name="x", snapshots=records, provenance={})


def make_store(path: Path, *contents: Trajectories, files=None) -> Path:
    with store_of(path, [c.snapshot for c in contents]) as root:
        for index, one in enumerate(contents):
            add_trajectories(root, index, one, file=files[index] if files else "glass.xyz")
    return path


def botan_files(folder: Path, *contents: Trajectories) -> list[Path]:
    make_store(folder / "made.zarr", *contents)
    return export(resolve(folder / "made.zarr"), folder / "npz", "botan_npz")


def assert_same(found: Trajectories, expected: Trajectories) -> None:
    assert np.array_equal(found.times, expected.times)
    here, there = found.snapshot, expected.snapshot
    assert np.array_equal(here.species, there.species)
    assert np.array_equal(here.box, there.box)
    assert here.temperature == there.temperature
    apart = minimum_image(here.positions - there.positions, there.box)
    assert np.abs(apart).max() <= 1e-12 * (np.abs(there.positions).max() + there.box.max())
    for t in range(len(expected.times)):
        moved = expected.displacements(t)
        assert found.displacements(t).shape == moved.shape
        # Single precision, of the difference of two doubles.
        np.testing.assert_allclose(found.displacements(t), moved, rtol=1.2e-7, atol=1e-13)


@st.composite
def ensembles(draw: st.DrawFn) -> gb.IsoconfigurationalEnsemble:
    snapshot = draw(snapshots())
    times = draw(st.lists(st.sampled_from([0.13, 0.2, 1.3, 7e-5, 4120.0]), min_size=1, unique=True))
    shape = (len(times), draw(st.integers(1, 4)), *snapshot.positions.shape)
    generator = np.random.default_rng(draw(st.integers(0, 99)))
    moved = generator.normal(size=shape).astype(np.float32)
    return gb.IsoconfigurationalEnsemble(snapshot, np.sort(times), snapshot.positions + moved)


@few
@given(ensemble=ensembles())
def test_from_store_to_botan_files_and_back(tmp_path_factory, ensemble):
    folder = tmp_path_factory.mktemp("trip")
    io.write(folder / "one.zarr", ensemble)
    stored = resolve(folder / "one.zarr")
    files = export(stored, folder / "npz", "botan_npz")
    assert len(files) == len(ensemble.times)
    assert import_store(folder / "two.zarr", files) == 1
    found = open_trajectories(folder / "two.zarr" / layout.group_name(0))
    expected = open_trajectories(stored[0])
    assert_same(found, expected)
    for t in range(len(ensemble.times)):
        np.testing.assert_allclose(expected.displacements(t), ensemble.displacements(t), atol=1e-6)


def test_names_tell_number_temperature_and_time(tmp_path):
    published = "isoconfig_N4096T0.44_401_tc07.npz"
    assert file_name(4096, 0.44, 401, 4120.0) == published
    assert file_name(4096, 0.5, 9, 6860.0) == "isoconfig_N4096T0.50_9_tc10.npz"
    assert file_name(40, 0.445, 0, 0.132) == "isoconfig_N40T0.445_0_t0.132.npz"
    assert file_name(40, None, 3, 1.3) == "isoconfig_N40_3_t1.3.npz"
    one, other = trajectories(0), trajectories(1, temperature=0.5)
    files = [published, "isoconfig_N4096T0.50_7_tc01.npz"]
    make_store(tmp_path / "a.zarr", one, other, files=files)
    names = [p.name for p in export(resolve(tmp_path / "a.zarr"), tmp_path / "a", "botan_npz")]
    assert names == [
        "isoconfig_N40T0.44_401_tc01.npz",
        "isoconfig_N40T0.44_401_t0.2.npz",
        "isoconfig_N40T0.50_7_t0.13.npz",
        "isoconfig_N40T0.50_7_t0.2.npz",
    ]
    # Where the names do not tell snapshots apart, their places in the store do.
    make_store(tmp_path / "b.zarr", one, trajectories(1), files=[published, published])
    names = [p.name for p in export(resolve(tmp_path / "b.zarr"), tmp_path / "b", "botan_npz")]
    assert names[::2] == ["isoconfig_N40T0.44_0_tc01.npz", "isoconfig_N40T0.44_1_tc01.npz"]


def test_what_is_in_the_file_counts_more_than_its_name(tmp_path):
    [file, _] = botan_files(tmp_path, trajectories(temperature=0.5))
    misnamed = file.rename(tmp_path / "isoconfig_N40T0.44_1_tc07.npz")
    found = io.read_ensemble(misnamed)
    assert found.snapshot.temperature == 0.5
    assert found.times.tolist() == [0.13]
    assert found.snapshot.box.tolist() == [4.5] * 3
    assert io.read_ensemble(misnamed, times=[2.0], box=5.0).times.tolist() == [2.0]
    assert io.read(misnamed, box=5.0).box.tolist() == [5.0] * 3
    arrays = dict(np.load(misnamed))
    for name, value in (("time", -1.0), ("temperature", np.nan), ("box", np.ones(2))):
        np.savez(misnamed, **{**arrays, name: value})
        with pytest.raises(InputError, match=name):
            io.read_ensemble(misnamed)


def test_the_published_code_finds_what_it_reads(tmp_path, published):
    whole = trajectories(n=60)
    outside = replace(whole.snapshot, positions=whole.snapshot.positions + 4.5 * np.arange(3))
    outside.positions[::3] += 2 * outside.box
    files = botan_files(tmp_path, replace(whole, snapshot=outside))
    theirs, ours = np.load(published[0]), np.load(files[0], allow_pickle=False)
    for name in theirs.files:
        assert ours[name].dtype == theirs[name].dtype
        assert ours[name].ndim == theirs[name].ndim
    start = ours["initial_positions"]
    target = np.mean([np.linalg.norm(end - start, axis=-1) for end in ours["positions"]], axis=0)
    expected = np.linalg.norm(whole.displacements(0), axis=-1).mean(axis=0)
    assert np.allclose(target, expected, atol=1e-6)
    # It folds the vector between two particles by one box at most.
    pairs = start[None] - start[:, None]
    pairs += np.where(pairs < -2.25, 4.5, 0.0) - np.where(pairs > 2.25, 4.5, 0.0)
    near = np.linalg.norm(pairs, axis=-1) < 2.0
    assert near.sum() - len(near) == neighbour_graph(outside).n_edges


def test_a_published_snapshot_passes_through_a_store(tmp_path, published, labelled):
    store, folder = tmp_path / "a.zarr", tmp_path / "back"
    import_store(store, published[:1])
    [file] = export(resolve(store), folder, "botan_npz")
    assert file.name == published[0].name
    theirs, ours = np.load(published[0]), np.load(file)
    for name in ("types", "initial_positions"):
        assert np.array_equal(ours[name], theirs[name])
    assert np.abs(ours["positions"] - theirs["positions"]).max() < 3e-7
    provenance = json.loads(str(ours["provenance"]))
    assert provenance["inputs"][0]["name"] == "0000"
    stored = load_labelled(store / layout.group_name(0))
    noise = np.random.default_rng(0).normal(size=labelled[0].motion.propensity.shape)
    guess = replace(
        labelled[0].motion,
        values=labelled[0].motion.values | {"propensity": labelled[0].motion.propensity + noise},
    )
    scores = [score("m", [one], [guess]) for one in (labelled[0], stored)]
    for part in ("particles", "bonds"):
        rows = [getattr(one, part) for one in scores]
        for here, there in zip(*rows, strict=True):
            assert (here.time, here.species) == (there.time, there.species)
            assert there.time == 4120
            assert there.pearson_mean == pytest.approx(here.pearson_mean, abs=1e-6)
            assert there.ceiling == pytest.approx(here.ceiling, abs=1e-6)


def test_trajectories_that_end_early_keep_their_numbers(tmp_path):
    early = trajectories(times=(0.13, 0.2, 1.3), counts=(5, 5, 2))
    files = botan_files(tmp_path, early)
    assert [np.load(f)["positions"].shape[0] for f in files] == [5, 5, 2]
    import_store(tmp_path / "back.zarr", files[::-1])
    stored = tmp_path / "back.zarr" / layout.group_name(0)
    assert_same(open_trajectories(stored), open_trajectories(resolve(tmp_path / "made.zarr")[0]))
    assert io.read_ensemble(stored).positions.shape == (2, 5, 40, 3)
    energy = layout.open_group(stored)["energy"]
    assert energy.shape == (3, 5)
    assert np.isnan(energy[...]).all()


def test_one_snapshot_at_two_temperatures_stays_two(tmp_path):
    cold, warm = trajectories(), trajectories(temperature=0.5)
    import_store(tmp_path / "a.zarr", botan_files(tmp_path, cold, warm))
    found = [open_trajectories(path) for path in resolve(tmp_path / "a.zarr")]
    assert [one.snapshot.temperature for one in found] == [0.44, 0.5]
    kept = layout.open_group(tmp_path / "a.zarr").attrs["glassbotan"]
    assert "protocol" not in kept
    assert [one["sha256"] for one in kept["snapshots"]] == [fingerprint(cold.snapshot)] * 2
    assert len(kept["provenance"]["inputs"]) == 4
    assert len(kept["provenance"]["inputs"][0]["sha256"]) == 64
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zarr", "made.zarr", "npz"]


def test_a_store_in_published_layout(tmp_path):
    # What exists must read the same, so arrays are still made as they were.
    group = layout.open_group(STORED / layout.group_name(0))
    snapshot = io.read(STORED / layout.group_name(0))
    bonds = group["bonds"].shape[1]
    with store_of(tmp_path / "a.zarr", [snapshot]) as root:
        made = layout.create_snapshot(
            root,
            0,
            snapshot,
            file=group.attrs["source"],
            times=group["times"][...],
            trajectories=group["trajectories"][...],
            cutoff=2.0,
        )
        layout.create_array(made, "energy", (4, 32), "float64")
        layout.put(made, "bonds", group["bonds"][...])
        for name, size in (
            ("propensity", 4096),
            ("bond_breaking", 4096),
            ("bond_extension", bonds),
        ):
            layout.create_averages(made, name, (4, size))
        made.attrs["finished"] = True
    here, there = (path / layout.group_name(0) for path in (tmp_path / "a.zarr", STORED))
    described = {p.relative_to(there): json.loads(p.read_text()) for p in there.rglob("zarr.json")}
    assert len(described) == 1 + 7 + 9  # the group, what is known before, averages
    for name, description in described.items():
        assert json.loads((here / name).read_text()) == description, name
    for name in ("positions", "species", "box", "times", "trajectories", "bonds"):
        chunks = [p for p in (there / name / "c").rglob("*") if p.is_file()]
        assert chunks
        for chunk in chunks:
            assert (here / chunk.relative_to(there)).read_bytes() == chunk.read_bytes()


def glassbench_file(path: Path, *, transposed: bool = False, **changes: object) -> Path:
    snapshot, generator = glass(), np.random.default_rng(2)
    arrays = {
        "types": snapshot.species + 1,
        "initial_positions": snapshot.positions,
        "md_prop": generator.uniform(0.1, 1, (10, 40)),
        "bb_prop": generator.uniform(0, 1, (10, 40)),
        "box": snapshot.box,
        **changes,
    }
    for name in ("md_prop", "bb_prop") if transposed else ():
        arrays[name] = arrays[name].T
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize("transposed", [False, True])
def test_glassbench_files_pass_through_a_store(tmp_path, transposed):
    file = glassbench_file(tmp_path / "N40T0.44_17.npz", transposed=transposed)
    given = np.load(file)
    import_store(tmp_path / "a.zarr", [file])
    stored = tmp_path / "a.zarr" / layout.group_name(0)
    expected = given["md_prop"].T if transposed else given["md_prop"]
    unbroken = given["bb_prop"].T if transposed else given["bb_prop"]
    motion = io.read_motion(stored)
    assert np.allclose(motion.propensity, expected, atol=1e-7)
    assert motion.bond_extension is None
    assert motion.times[6] == 4120
    assert np.allclose(motion.values["bond_breaking"], 1 - unbroken, atol=1e-7)
    labels = load_labelled(stored)
    assert labels.motion.propensity.shape == (10, 40)
    assert all(np.isnan(c).all() for c in labels.ceilings["propensity"].values())
    assert np.isnan(read_halves(stored)["propensity"].even).all()
    [back] = export([stored], tmp_path / "back", "glassbench_npz")
    assert back.name == "N40T0.44_17.npz"
    found = np.load(back)
    assert np.array_equal(found["types"], given["types"])
    assert np.array_equal(found["initial_positions"], given["initial_positions"])
    assert np.allclose(found["md_prop"], expected, atol=1e-7)
    assert np.allclose(found["bb_prop"], unbroken, atol=2e-7)
    with pytest.raises(InputError, match="holds averages, not trajectories"):
        export([stored], tmp_path / "none", "botan_npz")


def test_glassbench_without_bond_breaking(tmp_path):
    motion = Motion(glass(), np.array([1.0, 2.0]), {"propensity": np.ones((2, 40))})
    with store_of(tmp_path / "a.zarr", [motion.snapshot]) as root:
        add_averages(root, 0, motion, file="a.npz")
    stored = tmp_path / "a.zarr" / layout.group_name(0)
    assert set(io.read_motion(stored).values) == {"propensity"}
    [file] = export([stored], tmp_path / "b", "glassbench_npz")
    assert "bb_prop" not in np.load(file).files
    assert io.read_motion(file).times.tolist() == [1, 2]


@pytest.mark.parametrize("dimension", [2, 3])
def test_averages_of_trajectories_in_glassbench_form(tmp_path, dimension):
    snapshot = random_snapshot(50, dimension=dimension, edge=5.0)
    ensemble = random_ensemble(snapshot, trajectories=4, times=(2.0, 8.0))
    io.write(tmp_path / "a.zarr", ensemble)
    [file] = export(resolve(tmp_path / "a.zarr"), tmp_path / "b", "glassbench_npz")
    motion = io.read_motion(file)
    assert np.allclose(motion.propensity, propensity(ensemble), atol=1e-6)
    unbroken = motion.snapshot.fields["bb_prop"].T
    assert np.allclose(unbroken, 1 - bond_breaking(ensemble), atol=1e-6)
    # Most bonds hold at first, and fewer later.
    assert 1 > unbroken[0].mean() > unbroken[1].mean() > 0
    assert motion.snapshot.temperature is None
    assert motion.snapshot.dimension == dimension


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bb_prop": np.full((10, 40), 1.5)}, "bb_prop must be parts"),
        ({"bb_prop": np.full((9, 40), 0.5)}, "bb_prop has shape"),
        ({"times": np.arange(10.0)}, "times .* must be positive and increase"),
        ({"temperature": np.array([0.4, 0.5])}, "temperature must be one number"),
        ({"md_prop": np.ones((10, 39))}, "md_prop has shape"),
    ],
)
def test_damaged_glassbench_files_make_no_store(tmp_path, changes, message):
    file = glassbench_file(tmp_path / "N40T0.44_17.npz", **changes)
    with pytest.raises(InputError, match=message):
        import_store(tmp_path / "a.zarr", [file])
    assert list(tmp_path.iterdir()) == [file]


def changed(file: Path, name: str, **changes: object) -> Path:
    kept = {k: v for k, v in np.load(file).items() if changes.get(k, v) is not None}
    np.savez(file.with_name(name), **{**kept, **{k: v for k, v in changes.items() if k in kept}})
    return file.with_name(name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"box": np.full(3, 5.0)}, "same positions as .*, but the box is"),
        ({"types": np.zeros(40, dtype=np.int8)}, "same positions as .*, but species differ"),
        ({"temperature": None}, "the temperature is not told here and 0.44 there"),
        ({"time": np.array(0.13)}, "at the same time, t = 0.13; leave one"),
        ({"time": None}, "the time is not in the file"),
        ({"positions": np.zeros((4, 40, 3))}, "has 4 trajectories at t = 0.2 but 3 at t = 0.13"),
        ({"positions": np.full((3, 40, 3), 1e300)}, "too large for single precision"),
        ({"positions": np.full((3, 40, 3), np.nan)}, "not finite"),
        ({"initial_positions": np.zeros((40, 3, 1))}, "initial_positions"),
    ],
)
def test_sources_that_do_not_belong_together(tmp_path, changes, message):
    first, second = botan_files(tmp_path, trajectories())
    other = changed(second, "other.npz", **changes)
    with pytest.raises(InputError, match=message) as caught:
        import_store(tmp_path / "a.zarr", [first, other])
    assert "\n" not in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["made.zarr", "npz"]


def test_times_and_boxes_can_be_given(tmp_path):
    file = changed(botan_files(tmp_path, trajectories())[0], "a.npz", time=None, box=None)
    import_store(tmp_path / "a.zarr", [file], reading=ReadOptions(box=4.5, times=np.array([3.0])))
    stored = tmp_path / "a.zarr" / layout.group_name(0)
    assert open_trajectories(stored).times.tolist() == [3.0]
    with pytest.raises(InputError, match="has its own box and times"):
        export([stored], tmp_path / "b", "botan_npz", reading=ReadOptions(box=4.5))


def test_what_gives_nothing_to_a_store(tmp_path):
    io.write(tmp_path / "a.xyz", glass())
    with pytest.raises(InputError, match="a.xyz: holds no trajectories"):
        import_store(tmp_path / "a.zarr", [tmp_path / "a.xyz"])
    with pytest.raises(InputError, match="0000: holds no trajectories"):
        import_store(tmp_path / "a.zarr", [STORED / layout.group_name(0)])
    file = glassbench_file(tmp_path / "N40T0.44_17.npz")
    [first, _] = botan_files(tmp_path, trajectories())
    for both in ([file, first], [first, file], [file, file]):
        with pytest.raises(InputError, match="same snapshot as .* leave one of the two out"):
            import_store(tmp_path / "a.zarr", both)


def test_nothing_is_written_over(tmp_path):
    files = botan_files(tmp_path, trajectories())
    taken = tmp_path / "a.zarr"
    taken.mkdir()
    (taken / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="is there already and is not written over"):
        import_store(taken, files)
    with pytest.raises(InputError, match="is there already"):
        io.write(tmp_path / "made.zarr", random_ensemble(glass()))
    with pytest.raises(InputError, match="must end in .zarr"):
        import_store(tmp_path / "a", files)
    with pytest.raises(InputError, match="there is no folder"):
        import_store(tmp_path / "no" / "a.zarr", files)
    before = files[0].stat().st_mtime_ns
    stored = resolve(tmp_path / "made.zarr")
    files[1].unlink()
    assert export(stored, tmp_path / "npz", "botan_npz") == files
    assert files[0].stat().st_mtime_ns == before
    assert files[1].exists()
    for damage in (b"letter", np.load(files[1])):
        if isinstance(damage, bytes):
            files[0].write_bytes(damage)
        else:
            np.savez(files[0], **damage)
        held = files[0].read_bytes()
        with pytest.raises(InputError, match="is there already with other content"):
            export(stored, tmp_path / "npz", "botan_npz")
        assert files[0].read_bytes() == held
    with pytest.raises(InputError, match="cannot be made"):
        export(stored, files[0] / "folder", "botan_npz")


def test_one_file_holds_one_time(tmp_path):
    make_store(tmp_path / "a.zarr", trajectories())
    make_store(tmp_path / "b.zarr", trajectories(times=(3.0,), counts=(2,)))
    with pytest.raises(InputError, match="is one file, and there are several to write"):
        export(resolve(tmp_path / "a.zarr"), tmp_path / "one.npz", "botan_npz")
    (tmp_path / "one.npz").write_text("old")
    export(resolve(tmp_path / "b.zarr"), tmp_path / "one.npz", "botan_npz")
    assert io.read_ensemble(tmp_path / "one.npz").times.tolist() == [3.0]


def test_unfinished_and_damaged_stores_give_no_files(tmp_path):
    make_store(tmp_path / "a.zarr", trajectories())
    stored = tmp_path / "a.zarr" / layout.group_name(0)
    shutil.copytree(tmp_path / "a.zarr", tmp_path / "b.zarr")
    layout.open_group(stored, mode="r+").attrs["finished"] = False
    with pytest.raises(InputError, match="is not finished"):
        export([stored], tmp_path / "npz", "botan_npz")
    stored = tmp_path / "b.zarr" / layout.group_name(0)
    chunk = next(p for p in (stored / "displacements" / "c").rglob("*") if p.is_file())
    for damage in (b"x" * 50, None):
        chunk.write_bytes(damage) if damage else chunk.unlink()
        with pytest.raises(InputError, match="displacements"):
            export([stored], tmp_path / "npz", "botan_npz")
    description = json.loads((stored / "displacements" / "zarr.json").read_text())
    description["shape"][1] = 10**12
    (stored / "displacements" / "zarr.json").write_text(json.dumps(description))
    with pytest.raises(InputError, match="too large"):
        export([stored], tmp_path / "npz", "botan_npz")
    assert not list(tmp_path.glob("npz/*"))


def test_a_full_disk_leaves_no_half_store_and_no_half_file(tmp_path):
    files = botan_files(tmp_path, trajectories(n=60))
    with small_disk(), pytest.raises(RunError, match=r"a.zarr: not written .*nothing is kept"):
        import_store(tmp_path / "a.zarr", files)
    stored = resolve(tmp_path / "made.zarr")
    with small_disk(), pytest.raises(RunError, match="not written"):
        export(stored, tmp_path / "other", "botan_npz")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["made.zarr", "npz", "other"]
    assert not list((tmp_path / "other").iterdir())


def test_trajectories_are_written_from_python(tmp_path):
    ensemble = random_ensemble(glass(), times=(0.5,))
    gb.write(tmp_path / "a.npz", ensemble, provenance={"model": "none"})
    assert np.array_equal(gb.read_ensemble(tmp_path / "a.npz").positions, ensemble.positions)
    gb.write(tmp_path / "a.zarr", ensemble)
    found = gb.read_ensemble(tmp_path / "a.zarr" / layout.group_name(0))
    assert np.allclose(found.positions, ensemble.positions, atol=1e-6)
    with pytest.raises(InputError, match="has 2 times; a BOTAN npz holds one"):
        gb.write(tmp_path / "b.npz", random_ensemble(glass(), times=(0.5, 1.0)))
    with pytest.raises(InputError, match="trajectories are not written in that format"):
        gb.write(tmp_path / "b.xyz", ensemble)
    many = replace(ensemble.snapshot, species=ensemble.snapshot.species + 127)
    with pytest.raises(InputError, match="has species 128"):
        gb.write(tmp_path / "b.npz", replace(ensemble, snapshot=many))
    blank = Motion(glass(), np.array([1.0]), {"propensity": np.full((1, 40), np.nan)})
    with pytest.raises(InputError, match="is blank"):
        gb.write(tmp_path / "b.npz", blank, format="glassbench_npz")
