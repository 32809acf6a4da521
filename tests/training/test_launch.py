"""What is told of a run of several processes when one of them fails."""

import pytest

import glassbotan as gb
from glassbotan.errors import LostContactError, ToldElsewhereError
from glassbotan.training.launch import rank, told_once
from glassbotan.training.rank import told


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (gb.InputError("no such file"), gb.InputError, "no such file"),
        (ToldElsewhereError(gb.InputError("no")), LostContactError, "no"),
        (OSError(5, "Input/output error", "a.ckpt"), gb.RunError, "a.ckpt: Input/output error"),
        (RuntimeError("DefaultCPUAllocator: can't"), MemoryError, "DefaultCPUAllocator: can't"),
        (KeyError("x"), RuntimeError, "KeyError: 'x'"),
    ],
)
def test_errors_are_told_as_what_they_are_for_people(error, kind, text):
    found = told(error)
    assert type(found) is kind
    assert str(found) == text


def test_the_first_process_alone_tells_what_all_refuse(monkeypatch):
    for number, kind in (("0", gb.InputError), ("3", ToldElsewhereError)):
        monkeypatch.setenv("RANK", number)
        with pytest.raises(gb.GlassbotanError) as found, told_once():
            raise gb.InputError("unknown key")
        assert type(found.value) is kind
        assert found.value.exit_status == 2
        assert rank() == int(number)
