"""How far a job is, in words, with its rate and the time that is left."""

import logging

import pytest

from glassbotan import progress_bar
from glassbotan.progress import part
from glassbotan.progress_bar import describe, duration, shown


@pytest.fixture
def clock(monkeypatch):
    """A clock that tests set, in seconds."""
    now = [0.0]
    monkeypatch.setattr(progress_bar.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("told", "more", "words"),
    [
        (
            (0, 1000, ""),
            {"unit": "particle-steps", "note": "0 of 3 snapshots finished"},
            "0 %, 0 of 3 snapshots finished",
        ),
        (
            (370, 1000, "cooling"),
            {"unit": "particle-steps", "rate": 0.05},
            "cooling, 37 %, 0.05 particle-steps/s, 3 h 30 min left",
        ),
        (
            (1000, 3000, "hold"),
            {"unit": "particle-steps", "rate": 10.0, "at_most": True},
            "hold, 10 particle-steps/s, at most 3 min left",
        ),
        ((3.7, 8, "predicting"), {"unit": "snapshots"}, "predicting, 3/8"),
        (
            (3, None, "reading"),
            {"unit": "snapshots", "rate": 2.0},
            "reading, 3 snapshots, 2 snapshots/s",
        ),
        (
            (12.34e6, 2e9, "a.npz"),
            {"unit": "B", "rate": 1e9},
            "a.npz, 12.3 MB of 2.0 GB, 1.0 GB/s, 2 s left",
        ),
        ((0.5, 1, "cage states"), {"unit": ""}, "cage states, 50 %"),
    ],
)
def test_progress_in_words(told, more, words):
    assert describe(*told, **more) == words


def test_durations_in_words():
    assert [duration(s) for s in (20, 600, 1e6)] == ["20 s", "10 min", "11 d 13 h"]


def test_a_log_gets_a_line_a_minute(clock, caplog, monkeypatch):
    monkeypatch.setattr(progress_bar.sys.stderr, "isatty", lambda: False, raising=False)
    caplog.set_level(logging.INFO, logger="glassbotan")
    with shown() as progress:
        for clock[0] in range(0, 150, 10):
            progress(clock[0], 1000, "counting", unit="things")
    assert [record.getMessage() for record in caplog.records] == [
        "counting, 60/1000, 1 things/s, 16 min left",
        "counting, 120/1000, 1 things/s, 15 min left",
    ]


def test_the_clock_of_the_rate_begins_with_the_work_and_anew_where_it_goes_back(clock):
    with shown(lines=False) as progress:
        for now, done, words in (
            # What earlier runs did, then workers that take their time to come up.
            (0, 500, "50 %"),
            (60, 500, "50 %"),
            (70, 600, "60 %, 10 particle-steps/s, 40 s left"),
            # A worker was lost, with its work.
            (80, 550, "55 %"),
            (90, 550, "55 %"),
            (100, 570, "57 %, 2 particle-steps/s, 4 min left"),
        ):
            clock[0] = now
            progress(done, 1000, unit="particle-steps")
            assert progress.text == words


def test_a_part_is_told_as_a_share_of_the_whole():
    told = []
    stretch = part(lambda *now, **how: told.append((*now, how["unit"])), 2, 4, 10, "snapshots")
    stretch(1, 4, "reading", unit="times")
    assert told == [(2.5, 10, "reading", "snapshots")]
