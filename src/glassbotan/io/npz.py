"""Arrays out of npz archives, with every size checked before memory is taken.

numpy.load believes what an archive says of itself: a few kilobytes can declare terabytes, and
object arrays run code. Here NumPy reads a member's header, and its array only when shape, type and
size agree with each other and with the file, and only plain numbers and text are read at all.
"""

import lzma
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from glassbotan.errors import InputError
from glassbotan.io.atomic import atomic_output
from glassbotan.io.provenance import Provenance, to_json

MAX_BYTES = 64 * 2**30
"""No archive of one snapshot's ensemble is larger than this when unpacked."""
MAX_RATIO = 200
"""Coordinates hardly compress; an archive that unpacks to more than this many times is a bomb."""
HARMLESS_BYTES = 64 * 2**20
"""Up to this size an archive may compress as well as it likes."""
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}

_DAMAGE = (
    zipfile.BadZipFile,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    ArithmeticError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
)


def member_names(path: Path) -> list[str]:
    """Return the names of an archive's arrays.

    Raises
    ------
    InputError
        It is not an npz archive, cut off, or would unpack to an absurd size.

    """
    with _archive(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]


def read_members(
    path: Path, required: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, NDArray[np.generic]]:
    """Return the named arrays; optional ones only where they are there.

    Raises
    ------
    InputError
        A required array is missing, an array holds Python objects, or the archive is damaged.

    """
    with _archive(path) as archive:
        present = set(archive.namelist())
        missing = [name for name in required if f"{name}.npy" not in present]
        if missing:
            has = ", ".join(sorted(name.removesuffix(".npy") for name in present)) or "nothing"
            raise InputError(f"{path}: has no array {missing[0]!r}; it holds {has[:200]}")
        wanted = [*required, *(name for name in optional if f"{name}.npy" in present)]
        return {name: _read(archive, name, path) for name in wanted}


def one_number(members: Mapping[str, NDArray[np.generic]], name: str, path: Path) -> float:
    """Return an optional member of one number; NaN where it is not there."""
    if name not in members:
        return float("nan")
    values = members[name]
    if values.size != 1 or values.dtype.kind not in "iuf":
        raise InputError(f"{path}: {name} must be one number")
    return float(values.astype(np.float64).reshape(-1)[0])


def positive_number(members: Mapping[str, NDArray[np.generic]], name: str, path: Path) -> float:
    """Return a member of one positive finite number; NaN where it is not there."""
    number = one_number(members, name, path)
    if name in members and not 0 < number < np.inf:
        raise InputError(f"{path}: {name} is {number:g}; expected a positive number")
    return number


def check_finite(
    values: NDArray[np.generic], name: str, path: Path, *, blanks: bool = False
) -> None:
    """Raise InputError where a value is no number, infinite, or NaN without ``blanks``."""
    bad = np.isinf if blanks else lambda numbers: ~np.isfinite(numbers)
    if values.dtype.kind not in "iuf" or np.any(bad(values)):
        allowed = " (or NaN, where a model predicts nothing)" if blanks else ""
        raise InputError(f"{path}: {name} must be finite numbers throughout{allowed}")


def write_members(
    path: Path, arrays: Mapping[str, NDArray[Any]], provenance: Provenance | None
) -> None:
    """Write arrays by name, and ``provenance`` as a text beside them, whole or not at all."""
    members: dict[str, Any] = {**arrays, "provenance": np.array(to_json(provenance))}
    with atomic_output(path) as temporary, temporary.open("wb") as out:
        np.savez(out, **members)


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            _check_size(archive, path)
            yield archive
    except _DAMAGE as error:
        raise InputError(
            f"{path}: is not an npz archive, or cut off or damaged ({error})"
        ) from None


def _check_size(archive: zipfile.ZipFile, path: Path) -> None:
    unpacked = sum(info.file_size for info in archive.infolist())
    allowed = min(MAX_BYTES, max(MAX_RATIO * path.stat().st_size, HARMLESS_BYTES))
    if unpacked > allowed:
        raise InputError(
            f"{path}: would unpack to {unpacked} bytes from {path.stat().st_size}, "
            "which no file of coordinates does; refused"
        )


def _read(archive: zipfile.ZipFile, name: str, path: Path) -> NDArray[np.generic]:
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as stream:
        _check_header(stream, info.file_size, f"{path}: array {name!r}")
    with archive.open(info) as stream:
        values: NDArray[np.generic] = npy.read_array(stream, allow_pickle=False)
        # Reading past the end makes zipfile compare the checksum.
        stream.read(1)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _check_header(stream: IO[bytes], size: int, what: str) -> None:
    """Raise InputError where a member is no array of numbers or text that fills its size."""
    try:
        shape, _, dtype = _HEADERS[npy.read_magic(stream)](stream)
    except Exception as error:  # noqa: BLE001 - NumPy's parsers raise anything
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"{what} has no header that NumPy reads ({reason})") from None
    if dtype.kind not in "biufU":
        refused = "pickled Python objects" if dtype.hasobject else f"records or type {dtype}"
        raise InputError(f"{what} holds {refused}, which are refused; expected numbers")
    stored = size - stream.tell()
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != stored:
        raise InputError(
            f"{what} declares shape {list(shape)} of {dtype.itemsize} bytes each, but "
            f"{stored} bytes are stored; the file is damaged"
        )
