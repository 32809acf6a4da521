"""One process at a time in a folder."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from glassbotan.errors import RunError

LOGGER = logging.getLogger("glassbotan")


@contextmanager
def only_one(folder: Path, refusal: str) -> Iterator[None]:
    """Keep a second process out of the folder; one that was killed does not stay in the way.

    Parameters
    ----------
    folder
        Must exist.
    refusal
        What the second one says.

    Raises
    ------
    RunError
        Another process is at work there.

    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(refusal) from None
        except OSError:
            # A file system may know no locks at all; then there is nothing to wait for.
            LOGGER.debug("%s: cannot be locked", folder)
        yield
    finally:
        os.close(descriptor)
