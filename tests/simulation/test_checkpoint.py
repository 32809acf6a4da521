"""Checkpoints are taken up whole or not at all."""

import numpy as np
import pytest

from glassbotan.errors import InputError
from glassbotan.simulation import checkpoint


class Counting:
    """A run whose state is a step and as many numbers as it takes to be damaged within."""

    step = 0

    def state(self):
        return {"step": np.array(self.step), "numbers": np.arange(1000.0) + self.step}

    def restore(self, state):
        if not np.array_equal(state["numbers"], np.arange(1000.0) + state["step"]):
            raise InputError("the checkpoint is of another run")
        self.step = int(state["step"])


@pytest.fixture
def saved(tmp_path):
    run = Counting()
    run.step = 7
    path = tmp_path / "checkpoint.npz"
    checkpoint.save(path, run.state(), "key")
    return path


def resumed(path, key="key"):
    run = Counting()
    return checkpoint.take_up(run.restore, checkpoint.read(path, key), path), run.step


def test_a_run_goes_on_from_its_own_checkpoint(saved, tmp_path):
    assert resumed(saved) == (True, 7)
    assert resumed(saved, "another") == (False, 0)
    assert resumed(tmp_path / "none.npz") == (False, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.npz"]


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:100],
        lambda content: content[:-100],
        lambda content: b"PK nonsense",
        lambda content: bytes(range(256)) * 10,
        lambda content: content.replace(b"(1000,)", b"(9e18,)"),
        lambda content: content.replace(b"(1000,), }" + 12 * b" ", b"(1000000000000000,), }"),
        flipped,
    ],
)
def test_a_damaged_one_is_left_with_a_warning_of_one_line(saved, damage, caplog):
    saved.write_bytes(damage(saved.read_bytes()))
    assert resumed(saved) == (False, 0)
    (record,) = caplog.records
    assert record.getMessage() == (
        f"{saved}: not taken up (it is damaged); its trajectories start anew"
    )


def test_a_state_that_the_run_refuses_is_told(saved, caplog):
    checkpoint.save(saved, {"step": np.array(3), "numbers": np.zeros(1000)}, "key")
    assert resumed(saved) == (False, 0)
    assert "(the checkpoint is of another run)" in caplog.text


def test_objects_are_never_loaded(saved, caplog):
    np.savez(saved, key=np.array("key"), **{"state:step": np.array([object()])})
    assert resumed(saved) == (False, 0)
    assert "it is damaged" in caplog.text
