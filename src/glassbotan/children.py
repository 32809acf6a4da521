"""Processes that this one starts to share a job, and sees to their end."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

Child = subprocess.Popen[bytes]


def start_child(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    stdin: int = subprocess.PIPE,
    said: IO[bytes] | None = None,
) -> Child:
    """Start a program of this environment in a session of its own.

    Ctrl-C is thus for this process alone, which then ends the others. Standard input is a pipe
    that stays open as long as this process lives, by which the child can tell.

    Parameters
    ----------
    command
        Program and arguments.
    environment
        Variables beside those of this process.
    stdin
        As subprocess.Popen has it.
    said
        Receives standard output and error, which are otherwise this process's.

    """
    return subprocess.Popen(  # noqa: S603 - programs of this environment
        list(command),
        env={**os.environ, **environment},
        stdin=stdin,
        stdout=said,
        stderr=said,
        start_new_session=True,
    )


def end_children(children: Sequence[Child], number: signal.Signals | None, grace: float) -> None:
    """Send those that still run a signal, and kill what has not ended after some seconds."""
    running = [child for child in children if child.poll() is None]
    if number is not None:
        for child in running:
            child.send_signal(number)
    deadline = time.monotonic() + grace
    for child in running:
        with suppress(subprocess.TimeoutExpired):
            child.wait(max(deadline - time.monotonic(), 0))
            continue
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        # What hangs in the system's kernel, with a device or a disk, cannot be waited for.
        with suppress(subprocess.TimeoutExpired):
            child.wait(grace)
