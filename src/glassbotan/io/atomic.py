"""Files appear whole or not at all: write beside the target, then rename over it."""

import errno
import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from glassbotan.errors import GlassbotanError, InputError, RunError

LOGGER = logging.getLogger("glassbotan")

_FULL = {errno.ENOSPC, errno.EDQUOT}
_UNWRITABLE = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ELOOP,
}


@contextmanager
def atomic_output(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its place when the block succeeds.

    The temporary file is in the same folder and ends in the same suffixes (the last two). It is
    flushed to the disk before the rename, so that even a crash leaves the old file or the new one,
    never half of one. When the block fails, it is removed and the old file stays as it was.

    Raises
    ------
    InputError
        The target cannot be written: no such folder, no permission, a folder of that name ...
    RunError
        The disk or the quota is full, or the disk fails.

    """
    # Through links: what is replaced is the file that a link names, not the link.
    target = Path(os.path.realpath(path))
    _check_target(target, path)
    temporary = target.with_name(f".{secrets.token_hex(6)}.partial{''.join(target.suffixes[-2:])}")
    try:
        # Created here, with the user's umask, so that the file has its usual permissions.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o777)
        yield temporary
        _flush(temporary, os.O_RDWR)
        temporary.replace(target)
        # Some file systems refuse to flush a folder; the rename itself has happened by now.
        with suppress(OSError):
            _flush(target.parent, os.O_RDONLY)
        LOGGER.debug("wrote %s", path)
    except OSError as error:
        translated = _translated(error, path, temporary)
        if translated is None:
            raise
        raise translated from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _check_target(target: Path, named: str | os.PathLike[str]) -> None:
    if target.is_dir():
        raise InputError(f"{named}: cannot be written, it is a folder; name a file in it")
    if target.exists() and not target.is_file():
        raise InputError(f"{named}: cannot be written, it is not a regular file")
    if not target.parent.is_dir():
        raise InputError(f"{named}: cannot be written, there is no folder {target.parent}")


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _translated(
    error: OSError, path: str | os.PathLike[str], temporary: Path
) -> GlassbotanError | None:
    """Return the error in the user's terms; None where it does not concern this output."""
    if error.errno in _FULL:
        return RunError(
            f"{path}: not written, the disk or the quota is full; an existing file is left as it is"
        )
    # An error that names another file, or comes from a network, is the block's own affair.
    concerns = error.filename is None or os.fspath(error.filename) == os.fspath(temporary)
    if error.errno is None or not concerns:
        return None
    reason = os.strerror(error.errno)
    if error.errno in _UNWRITABLE:
        return InputError(f"{path}: cannot be written ({reason})")
    return RunError(f"{path}: not written ({reason}); an existing file is left as it is")
