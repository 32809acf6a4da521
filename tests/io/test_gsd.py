"""GSD as HOOMD-blue and freud users have it."""

import gsd.fl
import gsd.hoomd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from snapshot_strategies import complaint, harmless

import glassbotan as gb
from conftest import random_snapshot
from glassbotan import io
from glassbotan.errors import InputError


def frame(**particles: object) -> gsd.hoomd.Frame:
    made = gsd.hoomd.Frame()
    made.configuration.box = [4, 5, 6, 0, 0, 0]
    made.particles.N = 2
    made.particles.position = [[-1, 1, 1], [1, 2, -2]]
    made.particles.types = ["A", "B"]
    made.particles.typeid = [1, 0]
    for name, value in particles.items():
        setattr(made.particles, name, value)
    return made


def saved(folder, *frames: gsd.hoomd.Frame):
    with gsd.hoomd.open(name=str(folder / "a.gsd"), mode="w") as out:
        out.extend(frames)
    return folder / "a.gsd"


def test_frames_of_hoomd_are_read(tmp_path):
    later = frame(position=[[0, 0, 0], [1, 1, 1]])
    path = saved(tmp_path, frame(), later)
    assert io.detect_format(path) == "gsd"
    assert io.read(path, frame=0).positions[0].tolist() == [-1, 1, 1]
    last = io.read(path)
    # Types and box stand in the first frame alone.
    assert last.positions.tolist() == [[0, 0, 0], [1, 1, 1]]
    assert last.species.tolist() == [1, 0]
    assert last.box.tolist() == [4, 5, 6]
    with pytest.raises(InputError, match="has 2 frames, and so no frame 2"):
        io.read(path, frame=2)


def test_defaults_that_hoomd_leaves_out(tmp_path):
    path = saved(tmp_path, frame(types=["A"], typeid=[0, 0]))
    assert io.read(path).species.tolist() == [0, 0]


def test_planes(tmp_path):
    flat = frame(position=[[-1, 1, 0], [1, 2, 0]])
    flat.configuration.box = [4, 5, 0, 0, 0, 0]
    flat.configuration.dimensions = 2
    assert io.read(saved(tmp_path, flat)).positions.tolist() == [[-1, 1], [1, 2]]


def test_named_types_are_mapped(tmp_path):
    path = saved(tmp_path, frame(types=["Ni", "P", "unused"]))
    with pytest.raises(InputError, match="Ni, P"):
        io.read(path)
    assert io.read(path, species={"Ni": 0, "P": 1}).species.tolist() == [1, 0]


def test_written_files_are_valid_for_hoomd(tmp_path):
    base = random_snapshot(30)
    fields = {"propensity": np.arange(30.0), "inherent": base.positions + 0.1}
    # Particles at the upper edge and far outside must come into [-L/2, L/2).
    positions = base.positions + base.box * np.arange(-3, 3).repeat(5)[:, None]
    positions[0] = base.box / 2
    snapshot = gb.Snapshot(positions, base.species, base.box, fields, temperature=0.44)
    io.write(tmp_path / "a.gsd", snapshot, provenance={"model": "botan"})
    with gsd.hoomd.open(name=str(tmp_path / "a.gsd"), mode="r") as trajectory:
        stored = trajectory[0]
    stored.validate()
    half = np.asarray(stored.configuration.box[:3]) / 2
    assert np.all(stored.particles.position >= -half)
    assert np.all(stored.particles.position < half)
    assert np.array_equal(stored.log["particles/propensity"], fields["propensity"])
    assert stored.particles.types == ["A", "B"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"position": [[0, 0, np.nan], [1, 1, 1]]}, "not finite"),
        ({"typeid": [5, 0]}, "particles/typeid"),
    ],
)
def test_bad_particles_are_named(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        io.read(saved(tmp_path, frame(**change)))


def test_tilted_boxes_are_refused(tmp_path):
    tilted = frame()
    tilted.configuration.box = [4, 5, 6, 0.5, 0, 0]
    with pytest.raises(InputError, match="triclinic"):
        io.read(saved(tmp_path, tilted))


def test_files_of_another_schema_or_without_particles_are_refused(tmp_path):
    path = tmp_path / "a.gsd"
    with gsd.fl.open(str(path), "w", application="x", schema="x", schema_version=(1, 0)) as out:
        out.write_chunk("particles/N", np.array([2**32 - 1], dtype=np.uint32))
        out.end_frame()
    with pytest.raises(InputError, match="expected those of hoomd"):
        io.read(path)
    with gsd.fl.open(str(path), "w", application="x", schema="hoomd", schema_version=(1, 4)) as out:
        out.write_chunk("particles/N", np.array([2**32 - 1], dtype=np.uint32))
        out.end_frame()
    # The count alone must not make the reader fill in billions of particles.
    with pytest.raises(InputError, match="no particles/position"):
        io.read(path)


@pytest.mark.parametrize("values", [[], [np.nan], [-1.0]])
def test_what_is_no_temperature_is_refused(tmp_path, values):
    odd = frame()
    odd.log["glassbotan/temperature"] = np.array(values)
    with pytest.raises(InputError, match=r"temperature|damaged"):
        io.read(saved(tmp_path, odd))


def test_texts_are_refused_on_writing(tmp_path):
    base = random_snapshot(3)
    snapshot = gb.Snapshot(base.positions, base.species, base.box, {"tag": np.array(list("abc"))})
    with pytest.raises(InputError, match="GSD holds no texts"):
        io.write(tmp_path / "a.gsd", snapshot)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    return saved(tmp_path_factory.mktemp("gsd"), frame()).read_bytes()


def test_a_species_far_off_is_refused(tmp_path):
    base = random_snapshot(3)
    with pytest.raises(InputError, match="a species is 1000000000"):
        io.write(tmp_path / "a.gsd", gb.Snapshot(base.positions, [0, 1, 10**9], base.box))


@harmless
@given(data=st.data())
def test_cut_files_are_input_errors(tmp_path, whole, data):
    path = tmp_path / "cut.gsd"
    path.write_bytes(whole[: data.draw(st.integers(1, len(whole) - 1))])
    message = complaint(lambda: io.read(path))
    assert message is None or str(path) in message
