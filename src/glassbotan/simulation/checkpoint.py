"""Checkpoints of runs: a file that appears whole or not at all."""

import logging
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from glassbotan.errors import InputError
from glassbotan.io.atomic import atomic_output
from glassbotan.simulation.engine import State

LOGGER = logging.getLogger("glassbotan")

_UNREADABLE = (OSError, EOFError, ValueError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error)
"""What a missing or damaged file raises."""


def save(path: Path, state: State, key: str) -> None:
    """Write a run's state.

    Parameters
    ----------
    path
        The file.
    state
        What is needed to go on exactly as the run would.
    key
        What the run is of; only a run with the same key takes the state up.

    Raises
    ------
    RunError
        The disk is full.

    """
    arrays: dict[str, Any] = {f"state:{name}": values for name, values in state.items()}
    with atomic_output(path) as temporary, temporary.open("wb") as out:
        np.savez(out, key=np.array(key), **arrays)


def key_of(path: Path) -> str | None:
    """Return the key of a checkpoint; None where there is none that can be read."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return str(stored["key"])
    except _UNREADABLE:
        return None


def read(path: Path, key: str) -> State | None:
    """Return the state in a checkpoint, if there is one of the same key that can be read."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            if str(stored["key"]) != key:
                return None
            return {
                name.removeprefix("state:"): stored[name]
                for name in stored.files
                if name.startswith("state:")
            }
    except FileNotFoundError:
        return None
    except _UNREADABLE:
        _refused(path, "it is damaged")
        return None


def take_up(restore: Callable[[State], None], state: State | None, path: Path) -> bool:
    """Take a run, by its method ``restore``, to a state from a file; return whether it was taken.

    Without a state, or where it is refused, the run must start anew; it may be of no further use.
    """
    if state is None:
        return False
    try:
        restore(state)
    except InputError as error:
        _refused(path, str(error))
        return False
    except _UNREADABLE:
        _refused(path, "it is damaged")
        return False
    return True


def _refused(path: Path, why: str) -> None:
    LOGGER.warning("%s: not taken up (%s); its trajectories start anew", path, why)
