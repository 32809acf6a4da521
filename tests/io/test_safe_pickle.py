"""A pickle may bring data, and may do nothing."""

import gzip
import os
import pickle
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from snapshot_strategies import complaint, harmless

from glassbotan.errors import InputError
from glassbotan.io.safe_pickle import load_plain_pickle


class Call:
    """Pickled, it is a call of a function."""

    def __init__(self, function, *arguments) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return (self.function, self.arguments)


def saved(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("protocol", range(6))
def test_plain_data_and_arrays_are_read_from_every_protocol(tmp_path, protocol):
    data = {
        "f": np.arange(6.0).reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "i": np.arange(3, dtype=np.int32),
        "big": np.arange(3, dtype=">f8"),
        "b": np.array([True, False]),
        "list": [1, 2.5, None, "text", b"bytes", True, -(2**70)],
        "scalar": np.float64(3.5),
        "none": np.zeros((0, 3)),
    }
    path = saved(tmp_path / "a.pickle", pickle.dumps(data, protocol=protocol))
    found = load_plain_pickle(path)
    assert list(found) == list(data)
    for name in ("f", "fortran", "i", "big", "b", "none"):
        assert np.array_equal(found[name], data[name])
        assert found[name].shape == data[name].shape
    assert found["list"] == data["list"]
    assert found["scalar"] == 3.5


def test_gzip_is_opened_within_limits(tmp_path):
    plain = pickle.dumps(list(range(1000)), protocol=2)
    assert load_plain_pickle(saved(tmp_path / "a", gzip.compress(plain))) == list(range(1000))
    bomb = gzip.compress(pickle.dumps(b"\0" * 10**7, protocol=3))
    with pytest.raises(InputError, match="unpacks to more than"):
        load_plain_pickle(saved(tmp_path / "b", bomb))
    with pytest.raises(InputError, match="cut off or damaged"):
        load_plain_pickle(saved(tmp_path / "c", gzip.compress(plain)[:-20]))


@pytest.mark.parametrize(
    "forbidden",
    [
        (os.system, "touch MARK"),
        (eval, "__import__('pathlib').Path('MARK').touch()"),
        (exec, "open('MARK', 'w')"),
        (subprocess.call, ["touch", "MARK"]),
        (Path.touch, Path("MARK")),
        (getattr, Path("MARK"), "touch"),
        (np.fromfile, "/etc/hostname", np.uint8),
        (np.zeros, (10, 10)),
    ],
    ids=lambda call: getattr(call[0], "__name__", "call"),
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_forbidden_names_are_told_and_have_no_effect(tmp_path, monkeypatch, forbidden, protocol):
    monkeypatch.chdir(tmp_path)
    data = pickle.dumps({"positions": Call(*forbidden)}, protocol=protocol)
    with pytest.raises(InputError, match=r"the pickle names .*(system|eval|exec|call|Path|attr|f)"):
        load_plain_pickle(saved(tmp_path / "a.pickle", data))
    assert not (tmp_path / "MARK").exists()


RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"
NDARRAY, DTYPE = b"cnumpy\nndarray\n", b"cnumpy\ndtype\n"
LARGE = b"(J\xff\xff\xff\x7fJ\xff\xff\xff\x7ft"


@pytest.mark.parametrize(
    "program",
    [
        NDARRAY + LARGE + b"\x85R.",
        NDARRAY + LARGE + b"\x85\x81.",
        RECONSTRUCT + b"(" + NDARRAY + LARGE + b"C\x01btR.",
        RECONSTRUCT + b"(" + NDARRAY + b"K\x00\x85C\x01btR(K\x01" + LARGE + DTYPE
        + b"(U\x02f8K\x00K\x01tRI00\nU\x00tb.",
        DTYPE + b"(U\x02O8K\x00K\x01tR.",
        DTYPE + b"(U\x0aV999999999K\x00K\x01tR.",
        DTYPE + b"(U\x02f8K\x00K\x01tR.",
        DTYPE + b"(U\x02f8K\x00K\x01tR(K\x03U\x01<(U\x01atNNK\x00K\x00K\x00tb.",
        RECONSTRUCT + b"}b.",
        RECONSTRUCT + b"(}}U\x08__code__K\x01stb.",
        RECONSTRUCT + b".",
        RECONSTRUCT + b"(" + NDARRAY + b"K\x00\x85C\x01btR.",
        b"cnumpy.core.multiarray\nscalar\n(K\x01U\x01atR.",
        b"c_codecs\nencode\n(U\x01aU\x03hextR.",
        b"r\xff\xff\xff\xff.",
        b"Nr\xff\xff\xff\x7f.",
        b"Np999999999999\n.",
        b"Pobject\n.",
        b"U\x01aQ.",
        b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"a.",
        b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N.",
        b"\x82\x01.",
        b"(K\x01K\x02\x8f\x90.",
        b"]2a.",
        b"]q\x00h\x00a.",
        b"",
        b".",
        b"garbage",
    ],
)  # fmt: skip
def test_hostile_programs_are_input_errors(tmp_path, program):
    path = saved(tmp_path / "a.pickle", program)
    with pytest.raises(InputError) as caught:
        load_plain_pickle(path)
    assert "\n" not in str(caught.value)


def test_references_cannot_unfold_a_small_file(tmp_path):
    level: object = [0] * 50
    for _ in range(8):
        level = [level] * 50
    with pytest.raises(InputError, match="unfold to more"):
        load_plain_pickle(saved(tmp_path / "a", pickle.dumps(level)))
    array = np.zeros(10_000)
    with pytest.raises(InputError, match="unfold to more"):
        load_plain_pickle(saved(tmp_path / "b", pickle.dumps([array] * 1000, protocol=2)))


def test_the_readers_functions_cannot_be_changed_by_a_file(tmp_path):
    program = RECONSTRUCT + b"(N}U\x09_functionNsb."
    with pytest.raises(InputError):
        load_plain_pickle(saved(tmp_path / "a", program))
    sound = pickle.dumps(np.arange(3), protocol=2)
    assert np.array_equal(load_plain_pickle(saved(tmp_path / "b", sound)), np.arange(3))


SOUND = pickle.dumps({"positions": np.arange(6.0).reshape(2, 3), "time": [0.0, 1.0]}, protocol=2)


@settings(harmless, max_examples=400)
@given(data=st.data())
def test_damage_is_an_input_error_or_harmless(tmp_path, data):
    broken = bytearray(SOUND)
    for _ in range(data.draw(st.integers(1, 3))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    del broken[data.draw(st.integers(len(broken) // 2, len(broken))) :]
    message = complaint(lambda: load_plain_pickle(saved(tmp_path / "a", bytes(broken))))
    assert message is None or str(tmp_path) in message
