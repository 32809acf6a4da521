"""The store: what is in it, what it refuses, and that it is read like any data set."""

import errno
import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

import glassbotan as gb
from conftest import Told
from glassbotan import io
from glassbotan.datasets import load_labelled
from glassbotan.datasets.groups import bond_groups, particle_groups
from glassbotan.datasets.public import resolve
from glassbotan.dynamics import Bonds, bond_breaking, motion_of
from glassbotan.dynamics.ceiling import ceiling_of_halves
from glassbotan.errors import InputError, RunError
from glassbotan.io.ensemble_store import group_name, open_group
from glassbotan.io.lock import only_one
from glassbotan.simulation import lammps_engine, pacing, store, work
from glassbotan.simulation.resources import Resources
from glassbotan.simulation.run import run_campaign
from glassbotan.structure import neighbour_graph
from simulation.campaigns import assert_same_contents, campaign, contents
from simulation.glasses import needs_lammps, thermal_glass

pytestmark = needs_lammps


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("stores")


@pytest.fixture(autouse=True, scope="module")
def _short_stretches():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lammps_engine, "STRETCH", 200)
        yield


@pytest.fixture(scope="module")
def averages(folder):
    path = folder / "averages.zarr"
    assert run_campaign(campaign(folder), path).complete
    return path


@pytest.fixture(scope="module")
def positions(folder):
    path = folder / "positions.zarr"
    assert run_campaign(campaign(folder, keep="positions"), path).complete
    return path


def first(path):
    return path / group_name(0)


def simulated(trajectories, times=(0.1, 1.0, 2.0)):
    """The first snapshot's ensemble, by the other way to it."""
    # Through a file, as the campaign's was.
    return gb.simulate_ensemble(
        thermal_glass(3),
        times=times,
        trajectories=trajectories,
        temperature=0.44,
        seed=3,
        engine="lammps",
    )


def test_positions_are_those_of_the_ensemble(positions):
    found = io.read_ensemble(first(positions))
    expected = simulated(6, times=(0.1, 1.0))
    assert np.array_equal(found.times, [0.1, 1.0])
    assert np.allclose(found.snapshot.positions, expected.snapshot.positions, atol=1e-7)
    moved = [found.displacements(t) - expected.displacements(t) for t in range(2)]
    assert np.abs(moved).max() < 1e-5
    displacements = open_group(first(positions))["displacements"]
    assert displacements.chunks == (1, 2, 160, 3)
    late = displacements[2]
    assert np.isfinite(late[:4]).all()
    assert np.isnan(late[4:]).all()


def test_averages_are_those_of_the_positions(averages, positions):
    ensemble = io.read_ensemble(first(positions))
    graph = neighbour_graph(ensemble.snapshot)
    expected = motion_of(ensemble, graph)
    found = io.read_motion(first(averages))
    assert np.array_equal(found.times, [0.1, 1.0, 2.0])
    assert found.snapshot.temperature == 0.44
    # Displacements are float32 there, and averages rounded to 2^-14 here.
    assert np.abs(found.propensity[:2] - expected.propensity).max() < 4e-5
    assert np.array_equal(found.bonds.pairs, Bonds.of(graph).pairs)
    assert np.abs(found.bond_extension[:2] - expected.bond_extension).max() < 4e-5
    breaking = found["bond_breaking"]
    assert np.abs(breaking[:2] - bond_breaking(ensemble)).max() < 4e-5


def test_energy_is_kept(averages):
    energy = open_group(first(averages))["energy"][...]
    assert np.isnan(energy[2, 4:]).all()
    assert np.nanmax(np.ptp(energy[:, :4], axis=0)) < 0.2
    assert np.ptp(energy[0]) > 1


def test_ceilings_are_those_of_one_split(averages, positions):
    found = load_labelled(first(averages))
    ensemble = io.read_ensemble(first(positions))
    graph = neighbour_graph(ensemble.snapshot)
    halves = [
        motion_of(replace(ensemble, positions=ensemble.positions[:, first::2]), graph)
        for first in (0, 1)
    ]
    groups = (particle_groups(ensemble.snapshot), bond_groups(ensemble.snapshot, found.bonds))
    for group in groups[0]:
        values = [half.propensity[1, group.members] for half in halves]
        expected = ceiling_of_halves(*values)
        assert found.ceilings["propensity"][group.name][1] == pytest.approx(expected, abs=0.01)
        r = np.corrcoef(*values)[0, 1]
        assert expected == pytest.approx(np.sqrt(2 * r / (1 + r)))
    for group in groups[1]:
        values = [half.bond_extension[1, group.members] for half in halves]
        expected = ceiling_of_halves(*values)
        assert found.ceilings["bond_extension"][group.name][1] == pytest.approx(expected, abs=0.01)
    again = load_labelled(first(averages))
    assert np.array_equal(again.motion.propensity, found.motion.propensity)
    with pytest.raises(InputError, match="cutoff 2; the model's graph has 1.8"):
        load_labelled(first(averages), cutoff=1.8)


def test_a_store_stands_for_its_snapshots(averages, positions):
    paths = [averages / group_name(k) for k in range(2)]
    assert resolve(averages) == paths
    assert resolve(paths[1]) == paths[1:]
    assert resolve(averages / "snapshots" / "*") == paths
    assert io.read(paths[1]).temperature == 0.5
    assert load_labelled(positions / group_name(1)).motion.propensity.shape == (2, 160)
    with pytest.raises(InputError, match=r"holds many snapshots; name one, such as .*0000"):
        io.read(averages)
    with pytest.raises(InputError, match="holds averages, not trajectories"):
        io.read_ensemble(paths[0])
    with pytest.raises(InputError, match="holds trajectories, not averages"):
        io.read_motion(first(positions))


def test_an_unfinished_snapshot_is_not_read(averages, folder):
    part = folder / "part.zarr"
    shutil.copytree(averages, part)
    open_group(part / group_name(1), mode="r+").attrs["finished"] = False
    assert resolve(part) == [part / group_name(0)]
    with pytest.raises(InputError, match="is not finished"):
        io.read_motion(part / group_name(1))
    open_group(part / group_name(0), mode="r+").attrs["finished"] = False
    with pytest.raises(InputError, match="none of its 2 snapshots is finished"):
        resolve(part)


def test_provenance_and_campaign_are_in_the_store(averages):
    found = open_group(averages).attrs["glassbotan"]
    assert found["provenance"]["seed"] == 3
    assert found["provenance"]["inputs"][0]["name"] == "glass.xyz"
    assert found["protocol"]["potential"]["epsilon"] == [[1.0, 1.5], [1.5, 0.5]]
    assert [one["temperature"] for one in found["snapshots"]] == [0.44, 0.5]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 4}, "seed is 3 there and 4 here"),
        ({"times": [0.1, 1.0, 2.5]}, r"times is \[0.1, 1.0, 2.0\] there"),
        ({"temperature": [0.44, 0.6]}, "temperature of snapshot 1 is 0.5 there and 0.6 here"),
        ({"temperature": [0.44]}, "has 2 snapshots, here are 1"),
        ({"potential": "kob-andersen-3d-cut"}, "potential.shift is force there and energy here"),
        ({"keep": "positions"}, "keep is targets there and positions here"),
    ],
)
def test_a_store_of_another_campaign_is_refused(averages, folder, changes, message):
    before = contents(averages)
    with pytest.raises(InputError, match=f"another campaign: .*{message}"):
        run_campaign(campaign(folder, **changes), averages)
    assert contents(averages).keys() == before.keys()


def test_another_snapshot_of_the_same_name_is_refused(averages, tmp_path):
    other = thermal_glass(3)
    positions = other.positions.copy()
    positions[0] += 1e-3
    io.write(tmp_path / "glass.xyz", replace(other, positions=positions))
    with pytest.raises(InputError, match="with other positions"):
        run_campaign(campaign(tmp_path), averages)


def test_a_store_made_from_files_is_refused(folder, tmp_path):
    converted = tmp_path / "converted.zarr"
    io.write(converted, simulated(2, times=(0.1,)))
    before = sorted(converted.rglob("*"))
    with pytest.raises(InputError, match="by glassbotan convert, not by a campaign; write to"):
        run_campaign(campaign(folder), converted)
    assert sorted(converted.rglob("*")) == before


def test_what_is_no_store_is_left_alone(folder, tmp_path):
    (tmp_path / "mine.zarr").mkdir()
    (tmp_path / "mine.zarr" / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="is no store of ensembles"):
        run_campaign(campaign(folder), tmp_path / "mine.zarr")
    with pytest.raises(InputError, match="must end in .zarr"):
        run_campaign(campaign(folder), tmp_path / "mine")
    with pytest.raises(InputError, match="there is no folder"):
        run_campaign(campaign(folder), tmp_path / "none" / "mine.zarr")
    assert (tmp_path / "mine.zarr" / "letter.txt").read_text() == "dear"


def test_finished_work_is_not_done_again(averages, folder, monkeypatch):
    monkeypatch.setattr(work, "BlockFiles", None)
    told = Told()
    summary = run_campaign(campaign(folder), averages, progress=told)
    assert summary.complete
    assert told[0][0] == told[0][1]


def test_stops_at_the_time_limit_and_goes_on(averages, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(pacing, "SLICE", 0.01)
    path = tmp_path / "stopped.zarr"
    rounds = 0
    while rounds < 100:
        # The busier the machine, the longer it must have to come as far as the next restart file.
        summary = run_campaign(
            campaign(folder), path, resources=Resources(time_limit=0.2 * 1.1**rounds)
        )
        rounds += 1
        if summary.complete:
            break
        assert not summary.interrupted
        assert (path / ".work").is_dir()
    assert summary.complete
    assert rounds > 1
    assert_same_contents(path, averages)
    assert not (path / ".work").exists()


def test_a_blow_up_is_told_and_nothing_is_finished(folder, tmp_path):
    path = tmp_path / "hot.zarr"
    sharp = campaign(folder, timestep=0.05, times=[1.0, 50.0], trajectories=[2, 2])
    with pytest.raises(RunError, match=r"snapshot 0: .*blew up by step \d+.*1 more"):
        run_campaign(sharp, path)
    for index in range(2):
        assert not open_group(path / group_name(index)).attrs["finished"]
    with pytest.raises(InputError, match="none of its 2 snapshots is finished"):
        resolve(path)


@pytest.mark.parametrize("what", ["frame", "checkpoint", "array"])
def test_a_full_disk_is_told_and_the_store_goes_on_later(
    averages, folder, tmp_path, monkeypatch, what
):
    path = tmp_path / "full.zarr"
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    calls = []

    def fail(*arguments, **keywords):
        calls.append(arguments)
        raise full

    with monkeypatch.context() as patch:
        if what == "array":
            patch.setattr(store.Store, "_write_averages", fail)
        else:
            patch.setattr(work, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
            where = work.np if what == "frame" else work.checkpoint.np
            patch.setattr(where, "savez", fail)
        with pytest.raises(RunError, match=r"full|No space"):
            run_campaign(campaign(folder), path)
    assert calls
    assert run_campaign(campaign(folder), path).complete
    assert_same_contents(path, averages)


def test_a_damaged_checkpoint_is_not_taken_up(averages, folder, tmp_path, monkeypatch, caplog):
    path = tmp_path / "damaged.zarr"
    monkeypatch.setattr(pacing, "SLICE", 0.01)
    checkpoint = None
    for limit in (0.02 * 1.5**k for k in range(14)):  # the busier the machine, the later
        run_campaign(campaign(folder), path, resources=Resources(time_limit=limit))
        checkpoint = next(path.rglob("checkpoint.npz"), None)
        if checkpoint is not None:
            break
    if checkpoint is None:
        pytest.skip("too fast a machine")
    checkpoint.write_bytes(b"PK nonsense")
    assert run_campaign(campaign(folder), path).complete
    assert "start anew" in caplog.text
    assert_same_contents(path, averages)


def test_a_damaged_store_is_refused(averages, tmp_path):
    path = tmp_path / "damaged.zarr"
    shutil.copytree(averages, path)
    chunk = next((path / group_name(0) / "propensity" / "c").rglob("0"))
    for damage in (b"", b"x" * 50):
        while chunk.is_dir():
            chunk = chunk / "0"
        chunk.write_bytes(damage)
        with pytest.raises(InputError, match="propensity cannot be read"):
            io.read_motion(first(path))
    description = json.loads((path / "zarr.json").read_text())
    description["attributes"]["glassbotan"]["form"] = 99
    (path / "zarr.json").write_text(json.dumps(description))
    with pytest.raises(InputError, match="has form 99; this version"):
        resolve(path)


def test_two_runs_do_not_work_at_one_store(averages, folder):
    with (
        only_one(averages, "busy"),
        pytest.raises(RunError, match="another run is at work there"),
    ):
        run_campaign(campaign(folder), averages)
