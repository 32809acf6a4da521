"""Extended XYZ as ASE, OVITO and people write it."""

import ase
import ase.io
import numpy as np
import pytest

import glassbotan as gb
from conftest import random_snapshot
from glassbotan import io
from glassbotan.errors import InputError
from glassbotan.io.extxyz import _info

HEAD = 'Lattice="4 0 0 0 5 0 0 0 6" Properties=species:S:1:pos:R:3 pbc="T T T"'
BODY = "A 0.5 1 1.5\nB 2 3 4\n"


def saved(folder, text: str):
    path = folder / "a.xyz"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_ase_writes_is_read(tmp_path):
    generator = np.random.default_rng(0)
    atoms = ase.Atoms("Ni3P", positions=generator.uniform(0, 3, (4, 3)), cell=[3, 4, 5], pbc=True)
    atoms.new_array("stress", generator.normal(size=(4, 2)))
    atoms.new_array("frozen", np.array([True, False, True, False]))
    atoms.set_initial_charges([1, 2, 3, 4])
    atoms.info.update(temperature=0.44, note='a "quoted" = b', record={"a": [1, 2]})
    path = tmp_path / "a.xyz"
    ase.io.write(path, [atoms, atoms], format="extxyz")
    found = io.read(path, species={"Ni": 0, "P": 1})
    assert found.species.tolist() == [0, 0, 0, 1]
    assert found.box.tolist() == [3, 4, 5]
    assert found.temperature == 0.44
    np.testing.assert_allclose(found.positions, atoms.positions, atol=1e-8)
    np.testing.assert_allclose(found.fields["stress"], atoms.arrays["stress"], atol=1e-8)
    assert found.fields["frozen"].tolist() == [True, False, True, False]
    assert io.read(path, species="Ni:0,P:1", frame=0).n_particles == 4


def test_ase_reads_what_is_written(tmp_path):
    snapshot = gb.Snapshot(
        np.random.default_rng(0).uniform(0, 3, (3, 3)),
        np.array([1, 1, 1]),
        np.array([3.0, 4.0, 5.0]),
        {"displacement": np.arange(6.0).reshape(3, 2)},
        temperature=0.44,
    )
    io.write(tmp_path / "a.xyz", snapshot, provenance={"model": 'quote " and \\', "n": [1]})
    # The species letter B happens to be an element.
    atoms = ase.io.read(tmp_path / "a.xyz", format="extxyz")
    assert np.array_equal(atoms.positions, snapshot.positions)
    assert atoms.cell.lengths().tolist() == [3, 4, 5]
    assert atoms.pbc.all()
    assert atoms.info["temperature"] == 0.44
    assert np.array_equal(atoms.arrays["displacement"], snapshot.fields["displacement"])
    comment = (tmp_path / "a.xyz").read_text().splitlines()[1]
    assert _info(comment)["provenance"] == '{"model": "quote \\" and \\\\", "n": [1]}'


def test_what_ovito_writes_is_read(tmp_path):
    text = (
        '2\nLattice="4.0 0.0 0.0 0.0 5.0 0.0 0.0 0.0 6.0" Origin="-2 -2.5 -3" pbc="T T T" '
        "Properties=species:S:1:pos:R:3:Particle_Identifier:I:1 Timestep=100\n"
        "1 0.5 1 1.5 1\n2 -1 2 -2.5 2\n"
    )
    found = io.read(saved(tmp_path, text))
    assert found.species.tolist() == [0, 1]
    assert found.fields["Particle_Identifier"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("symbols", "expected"),
    [(["A", "C"], [0, 2]), (["0", "1"], [0, 1]), (["1", "3"], [0, 2]), (["B", "B"], [1, 1])],
)
def test_letters_and_numbers_are_species(tmp_path, symbols, expected):
    text = f"2\n{HEAD}\n{symbols[0]} 0 0 0\n{symbols[1]} 1 1 1\n"
    assert io.read(saved(tmp_path, text)).species.tolist() == expected


@pytest.mark.parametrize("symbols", [("Ni", "P"), ("C", "O"), ("A", "1"), ("a", "b")])
def test_other_symbols_need_a_mapping(tmp_path, symbols):
    path = saved(tmp_path, f"2\n{HEAD}\n{symbols[0]} 0 0 0\n{symbols[1]} 1 1 1\n")
    with pytest.raises(InputError, match=r"say which is which with species, such as"):
        io.read(path)
    assert io.read(path, species=dict(zip(symbols, [1, 0], strict=True))).species.tolist() == [1, 0]
    with pytest.raises(InputError, match="not for"):
        io.read(path, species={symbols[0]: 0})


@pytest.mark.parametrize(
    "head",
    [
        'Lattice="4 0 0 0 5 0 0 0 1" Properties=species:S:1:pos:R:3 pbc="T T F"',
        'Lattice="4 0 0 0 5 0 0 0 1" Properties=species:S:1:pos:R:3 dimensions=2',
        'Lattice="4 0 0 0 5 0 0 0 0" Properties=species:S:1:pos:R:3 pbc="T T T"',
        'Lattice="4 0 0 0 5 0 0 0 0" pbc="1 1 0"',
    ],
)
def test_planes_are_told_in_several_ways(tmp_path, head):
    path = saved(tmp_path, f"2\n{head}\nA 0 1 2\nB 3 4 2\n")
    found = io.read(path)
    assert found.positions.tolist() == [[0, 1], [3, 4]]
    assert found.box.tolist() == [4, 5]
    with pytest.raises(InputError, match="not periodic, but differs"):
        io.read(saved(tmp_path, f"2\n{head}\nA 0 1 2\nB 3 4 2.5\n"))


def test_two_columns_of_positions_are_a_plane(tmp_path):
    head = HEAD.replace("pos:R:3", "pos:R:2")
    assert io.read(saved(tmp_path, f"1\n{head}\nA 1 2\n")).positions.tolist() == [[1, 2]]


def test_the_box_can_be_given(tmp_path):
    path = saved(tmp_path, f"2\nProperties=species:S:1:pos:R:3\n{BODY}")
    with pytest.raises(InputError, match="has no Lattice"):
        io.read(path)
    assert io.read(path, box=9).box.tolist() == [9, 9, 9]
    assert io.read(saved(tmp_path, f"2\n{HEAD}\n{BODY}"), box=[7, 8, 9]).box.tolist() == [7, 8, 9]


def test_frames_count_from_both_ends(tmp_path):
    frames = [f"1\n{HEAD}\nA {k} 0 0\n" for k in range(4)]
    path = saved(tmp_path, "".join(frames) + "\n\n")
    found = [io.read(path, frame=k).positions[0, 0] for k in (0, 2, 3, -1, -4)]
    assert found == [0, 2, 3, 3, 0]
    for frame in (4, -5):
        with pytest.raises(InputError, match=f"has no frame {frame}"):
            io.read(path, frame=frame)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"3\n{HEAD}\n{BODY}", "ends after 2 of 3"),
        (f"9999999999\n{HEAD}\n{BODY}", "ends after 2 of 9999999999"),
        (f"0\n{HEAD}\n", "number of particles"),
        (f"1\n{HEAD}\n{BODY}", "number of particles is 'B 2 3 4'"),
        (f"2\n{HEAD}\nA 0 0\nB 1 1 1\n", "row of particle 1 has 3 columns"),
        (f"2\n{HEAD}\nA 0 0 zero\nB 1 1 1\n", "pos holds 'zero'"),
        (f"2\n{HEAD}\nA 0 0 nan\nB 1 1 1\n", "not finite"),
        (f"2\n{HEAD}\nA 0 0 inf\nB 1 1 1\n", "not finite"),
        (f"2\n{HEAD.replace('4 0 0', '4 1 0')}\n{BODY}", "triclinic"),
        (f"2\n{HEAD.replace('4 0 0', '-4 0 0')}\n{BODY}", "all must be positive"),
        (f"2\n{HEAD.replace('4 0 0', '4 0')}\n{BODY}", "Lattice has 8 numbers"),
        (f"2\n{HEAD.replace('4 0 0', '4 0 x')}\n{BODY}", "Lattice holds 'x'"),
        (f"2\n{HEAD.replace('T T T', 'T F T')}\n{BODY}", "not periodic along y"),
        (f"2\n{HEAD.replace('T T T', 'F F F')}\n{BODY}", "not periodic"),
        (f"2\n{HEAD.replace('T T T', 'yes')}\n{BODY}", "pbc="),
        (f"2\n{HEAD} dimensions=4\n{BODY}", "dimensions="),
        (f"2\n{HEAD.replace(':pos:R:3', ':pos:R')}\n{BODY}", "triples"),
        (f"2\n{HEAD.replace(':pos:R:3', ':pos:Q:3')}\n{BODY}", "no column"),
        (f"2\n{HEAD.replace(':pos:R:3', ':place:R:3')}\n{BODY}", "no column pos"),
        (f"2\n{HEAD.replace('species:S', 'name:S')}\n{BODY}", "no column species"),
        (f"1\n{HEAD.replace('R:3', 'R:3:n:I:1')}\nA 0 0 0 1.5\n", "n holds '1.5'"),
        (f"1\n{HEAD.replace('R:3', 'R:3:n:I:1')}\nA 0 0 0 {10**30}\n", "n holds '1000"),
        (f"1\n{HEAD.replace('R:3', 'R:3:n:L:1')}\nA 0 0 0 maybe\n", "n holds 'maybe'"),
    ],
)
def test_bad_files_are_named(tmp_path, text, message):
    path = saved(tmp_path, text)
    with pytest.raises(InputError, match=message) as caught:
        io.read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("two words", np.zeros(5)),
        ("a:b", np.zeros(5)),
        ("pos", np.zeros(5)),
        ("cube", np.zeros((5, 2, 2))),
        ("texts", np.array(["a b"] * 5)),
        ("objects", np.array([None] * 5)),
    ],
)
def test_fields_that_no_column_can_hold_are_refused(tmp_path, name, values):
    base = random_snapshot(5)
    snapshot = gb.Snapshot(base.positions, base.species, base.box, {name: values})
    with pytest.raises(InputError, match=name):
        io.write(tmp_path / "a.xyz", snapshot)
    assert not list(tmp_path.iterdir())
