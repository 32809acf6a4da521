"""Which format a file has, and what cannot be done with it."""

import sys
from pathlib import Path
from subprocess import run

import numpy as np
import plain_xyz
import pytest
from hypothesis import given
from hypothesis import strategies as st
from snapshot_strategies import complaint, harmless

from conftest import random_snapshot
from glassbotan import io
from glassbotan.dynamics import Motion
from glassbotan.errors import InputError
from glassbotan.io.species import parse_species
from glassbotan.structure import Snapshot


def assert_one_line(message: str | None, path: Path) -> None:
    assert message is None or (str(path) in message and "\n" not in message)


SNAPSHOT = random_snapshot(5)
MOTION = Motion(SNAPSHOT, np.array([1.0]), {"propensity": np.ones((1, 5))})


@pytest.mark.parametrize("name", io.FORMATS)
def test_missing_empty_and_foreign_files_are_input_errors(tmp_path, name):
    suffix = io.FORMATS[name].suffixes[0]
    path = tmp_path / f"a{suffix}"
    for reader in (io.read, io.detect_format, io.read_motion, io.read_ensemble):
        with pytest.raises(InputError, match="no such file"):
            reader(path)
        with pytest.raises(InputError, match="is not a file"):
            reader(tmp_path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="is empty"):
        io.read(path)
    for content in (b"\x00\xff\xfe binary \x89" * 50, b"# a table\nof,words\n", b"PK\x03\x04cut"):
        path.write_bytes(content)
        for format_name in (None, name):
            with pytest.raises(InputError) as caught:
                io.read(path, format=format_name)
            assert str(path) in str(caught.value)
            assert "\n" not in str(caught.value)


@harmless
@given(
    name=st.sampled_from([n for n, f in io.FORMATS.items() if f.read]),
    content=st.binary(min_size=1, max_size=60) | st.text(min_size=1, max_size=80).map(str.encode),
)
def test_any_bytes_read_as_any_format_are_input_errors(tmp_path, name, content):
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(InputError):
        io.read(path, format=name)
    with pytest.raises(InputError):
        io.read(path)


@pytest.mark.parametrize("name", ["extxyz", "lammps_data", "lammps_dump"])
@harmless
@given(data=st.data())
def test_damaged_text_is_an_input_error_or_harmless(tmp_path, name, data):
    path = tmp_path / f"a{io.FORMATS[name].suffixes[0]}"
    io.write(path, SNAPSHOT)
    text = path.read_text()
    start = data.draw(st.integers(0, len(text) - 1))
    stop = data.draw(st.integers(start, min(len(text), start + 20)))
    path.write_text(text[:start] + data.draw(st.text(max_size=5)) + text[stop:], encoding="utf-8")
    assert_one_line(complaint(lambda: io.read(path)), path)


def test_content_counts_more_than_the_suffix(tmp_path):
    io.write(tmp_path / "a.xyz", SNAPSHOT)
    (tmp_path / "a.xyz").rename(tmp_path / "a.data")
    assert io.detect_format(tmp_path / "a.data") == "extxyz"
    assert io.read(tmp_path / "a.data").n_particles == 5


def test_what_a_format_lacks_is_told_with_those_that_have_it(tmp_path):
    path = tmp_path / "a.xyz"
    io.write(path, SNAPSHOT)
    with pytest.raises(InputError, match="holds no trajectories; botan_npz and node_only_pickle"):
        io.read_ensemble(path)
    with pytest.raises(InputError, match="holds no propensity; motion_npz and glassbench_npz"):
        io.read_motion(path)
    with pytest.raises(InputError, match="no format 'pdb'; there are botan_npz"):
        io.read(path, format="pdb")
    io.write(tmp_path / "a.csv", MOTION)
    with pytest.raises(InputError, match="written only"):
        io.read(tmp_path / "a.csv", format="motion_csv")
    with pytest.raises(InputError, match="written only|neither contents nor suffix"):
        io.read(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("a.npz", SNAPSHOT),
        ("a.csv", SNAPSHOT),
        ("a.data", MOTION),
        ("a", MOTION),
        ("a.xyz.gz", MOTION),
    ],
)
def test_items_that_the_suffix_cannot_hold_are_refused(tmp_path, name, item):
    with pytest.raises(InputError, match="is not written in that format; choose extxyz"):
        io.write(tmp_path / name, item)
    assert not list(tmp_path.iterdir())


def test_a_format_by_name_overrides_the_suffix(tmp_path):
    io.write(tmp_path / "a.txt", SNAPSHOT, format="lammps_data")
    assert io.detect_format(tmp_path / "a.txt") == "lammps_data"
    with pytest.raises(InputError, match="a motion is not written"):
        io.write(tmp_path / "a.txt", MOTION, format="lammps_data")


def test_one_frame_has_no_second(tmp_path):
    io.write(tmp_path / "a.data", SNAPSHOT)
    assert io.read(tmp_path / "a.data", frame=0).n_particles == 5
    with pytest.raises(InputError, match="holds one frame"):
        io.read(tmp_path / "a.data", frame=1)


@pytest.mark.parametrize("box", ["wide", [1, "x"], [0, 1, 1], [-1], [1, 1, 1, 1], np.nan, [[1]]])
def test_bad_boxes_are_refused(tmp_path, box):
    io.write(tmp_path / "a.xyz", SNAPSHOT)
    if box == [[1]]:
        box = [[1, 1, 1]]
    with pytest.raises(InputError, match="box"):
        io.read(tmp_path / "a.xyz", box=box)


def test_species_options():
    assert parse_species("Ni:0, P:1") == {"Ni": 0, "P": 1}
    assert parse_species("1:B,2:A") == {"1": 1, "2": 0}
    for bad in ("", "Ni", "Ni:", ":0", "Ni:x", "Ni:-1", "Ni:0,Ni:1", "Ni:0,,"):
        with pytest.raises(InputError, match="expected each symbol once"):
            parse_species(bad)


def test_a_format_from_outside_is_a_file_and_a_line(tmp_path, monkeypatch):
    entry = io.Format(
        (".plain",),
        read={Snapshot: plain_xyz.read},
        recognise=lambda start: plain_xyz.is_header(start.lines),
    )
    monkeypatch.setitem(io.FORMATS, "plain_xyz", entry)
    rows = [
        f"{'AB'[s]} {x!r} {y!r} {z!r}"
        for s, (x, y, z) in zip(SNAPSHOT.species, SNAPSHOT.positions.tolist(), strict=True)
    ]
    edges = " ".join(map(repr, SNAPSHOT.box.tolist()))
    (tmp_path / "a").write_text("\n".join(["5", edges, *rows]) + "\n")
    assert io.detect_format(tmp_path / "a") == "plain_xyz"
    found = io.read(tmp_path / "a")
    assert np.array_equal(found.positions, SNAPSHOT.positions)
    assert np.array_equal(found.species, SNAPSHOT.species)
    with pytest.raises(InputError, match="holds one frame"):
        io.read(tmp_path / "a", frame=1)
    with pytest.raises(InputError, match="a snapshot is not written in that format"):
        io.write(tmp_path / "b.plain", SNAPSHOT)


def test_importing_is_light():
    code = "import sys, glassbotan.io; print(*{'torch', 'ase', 'gsd', 'scipy'} & set(sys.modules))"
    found = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""
