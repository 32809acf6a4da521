"""glassbotan convert."""

from dataclasses import replace

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from conftest import REPOSITORY, random_ensemble, random_snapshot, write_botan_npz
from glassbotan import io
from glassbotan.cli.convert import convert
from glassbotan.cli.options import parse_box
from glassbotan.dynamics import motion_of
from glassbotan.errors import InputError
from glassbotan.io.stored_trajectories import open_trajectories
from glassbotan.structure import neighbour_graph

STORED = REPOSITORY / "data" / "published-early.zarr"


def run(*arguments: object):
    app = typer.Typer()
    app.command()(convert)
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_a_snapshot_is_converted_and_told_in_one_line(tmp_path):
    snapshot = random_snapshot(30)
    source = write_botan_npz(tmp_path / "a.npz", snapshot)
    target = tmp_path / "a.data"
    result = run(source, target, "--box", "5")
    assert result.exit_code == 0, result.output
    a, b = np.bincount(snapshot.species)
    assert result.output == f"30 particles ({a} A, {b} B), box 5 x 5 x 5 -> {target}\n"
    assert np.array_equal(io.read(target).positions, snapshot.positions)


def test_a_prediction_keeps_its_propensity_and_origin(tmp_path):
    snapshot = random_snapshot(40, edge=6.0)
    motion = motion_of(random_ensemble(snapshot), neighbour_graph(snapshot, 1.7))
    io.write(tmp_path / "p.npz", motion, provenance={"model": "botan"})
    assert "1 times" in run(tmp_path / "p.npz", tmp_path / "p.xyz").output
    found = io.read(tmp_path / "p.xyz")
    assert np.array_equal(found.fields["propensity_t1"], motion.propensity[0])
    assert '{\\"model\\": \\"botan\\"}' in (tmp_path / "p.xyz").read_text()
    assert run(tmp_path / "p.npz", tmp_path / "q.npz").exit_code == 0
    assert io.read_provenance(tmp_path / "q.npz") == {"model": "botan"}
    # LAMMPS data files have no place for it.
    assert run(tmp_path / "p.npz", tmp_path / "p.data").exit_code == 0
    assert isinstance(
        run(tmp_path / "p.npz", tmp_path / "p.csv", "--frame", 1).exception, InputError
    )


def test_options_reach_the_reader(tmp_path):
    (tmp_path / "a.txt").write_text(
        "".join(
            f'1\nLattice="4 0 0 0 5 0 0 0 6" Properties=species:S:1:pos:R:3\nNi {k} 0 0\n'
            for k in range(3)
        )
    )
    options = ("--species", "Ni:1", "--frame", 1, "--box", "7,8,9", "--from", "extxyz")
    result = run(tmp_path / "a.txt", tmp_path / "b.txt", *options, "--to", "lammps_dump")
    assert "1 particles (1 B), box 7 x 8 x 9" in result.output
    assert io.read(tmp_path / "b.txt").positions.tolist() == [[1, 0, 0]]


@pytest.mark.parametrize("text", ["", "a", "1,", "0", "-1", "1,2,3,4", "inf", "nan"])
def test_bad_boxes_are_refused(text):
    with pytest.raises(InputError, match="expected one positive edge length"):
        parse_box(text)


def test_boxes_are_parsed():
    assert parse_box("15.05658") == [15.05658]
    assert parse_box("1, 2,3.5") == [1, 2, 3.5]


def test_a_target_that_cannot_hold_it_is_an_input_error(tmp_path):
    io.write(tmp_path / "a.xyz", random_snapshot(5))
    for target in ("a.csv", "a.npz", "a"):
        result = run(tmp_path / "a.xyz", tmp_path / target)
        assert isinstance(result.exception, InputError)
    result = run(tmp_path / "a.xyz", tmp_path / "b.data", "--to", "pdb")
    assert isinstance(result.exception, InputError)


def stored(path, times=(0.13, 0.2)):
    snapshot = replace(random_snapshot(40, edge=4.5), temperature=0.44)
    io.write(path, random_ensemble(snapshot, trajectories=3, times=times))
    return path


def test_a_store_goes_to_published_files_and_back(tmp_path):
    store = stored(tmp_path / "a.zarr")
    result = run(store, tmp_path / "npz", "--to", "botan_npz")
    assert result.output == f"2 files -> {tmp_path / 'npz'}\n"
    names = ["isoconfig_N40T0.44_0_t0.2.npz", "isoconfig_N40T0.44_0_tc01.npz"]
    assert sorted(path.name for path in (tmp_path / "npz").iterdir()) == names
    files = [tmp_path / "npz" / name for name in names]
    assert "1 snapshot -> " in run(*files, tmp_path / "b.zarr").output
    # A folder stands for its files.
    assert run(tmp_path / "npz", tmp_path / "c.zarr").exit_code == 0
    moved = [open_trajectories(tmp_path / f"{k}.zarr/snapshots/0000") for k in "abc"]
    for t in (0, 1):
        values = [one.displacements(t) for one in moved]
        assert np.allclose(values[0], values[1], atol=1e-12)
        assert np.array_equal(values[1], values[2])
    result = run(store / "snapshots" / "0000", tmp_path / "bench", "--to", "glassbench_npz")
    assert result.output == f"1 file -> {tmp_path / 'bench'}\n"
    bench = tmp_path / "bench" / "N40T0.44_0.npz"
    assert run(bench, tmp_path / "d.zarr").exit_code == 0
    assert io.read_motion(tmp_path / "d.zarr/snapshots/0000").times.tolist() == [0.13, 0.2]


def test_one_snapshot_at_one_time_goes_to_one_file(tmp_path):
    store = stored(tmp_path / "a.zarr", times=(3.0,))
    result = run(store / "snapshots/0000", tmp_path / "any.npz", "--to", "botan_npz")
    assert result.output == f"1 file -> {tmp_path / 'any.npz'}\n"
    assert io.read_ensemble(tmp_path / "any.npz").times.tolist() == [3.0]
    # Its own name tells the time no more than its contents do.
    options = ("--to", "botan_npz", "--times", "5", "--box", "4.6")
    assert run(tmp_path / "any.npz", tmp_path / "b.npz", *options).exit_code == 0
    found = io.read_ensemble(tmp_path / "b.npz")
    assert (found.times.tolist(), found.snapshot.box[0]) == ([5.0], 4.6)


def test_files_without_time_and_box_are_given_them(tmp_path):
    source = write_botan_npz(tmp_path / "a.npz", random_snapshot(30))
    result = run(source, tmp_path / "a.zarr", "--box", "5")
    assert "the time is not in the file" in str(result.exception)
    assert run(source, tmp_path / "a.zarr", "--box", "5", "--times", "7").exit_code == 0
    assert io.read_ensemble(tmp_path / "a.zarr/snapshots/0000").times.tolist() == [7.0]


def test_what_convert_refuses_about_stores(tmp_path):
    store, target = stored(tmp_path / "a.zarr"), tmp_path / "t"
    io.write(tmp_path / "a.xyz", random_snapshot(5))
    for arguments, message in (
        ((store, tmp_path / "b.npz", "--to", "botan_npz"), "is one file, and there are several"),
        ((store, store), "is there already"),
        ((store, tmp_path / "b.xyz"), "holds many snapshots"),
        ((store, store, target, "--to", "botan_npz"), "several sources go into one store"),
        ((store, target, "--to", "botan_npz", "--frame", "1"), "do not apply to trajectories"),
        ((store, target, "--to", "botan_npz", "--box", "5"), "has its own box and times"),
        ((tmp_path / "a.xyz", target, "--to", "botan_npz"), "snapshot is not written in that"),
        ((tmp_path / "a.xyz", tmp_path / "b.zarr"), "holds no trajectories"),
        ((tmp_path / "no.npz", tmp_path / "b.zarr"), "no such file"),
        ((store, tmp_path / "b", "--to", "ensemble_store"), "must end in .zarr"),
        ((tmp_path / "a.xyz", tmp_path / "b.data", "--times", "1"), "--times does not apply"),
        ((STORED, target, "--to", "botan_npz"), "holds averages, not trajectories"),
    ):
        result = run(*arguments)
        assert isinstance(result.exception, InputError), arguments
        assert message in str(result.exception)
        assert "\n" not in str(result.exception)
    assert not list(target.glob("*"))
    assert sorted(p.name for p in tmp_path.iterdir() if p != target) == ["a.xyz", "a.zarr"]


def test_the_projects_own_labels_in_glassbench_form(tmp_path):
    first = STORED / "snapshots" / "0010"
    assert run(first, tmp_path, "--to", "glassbench_npz").exit_code == 0
    found = io.read_motion(tmp_path / "N4096T0.44_401.npz")
    assert found.times.tolist() == [0.13, 1.3, 13, 130]
    assert np.array_equal(found.propensity, io.read_motion(first).propensity)
    assert np.all(np.diff(found.snapshot.fields["bb_prop"].mean(axis=0)) < 0)
