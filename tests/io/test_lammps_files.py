"""LAMMPS data files and dumps."""

import numpy as np
import pytest
from ase.io.lammpsdata import read_lammps_data

import glassbotan as gb
from conftest import random_snapshot
from glassbotan import io
from glassbotan.errors import InputError

DATA = """title of 12 atoms

2 atoms
2 atom types

-2 2 xlo xhi   # a remark
0.0 5e0 ylo yhi
0 6 zlo zhi
0 0 0 xy xz yz

Masses

1 1.0
2 1.0

Atoms # {style}

{rows}

Velocities

1 0 0 0
2 0 0 0
"""
ROWS = {
    "atomic": ("2 2 1 2 3", "1 1 -1 1 1"),
    "atomic # image flags": ("2 2 1 2 3 0 -1 0", "1 1 -1 1 1 0 0 7"),
    "charge": ("2 2 -1.5 1 2 3", "1 1 1.5 -1 1 1"),
    "molecular": ("2 7 2 1 2 3", "1 7 1 -1 1 1"),
    "full": ("2 7 2 0.5 1 2 3 0 0 0", "1 7 1 -0.5 -1 1 1 0 0 0"),
}


def data(folder, rows=ROWS["atomic"], style="atomic", **changes: str):
    text = DATA.format(style=style, rows="\n".join(rows))
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    path = folder / "a.data"
    path.write_text(text)
    return path


@pytest.mark.parametrize("style", ROWS)
def test_atom_styles(tmp_path, style):
    path = data(tmp_path, ROWS[style], style.split(" #")[0])
    found = io.read(path)
    assert io.detect_format(path) == "lammps_data"
    assert found.species.tolist() == [0, 1]
    assert found.positions.tolist() == [[-1, 1, 1], [1, 2, 3]]
    assert found.box.tolist() == [4, 5, 6]


def test_types_can_be_mapped_by_number_and_by_label(tmp_path):
    assert io.read(data(tmp_path), species="1:1,2:0").species.tolist() == [1, 0]
    labels = "Atom Type Labels\n\n1 Ni\n2 P\n\nMasses"
    path = data(tmp_path, ("2 P 1 2 3", "1 Ni 1 1 1"), labels=("Masses", labels))
    assert io.read(path).species.tolist() == [0, 1]
    assert io.read(path, species={"Ni": 1, "P": 0}).species.tolist() == [1, 0]


def test_a_layer_is_a_plane(tmp_path):
    path = data(tmp_path, ("1 1 0 1 0", "2 1 1 2 0"), z=("0 6 zlo", "-0.5 0.5 zlo"))
    assert io.read(path).positions.tolist() == [[0, 1], [1, 2]]
    assert io.read(path).box.tolist() == [4, 5]


def test_ase_reads_the_data_file_that_is_written(tmp_path):
    snapshot = random_snapshot(20)
    io.write(tmp_path / "a.data", snapshot, provenance={"long": "x" * 700})
    assert max(len(line) for line in (tmp_path / "a.data").open()) < 256
    atoms = read_lammps_data(tmp_path / "a.data", atom_style="atomic", units="metal")
    np.testing.assert_allclose(atoms.positions, snapshot.positions, rtol=1e-12)
    assert np.array_equal(atoms.numbers - 1, snapshot.species)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n": ("2 atoms", "3 atoms")}, "row of particle 3|ends after"),
        ({"n": ("2 atoms", "two atoms")}, "number of particles"),
        ({"n": ("2 atoms\n", "\n")}, "number of atoms|neither contents"),
        ({"a": ("Atoms #", "Angles #")}, "no section Atoms"),
        ({"t": ("0 0 0 xy", "0.5 0 0 xy")}, "triclinic"),
        ({"t": ("0 0 0 xy xz yz", "1 0 0 avec")}, "triclinic"),
        ({"x": ("-2 2 xlo xhi", "")}, "no line xlo xhi"),
        ({"x": ("-2 2 xlo xhi", "2 -2 xlo xhi")}, "all must be positive"),
        ({"x": ("-2 2 xlo xhi", "-2 two xlo xhi")}, "box along x holds 'two'"),
        ({"s": ("# atomic", "# hybrid sphere")}, "atom style 'hybrid'"),
        ({"s": ("# atomic", "# full")}, "Atoms has 5 columns; atom style full has 7"),
        ({"r": ("2 2 1 2 3", "2 2 1 2")}, "row of particle 2"),
        ({"r": ("2 2 1 2 3", "2 2 1 2 nan")}, "not finite"),
        ({"r": ("2 2 1 2 3", "2 2 1 2 x")}, "coordinate holds 'x'"),
        ({"r": ("2 2 1 2 3", "2 B 1 2 3")}, "the type holds 'B'"),
        ({"r": ("2 2 1 2 3", "2 0 1 2 3")}, "count from 1"),
        ({"r": ("2 2 1 2 3", "1 2 1 2 3")}, "stands twice"),
    ],
)
def test_bad_data_files_are_named(tmp_path, changes, message):
    path = data(tmp_path, **changes)
    with pytest.raises(InputError, match=message) as caught:
        io.read(path)
    assert str(path) in str(caught.value)


def test_columns_without_a_style_are_not_guessed(tmp_path):
    path = data(tmp_path, ROWS["charge"], s=("Atoms # atomic", "Atoms"))
    with pytest.raises(InputError, match="name the style"):
        io.read(path)


DUMP = """ITEM: TIMESTEP
{step}
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS {bounds}
ITEM: ATOMS {columns}
{rows}
"""
BOUNDS = "pp pp pp\n-2 2\n0 5\n0 6"


def frame(columns="id type x y z", rows="2 2 1 2 3\n1 1 -1 1 1", bounds=BOUNDS, step=0) -> str:
    return DUMP.format(columns=columns, rows=rows, bounds=bounds, step=step)


def dump(folder, text: str):
    path = folder / "a.dump"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        ("id type x y z", "2 2 1 2 3\n1 1 -1 1 1"),
        ("id type xs ys zs", "2 2 0.75 0.4 0.5\n1 1 0.25 0.2 0.16666666666666666"),
        ("id type xu yu zu", "2 2 5 2 3\n1 1 -1 -4 13"),
        ("id type xsu ysu zsu", "2 2 1.75 0.4 0.5\n1 1 0.25 -0.8 2.1666666666666665"),
        ("id type x y z ix iy iz", "2 2 1 2 3 1 0 0\n1 1 -1 1 1 0 -1 2"),
        ("type x y z", "1 -1 1 1\n2 1 2 3"),
        ("element z y x", "A 1 1 -1\nB 3 2 1"),
    ],
)
def test_coordinates_of_every_kind(tmp_path, columns, rows):
    path = dump(tmp_path, frame(columns, rows))
    found = io.read(path)
    assert io.detect_format(path) == "lammps_dump"
    assert found.species.tolist() == [0, 1]
    assert found.box.tolist() == [4, 5, 6]
    expected = np.array([[-1, 1, 1], [1, 2, 3]])
    np.testing.assert_allclose(
        gb.Snapshot(expected, [0, 1], found.box).positions % found.box,
        found.positions % found.box,
        atol=1e-12,
    )
    assert not found.fields


def test_further_columns_are_fields(tmp_path):
    rows = "2 2 1 2 3 0.5 7 b\n1 1 -1 1 1 -0.5 8 a"
    found = io.read(dump(tmp_path, frame("id type x y z vx mol tag", rows)))
    assert found.fields["vx"].tolist() == [-0.5, 0.5]
    assert found.fields["mol"].dtype == np.int64
    assert found.fields["tag"].tolist() == ["a", "b"]


def test_elements_are_mapped_by_name(tmp_path):
    path = dump(tmp_path, frame("id type element x y z", "1 1 Ni 0 0 0\n2 2 P 1 1 1"))
    assert io.read(path).species.tolist() == [0, 1]
    assert io.read(path, species={"Ni": 1, "P": 0}).species.tolist() == [1, 0]


def test_dump_frames(tmp_path):
    extra = "ITEM: UNITS\nlj\nITEM: TIME\n0.5\n"
    text = extra + "".join(frame(rows=f"1 1 {k} 0 0\n2 1 {k} 1 1", step=k) for k in (-1, 0, 1))
    path = dump(tmp_path, text)
    assert [io.read(path, frame=k).positions[0, 0] for k in (0, 1, -1)] == [-1, 0, 1]
    with pytest.raises(InputError, match="no frame 3"):
        io.read(path, frame=3)


def test_tilts_of_zero_and_planes_are_read(tmp_path):
    bounds = "xy xz yz pp pp pp\n-2 2 0\n0 5 0\n0 6 0"
    assert io.read(dump(tmp_path, frame(bounds=bounds))).box.tolist() == [4, 5, 6]
    plane = "pp pp ff\n-2 2\n0 5\n-0.5 0.5"
    found = io.read(dump(tmp_path, frame(rows="1 1 0 1 0\n2 2 1 2 0", bounds=plane)))
    assert found.positions.tolist() == [[0, 1], [1, 2]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (frame(bounds="xy xz yz pp pp pp\n-2 2 1\n0 5 0\n0 6 0"), "triclinic"),
        (frame(bounds="abc origin pp pp pp\n4 0 0 0\n0 5 0 0\n0 0 6 0"), "triclinic"),
        (frame(bounds="pp ff pp\n-2 2\n0 5\n0 6"), "not periodic along y"),
        (frame(bounds="pp pp pp\n-2 2 0\n0 5\n0 6"), "2 numbers a line"),
        (frame(bounds="pp pp pp\n-2 x\n0 5\n0 6"), "BOX BOUNDS holds 'x'"),
        (frame("id type x y"), "row of particle"),
        (frame("id type a b c"), "no columns x y z"),
        (frame("id kind x y z"), "neither a column type"),
        (frame("id type x x z"), "stands twice"),
        (frame(rows="1 1 0 0 0\n1 1 1 1 1"), "id stands twice"),
        (frame(rows="1 1 0 0 nan\n2 1 1 1 1"), "not finite"),
        (frame(rows="1 0 0 0 0\n2 1 1 1 1"), "count from 1"),
        (frame(rows="1 1 0 0 0"), "cut off"),
        (frame(rows="1 1 0 0 0\n2 1 1 1 1\n3 1 2 2 2"), "starts with ITEM"),
        (frame()[:40], "cut off|no frame|number of particles"),
        (frame() + frame()[:60], "cut off"),
        ("ITEM: ATOMS id type x y z\n1 1 0 0 0\n", "before NUMBER OF ATOMS"),
        (frame().replace("ATOMS\n2\n", f"ATOMS\n{10**11}\n"), "ends after 2"),
    ],
)
def test_bad_dumps_are_named(tmp_path, text, message):
    path = dump(tmp_path, text)
    with pytest.raises(InputError, match=message) as caught:
        io.read(path)
    assert str(path) in str(caught.value)
