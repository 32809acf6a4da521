"""Archives are not believed: sizes, types and checksums are looked at first."""

import io as bytes_io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from snapshot_strategies import complaint, harmless

from glassbotan import io
from glassbotan.errors import InputError
from glassbotan.io.npz import member_names, read_members


class Touch:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in members.items():
            out.writestr(f"{name}.npy", data)
    return path


def npy(header: str, data: bytes = b"") -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


@pytest.mark.parametrize(
    "values",
    [
        np.arange(6, dtype=np.int8).reshape(2, 3),
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.arange(4, dtype=">f4"),
        np.array(7.5),
        np.array("text"),
        np.zeros((2, 0)),
        np.array([True, False]),
    ],
)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_it_reads_what_numpy_writes(tmp_path, values, save):
    save(tmp_path / "a.npz", x=values)
    found = read_members(tmp_path / "a.npz", ["x"])["x"]
    assert np.array_equal(found, values)
    assert found.shape == values.shape
    assert member_names(tmp_path / "a.npz") == ["x"]


def test_pickled_objects_are_refused_and_not_run(tmp_path):
    mark = tmp_path / "mark"
    np.savez(tmp_path / "a.npz", x=np.array([Touch(mark)], dtype=object))
    with pytest.raises(InputError, match=r"array 'x' holds pickled Python objects"):
        read_members(tmp_path / "a.npz", ["x"])
    assert not mark.exists()


def test_records_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros(3, dtype=[("a", float)]))
    with pytest.raises(InputError, match="'x' holds records"):
        read_members(tmp_path / "a.npz", ["x"])


def test_a_missing_array_is_named(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    with pytest.raises(InputError, match=r"a\.npz: has no array 'types'; it holds x"):
        read_members(tmp_path / "a.npz", ["types"])


@pytest.mark.parametrize("shape", ["(100000000000, 3)", "(2,)", "(10000000000000000000000,)"])
def test_a_declared_shape_that_the_data_do_not_fill_is_refused(tmp_path, shape):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    path = archive(tmp_path / "a.npz", {"x": npy(header, b"\0" * 24)})
    with pytest.raises(InputError, match=r"array 'x' declares shape"):
        read_members(path, ["x"])


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
        "{'descr': __import__('os'), 'fortran_order': False, 'shape': (3,), }",
        "{'descr': '<i3', 'fortran_order': False, 'shape': (3,), }",
        "{'descr': '(2,)<f8', 'fortran_order': False, 'shape': (3,), }",
        "{'descr': [('a', [('b', '<f8')] * 3)], 'fortran_order': False, 'shape': (1,), }",
        "((((((((((((((((((((((((((((",
        "",
    ],
)
def test_headers_of_another_form_are_refused(tmp_path, header):
    path = archive(tmp_path / "a.npz", {"x": npy(header, b"\0" * 24)})
    with pytest.raises(InputError, match="'x'"):
        read_members(path, ["x"])


def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path):
    n = 100 * 2**20
    header = f"{{'descr': '|i1', 'fortran_order': False, 'shape': ({n},), }}"
    path = archive(tmp_path / "a.npz", {"x": npy(header) + b"\0" * n})
    assert path.stat().st_size < n / 500
    with pytest.raises(InputError, match="would unpack to"):
        read_members(path, ["x"])


def test_a_lie_about_the_unpacked_size_is_found(tmp_path):
    buffer = bytes_io.BytesIO()
    np.savez(buffer, x=np.zeros(1000))
    data = bytearray(buffer.getvalue())
    # The central directory's uncompressed size, 24 bytes into its entry.
    entry = data.index(b"PK\x01\x02") + 24
    data[entry : entry + 4] = (2**31).to_bytes(4, "little")
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(InputError):
        read_members(tmp_path / "a.npz", ["x"])


@pytest.fixture(scope="module")
def sound() -> bytes:
    buffer = bytes_io.BytesIO()
    generator = np.random.default_rng(0)
    np.savez_compressed(
        buffer,
        types=generator.integers(0, 2, 30).astype(np.int8),
        initial_positions=generator.uniform(0, 5, (30, 3)),
        positions=generator.uniform(0, 5, (2, 30, 3)),
    )
    return buffer.getvalue()


@harmless
@given(data=st.data())
def test_cut_and_damaged_archives_are_input_errors_or_whole(tmp_path, sound, data):
    broken = bytearray(sound)
    if data.draw(st.booleans()):
        del broken[data.draw(st.integers(1, len(broken) - 1)) :]
    else:
        for _ in range(data.draw(st.integers(1, 4))):
            broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "T0.44_tc07.npz"
    path.write_bytes(broken)
    message = complaint(lambda: io.read_ensemble(path, box=5.0))
    assert message is None or (str(path) in message and "\n" not in message)
