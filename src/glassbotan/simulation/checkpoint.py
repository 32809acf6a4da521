"""Checkpoints of runs: a file that appears whole or not at all."""

import logging
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import InputError
from glassbotan.io.atomic import atomic_output
from glassbotan.simulation.engine import State

LOGGER = logging.getLogger("glassbotan")

_UNREADABLE = (OSError, EOFError, ValueError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error)
"""What a missing or damaged file raises."""


class Leavable(Protocol):
    """What can be left: a run, or more than one, or a part of one."""

    def state(self) -> State:
        """Return what is needed to go on exactly as this would."""


class Resumable(Leavable, Protocol):
    """What can be left and taken up."""

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go to a state that :meth:`state` returned; InputError where it cannot be one."""


def save(path: Path, run: Leavable, key: str) -> None:
    """Write a run's state.

    Parameters
    ----------
    path
        The file.
    run
        Whose state.
    key
        What the run is of; only a run with the same key takes the state up.

    Raises
    ------
    RunError
        The disk is full.

    """
    arrays: dict[str, Any] = {f"state:{name}": values for name, values in run.state().items()}
    with atomic_output(path) as temporary, temporary.open("wb") as out:
        np.savez(out, key=np.array(key), **arrays)


def key_of(path: Path) -> str | None:
    """Return the key of a checkpoint; None where there is none that can be read."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return str(stored["key"])
    except _UNREADABLE:
        return None


def resume(path: Path, run: Resumable, key: str) -> bool:
    """Take a run to the state in a checkpoint, if there is one of the same key.

    Returns
    -------
    bool
        Whether it was. Without, or where the state is refused, the run must start anew; it may
        be of no further use.

    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            if str(stored["key"]) != key:
                return False
            state = {
                name.removeprefix("state:"): stored[name]
                for name in stored.files
                if name.startswith("state:")
            }
        run.restore(state)
    except FileNotFoundError:
        return False
    except InputError as error:
        return _refused(path, str(error))
    except _UNREADABLE:
        return _refused(path, "it is damaged")
    return True


def _refused(path: Path, why: str) -> bool:
    LOGGER.warning("%s: not taken up (%s); its trajectories start anew", path, why)
    return False
