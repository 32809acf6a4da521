"""Start a run's processes on this machine, one a device, and see them to their end.

Lightning's own launcher runs the person's command once more for each device and, where one of
them dies, kills all without a word; PyTorch's elastic one takes over the caller's signals for good
and leaves orphans when it is killed itself. Here a process that trains nothing starts them all: it
tells what happened to whom, and serves a call from Python as well as the command. What each of
them does stands in rank.py.
"""

import logging
import os
import pickle
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from glassbotan.children import Child, end_children, start_child
from glassbotan.errors import GlassbotanError, LostContactError, RunError, ToldElsewhereError
from glassbotan.training.config import Recipe

LOGGER = logging.getLogger("glassbotan")

GRACE = 15.0
"""Seconds that processes have to end by themselves when one has failed or Ctrl-C was pressed."""
PAUSE = 0.05
"""Seconds between two looks at the processes."""

JOB = "job.pickle"
"""What the processes are to do: a file in a folder that only this user can write to."""


@dataclass(frozen=True)
class Job:
    """What each of the processes is told; see :func:`glassbotan.training.run.train`.

    Attributes
    ----------
    recipe, folder, resume
        Of the run.
    arguments, volume
        Command line and log level of the process that starts the others.

    """

    recipe: Recipe
    folder: Path
    resume: bool
    arguments: Sequence[str]
    volume: int


def rank() -> int:
    """Return this process's number among those that torchrun, srun or this module started."""
    for name in ("RANK", "SLURM_PROCID", "LOCAL_RANK"):
        if name in os.environ:
            return int(os.environ[name])
    return 0


@contextmanager
def told_once() -> Iterator[None]:
    """Let the first process alone tell what the block refuses, as it does on all of them."""
    try:
        yield
    except GlassbotanError as error:
        if rank() > 0:
            raise ToldElsewhereError(error) from None
        raise


def train_in_processes(recipe: Recipe, folder: Path, number: int, *, resume: bool) -> Path:
    """Train with that many processes of this machine; see :func:`glassbotan.training.run.train`.

    Raises
    ------
    GlassbotanError
        What a process raised.
    RunError
        One was killed; or Ctrl-C was pressed.

    """
    children: list[Child] = []
    with tempfile.TemporaryDirectory(prefix="glassbotan-") as name:
        scratch = Path(name)
        job = Job(recipe, folder, resume, sys.argv, LOGGER.level)
        (scratch / JOB).write_bytes(pickle.dumps(job))
        environment = {
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(_free_port()),
            "NODE_RANK": "0",
            "WORLD_SIZE": str(number),
        }
        command = [sys.executable, "-m", "glassbotan.training.rank", name]
        try:
            children.extend(
                start_child(command, {**environment, "LOCAL_RANK": str(k)}) for k in range(number)
            )
            error = _wait(children, scratch, folder)
        except KeyboardInterrupt:
            end_children(children, signal.SIGINT, GRACE)
            raise RunError(f"interrupted; go on with --resume (the run is in {folder})") from None
        finally:
            end_children(children, signal.SIGKILL, GRACE)
    if error is not None:
        raise error
    return folder / "model"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(children: Sequence[Child], scratch: Path, folder: Path) -> Exception | None:
    """Wait until all have ended, or it is clear why one has failed; return that."""
    deadline = float("inf")
    while True:
        statuses = [child.poll() for child in children]
        if any(statuses):
            reason = reason_of(statuses, scratch, folder)
            if reason is not None:
                return reason
            # It may have failed only because another is about to.
            deadline = min(deadline, time.monotonic() + GRACE)
        if None not in statuses or time.monotonic() > deadline:
            break
        time.sleep(PAUSE)
    if not any(statuses):
        return None
    return RunError(
        "the processes of the run lost contact with each other; go on with --resume "
        f"(the run is in {folder})"
    )


def reason_of(statuses: Sequence[int | None], scratch: Path, folder: Path) -> Exception | None:
    """Return what ended the run, unless that lies with a process that still runs."""
    for report in sorted(scratch.glob("report-*")):
        error: Exception = pickle.loads(report.read_bytes())  # noqa: S301 - by our own process
        if not isinstance(error, LostContactError):
            return error
    for k, status in enumerate(statuses):
        if status is not None and status < 0:
            return RunError(
                f"process {k + 1} of {len(statuses)} was killed "
                f"({signal.Signals(-status).name}), perhaps for want of memory; go on with "
                f"--resume (the run is in {folder})"
            )
    return None
