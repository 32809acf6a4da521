"""What is told of a run of several processes when one of them fails."""

import json
from pathlib import Path

import pytest

import glassbotan as gb
from glassbotan.errors import ToldElsewhereError
from glassbotan.training.launch import _reason, _told, rank, told_once
from glassbotan.training.processes import LostContactError

FOLDER = Path("runs/x")


def report(scratch: Path, number: int, error: Exception) -> None:
    kind, text = _told(error)
    path = scratch / f"report-{number}.json"
    path.write_text(json.dumps({"kind": kind, "text": text}))


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
def test_the_cause_is_told_not_that_others_lost_contact(tmp_path, error, told, text):
    report(tmp_path, 0, LostContactError("another process has ended"))
    report(tmp_path, 1, error)
    found = _reason([1, 1], tmp_path, FOLDER)
    assert type(found) is told
    assert str(found) == text


def test_lost_contact_alone_waits_for_its_cause(tmp_path):
    report(tmp_path, 0, LostContactError("another process has ended"))
    assert _reason([1, None], tmp_path, FOLDER) is None
    assert "process 2 of 2 was killed (SIGSEGV)" in str(_reason([1, -11], tmp_path, FOLDER))


def test_the_first_process_alone_tells_what_all_refuse(monkeypatch):
    for number, kind in (("0", gb.InputError), ("3", ToldElsewhereError)):
        monkeypatch.setenv("RANK", number)
        with pytest.raises(gb.GlassbotanError) as found, told_once():
            raise gb.InputError("unknown key")
        assert type(found.value) is kind
        assert found.value.exit_status == 2
        assert rank() == int(number)
