"""What is kept in the user's cache: found again, made anew where damaged, and never in the way."""

import os

import numpy as np
import pytest

from glassbotan.errors import InputError
from glassbotan.io.cache import cache_home, cached_arrays


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSBOTAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "inputs"


class Computation:
    """Counts how often it is asked for."""

    def __init__(self, value=1.5):
        self.times, self.value = 0, value

    def __call__(self):
        self.times += 1
        return {"mean": np.full((3, 2), self.value), "count": 4}


RECORD = {"form": 1, "of": "test", "snapshot": "ab12", "durations": [0.1, 0.2]}


def test_is_computed_once_and_the_same_later(home):
    compute = Computation(1 / 3)
    first, later = cached_arrays(RECORD, compute), cached_arrays(dict(RECORD), compute)
    assert compute.times == 1
    for found in (first, later):
        assert set(found) == {"mean", "count"}
        assert np.array_equal(found["mean"], np.full((3, 2), 1 / 3))
        assert int(found["count"]) == 4
    assert [path.suffix for path in home.iterdir()] == [".npz"]


def test_another_record_is_another_entry(home):
    compute = Computation()
    for record in (RECORD, RECORD | {"form": 2}, RECORD | {"durations": [0.1, 0.3]}):
        cached_arrays(record, compute)
    assert compute.times == 3
    cached_arrays(dict(reversed(RECORD.items())), compute)
    assert compute.times == 3


def test_a_damaged_entry_is_made_anew(home):
    cached_arrays(RECORD, Computation())
    (entry,) = home.iterdir()
    whole = entry.read_bytes()
    middle = whole.index(np.float64(1.5).tobytes())
    # The archive's directory has the number of an entry's compression at byte 10.
    method = whole.index(b"PK\1\2") + 10
    changed = [whole[:k] + b"\x61" + whole[k + 1 :] for k in (middle, method)]
    for damaged in (b"", whole[:100], whole[:-30], *changed):
        entry.write_bytes(damaged)
        compute = Computation(2.5)
        assert cached_arrays(RECORD, compute)["mean"][0, 0] == 2.5
        assert compute.times == 1
        assert cached_arrays(RECORD, compute)["mean"][0, 0] == 2.5
        assert compute.times == 1


def test_an_entry_of_another_record_is_not_believed(home):
    cached_arrays(RECORD, Computation())
    (entry,) = home.iterdir()
    cached_arrays(RECORD | {"form": 2}, Computation(2.5))
    (other,) = set(home.iterdir()) - {entry}
    entry.write_bytes(other.read_bytes())
    assert cached_arrays(RECORD, Computation())["mean"][0, 0] == 1.5


def test_what_cannot_be_kept_is_a_warning(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GLASSBOTAN_CACHE", str(tmp_path / "file"))
    assert cached_arrays(RECORD, Computation())["mean"][0, 0] == 1.5
    assert "not kept for the next run" in caplog.text


def test_no_object_is_unpickled(home):
    cached_arrays(RECORD, Computation())
    (entry,) = home.iterdir()
    with np.load(entry) as stored:
        record = stored["record"]
    np.savez(entry, record=record, mean=np.array([os.system], dtype=object))
    assert cached_arrays(RECORD, Computation())["mean"][0, 0] == 1.5


def test_a_record_is_plain_json(home):
    for record in ({"radius": float("nan")}, {"snapshot": np.zeros(3)}):
        with pytest.raises(InputError, match="plain JSON"):
            cached_arrays(record, Computation())
    assert not home.exists()


def test_home_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv("GLASSBOTAN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_home() == tmp_path / "glassbotan"
