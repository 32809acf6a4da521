"""glassbotan convert."""

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from conftest import random_ensemble, random_snapshot, write_botan_npz
from glassbotan import io
from glassbotan.cli.convert import convert
from glassbotan.cli.options import parse_box
from glassbotan.dynamics import motion_of
from glassbotan.errors import InputError
from glassbotan.structure import neighbour_graph


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
    assert parse_box(None) is None
    assert parse_box("15.05658") == [15.05658]
    assert parse_box("1, 2,3.5") == [1, 2, 3.5]


def test_a_target_that_cannot_hold_it_is_an_input_error(tmp_path):
    io.write(tmp_path / "a.xyz", random_snapshot(5))
    for target in ("a.csv", "a.npz", "a"):
        result = run(tmp_path / "a.xyz", tmp_path / target)
        assert isinstance(result.exception, InputError)
    result = run(tmp_path / "a.xyz", tmp_path / "b.data", "--to", "pdb")
    assert isinstance(result.exception, InputError)
