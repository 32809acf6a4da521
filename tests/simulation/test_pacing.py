"""Slices between which progress is told, checkpoints are written and runs stop."""

import pytest

from glassbotan.errors import RunError
from glassbotan.simulation import pacing
from glassbotan.simulation.pacing import BlownUpError, Pacer, StoppedError


class Counting:
    """A run that takes its time, by a clock of its own."""

    step = 0
    seconds = 0.0

    def advance(self, steps):
        self.step += steps
        self.seconds += 0.01 * steps


@pytest.fixture
def run(monkeypatch):
    counting = Counting()
    for clock in ("monotonic", "perf_counter"):
        monkeypatch.setattr(pacing.time, clock, lambda: counting.seconds)
    return counting


def test_slices_grow_to_half_a_second_and_end_at_the_step(run):
    at = []
    Pacer(stop=lambda: at.append(run.step)).advance(run, 190)
    assert at == [20, 70, 120, 170, 190]


def test_what_is_reached_comes_before_the_checkpoint_of_it(run):
    told = []
    pacer = Pacer(stop=lambda: run.step >= 70, save=lambda: told.append(f"saved {run.step}"))
    pacer.advance(run, 30, reached=lambda: told.append(f"reached {run.step}"))
    with pytest.raises(StoppedError):
        pacer.advance(run, 70, reached=lambda: told.append(f"reached {run.step}"))
    assert told == ["reached 30", "reached 70", "saved 70"]


def test_checkpoints_and_progress_have_their_intervals(run):
    told, saved = [], []
    pacer = Pacer(
        tell=lambda: told.append(run.step), save=lambda: saved.append(run.step), interval=2.0
    )
    for step in range(1, 1001):
        pacer.advance(run, step)
    assert saved == pytest.approx(range(201, 1001, 201), abs=3)
    # Twice a second, however short the ways between two steps are.
    assert 18 <= len(told) <= 22


def test_an_engine_that_gives_up_is_told_from_a_disk_that_is_full(run):
    def give_up(steps):
        raise RunError("blew up")

    def full():
        raise RunError("no space")

    with pytest.raises(RunError, match="no space") as refused:
        Pacer().advance(run, 1, reached=full)
    assert not isinstance(refused.value, BlownUpError)
    run.advance = give_up
    with pytest.raises(BlownUpError, match="blew up"):
        Pacer().advance(run, 2)
