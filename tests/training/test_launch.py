"""What is told of a run of several processes when one of them fails."""

from pathlib import Path

import pytest

import glassbotan as gb
from glassbotan.errors import LostContactError, ToldElsewhereError
from glassbotan.training.launch import rank, reason_of, told_once
from glassbotan.training.rank import leave_report

FOLDER = Path("runs/x")


@pytest.fixture
def report(tmp_path, monkeypatch):
    """Leave a report as the process of a number does."""

    def left(number: int, error: Exception) -> None:
        monkeypatch.setenv("RANK", str(number))
        leave_report(tmp_path, error)

    return left


@pytest.mark.parametrize(
    ("error", "told", "text"),
    [
        (gb.InputError("no such file"), gb.InputError, "no such file"),
        (gb.RunError("disk full"), gb.RunError, "disk full"),
        (OSError(5, "Input/output error", "a.ckpt"), gb.RunError, "a.ckpt: Input/output error"),
        (RuntimeError("DefaultCPUAllocator: can't"), MemoryError, "DefaultCPUAllocator: can't"),
        (KeyError("x"), RuntimeError, "KeyError: 'x'"),
    ],
)
def test_the_cause_is_told_not_that_others_lost_contact(tmp_path, report, error, told, text):
    report(0, LostContactError("another process has ended"))
    report(1, error)
    found = reason_of([1, 1], tmp_path, FOLDER)
    assert type(found) is told
    assert str(found) == text


def test_lost_contact_alone_waits_for_its_cause(tmp_path, report):
    report(0, LostContactError("another process has ended"))
    assert reason_of([1, None], tmp_path, FOLDER) is None
    assert "process 2 of 2 was killed (SIGSEGV)" in str(reason_of([1, -11], tmp_path, FOLDER))


def test_the_first_process_alone_tells_what_all_refuse(monkeypatch):
    for number, kind in (("0", gb.InputError), ("3", ToldElsewhereError)):
        monkeypatch.setenv("RANK", number)
        with pytest.raises(gb.GlassbotanError) as found, told_once():
            raise gb.InputError("unknown key")
        assert type(found.value) is kind
        assert found.value.exit_status == 2
        assert rank() == int(number)
