"""Processes that are led through sockets: their answers, their errors, their ends."""

import signal
import sys
import time

import pytest

from glassbotan.children import ChildDiedError, Children
from glassbotan.errors import InputError, LostContactError, RunError

PROGRAM = """
import os, signal, sys, time
from glassbotan.children import serve
from glassbotan.errors import InputError, LostContactError

number = int(os.environ["NUMBER"])

def carry_out(order):
    what, who = order
    if what == "lose" or who not in (number, None):
        raise LostContactError("somebody went")
    if what == "raise":
        time.sleep(0.2)
        raise InputError("no such file")
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "hang":
        time.sleep(1000)
    return number

serve(sys.argv[1], carry_out)
"""


def started(number=2, program=PROGRAM, **options):
    command = [sys.executable, "-c", program]
    programs = [(command, {"NUMBER": str(k)}) for k in range(number)]
    return Children(programs, number, **{"grace": 5.0, **options})


def test_all_do_an_order_after_the_other_and_end_with_the_block():
    with started() as children:
        assert sorted(children.ask(("count", None))) == [0, 1]
        assert sorted(children.ask(("count", None))) == [0, 1]
        processes = children.processes
    assert all(process.poll() is not None for process in processes)
    with pytest.raises(RunError, match="were ended"):
        children.ask(("count", None))


@pytest.mark.parametrize("who", [0, 1])
def test_the_cause_is_told_not_that_others_lost_contact(who):
    with started() as children, pytest.raises(InputError, match="no such file"):
        children.ask(("raise", who))
    with started() as children, pytest.raises(ChildDiedError):
        children.ask(("die", who))
    assert children.processes[who].returncode == -signal.SIGKILL


def test_lost_contact_alone_is_told_in_the_end():
    with started(grace=0.2) as children, pytest.raises(LostContactError, match="somebody went"):
        children.ask(("lose", None))


def test_who_does_not_end_is_killed():
    with started(1, "import time; time.sleep(0.1)\n" + PROGRAM, grace=0.3) as children:
        children.processes[0].send_signal(signal.SIGSTOP)
        began = time.monotonic()
    assert children.processes[0].returncode == -signal.SIGKILL
    assert time.monotonic() - began < 5


def test_who_does_not_call_is_told_with_its_last_words():
    with pytest.raises(RunError, match="0 of 1 ranks: what is this"):
        started(1, "print('what is this')", heard=False)
