"""Start a run's processes on this machine, one a device, and see them to their end.

Lightning's own launcher runs the person's command once more for each device and, where one of
them dies, kills all without a word; PyTorch's elastic one takes over the caller's signals for good
and leaves orphans when it is killed itself. Here a process that trains nothing starts them all: it
tells what happened to whom, and serves a call from Python as well as the command. What each of
them does stands in rank.py.
"""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from glassbotan.children import ChildDiedError, Children
from glassbotan.errors import GlassbotanError, LostContactError, RunError, ToldElsewhereError
from glassbotan.training.config import Recipe

LOGGER = logging.getLogger("glassbotan")

GRACE = 15.0
"""Seconds that processes have to end by themselves when one has failed or Ctrl-C was pressed."""

LOST = "the processes of the run lost contact with each other"


Order = tuple[list[str], int, dict[str, Any]]
"""What each of the processes is told: the command line and log level of the one that starts them,
and the arguments of :func:`glassbotan.training.run.train`."""


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
    from lightning.fabric.plugins.environments.lightning import find_free_network_port

    environment = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(find_free_network_port()),
        "NODE_RANK": "0",
        "WORLD_SIZE": str(number),
    }
    command = [sys.executable, "-m", "glassbotan.training.rank"]
    programs = [(command, {**environment, "LOCAL_RANK": str(k)}) for k in range(number)]
    order: Order = (
        sys.argv,
        LOGGER.level,
        {"recipe": recipe, "folder": folder, "resume": resume},
    )
    again = f"go on with --resume (the run is in {folder})"
    try:
        with Children(programs, number, grace=GRACE) as children:
            try:
                children.ask(order)
                children.end()
            except KeyboardInterrupt:
                children.end(signal.SIGINT)
                raise
            except ChildDiedError:
                raise RunError(f"{_death(children)}; {again}") from None
    except KeyboardInterrupt:
        raise RunError(f"interrupted; {again}") from None
    except LostContactError:
        raise RunError(f"{LOST}; {again}") from None
    return folder / "model"


def _death(children: Children) -> str:
    """Return what became of the process that ended without a word."""
    for k, process in enumerate(children.processes):
        with suppress(subprocess.TimeoutExpired):
            if process.wait(1.0) < 0:
                name = signal.Signals(-process.returncode).name
                return (
                    f"process {k + 1} of {children.number} was killed ({name}), perhaps for want "
                    "of memory"
                )
    return LOST
