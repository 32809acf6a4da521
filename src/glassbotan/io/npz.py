"""Arrays out of npz archives, with every size checked before memory is taken.

numpy.load believes what an archive says of itself: a few kilobytes can declare terabytes, and
object arrays run code. Here a member's shape, type and size must agree with each other and with
the file before anything is read, and only plain numbers and text are read at all.
"""

import lzma
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import InputError

MAX_BYTES = 64 * 2**30
"""No archive of one snapshot's ensemble is larger than this when unpacked."""
MAX_RATIO = 200
"""Coordinates hardly compress; an archive that unpacks to more than this many times is a bomb."""
HARMLESS_BYTES = 64 * 2**20
"""Up to this size an archive may compress as well as it likes."""
CHUNK = 2**16
"""Bytes read at once: an array is in memory once, and what is read stays in the cache."""

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
_HEADER = re.compile(
    r"\{'descr': '(?P<dtype>[<>|=][biufU]\d{1,9})', 'fortran_order': (?P<fortran>True|False), "
    r"'shape': \((?P<shape>[\dL, ]*)\),? ?\}\s*"
)


@dataclass(frozen=True)
class _Header:
    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    fortran: bool

    @property
    def n_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


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
        text, header_bytes = _header_text(stream)
        header = _parse_header(text, name, path)
        if header.n_bytes != info.file_size - header_bytes:
            raise InputError(
                f"{path}: array {name!r} declares shape {list(header.shape)} of "
                f"{header.dtype.itemsize} bytes each, but {info.file_size - header_bytes} bytes "
                "are stored; the file is damaged"
            )
        data = np.empty(header.n_bytes, dtype=np.uint8)
        for start in range(0, len(data), CHUNK):
            part = data[start : start + CHUNK]
            part[:] = np.frombuffer(stream.read(len(part)), dtype=np.uint8)
        # Reading past the end makes zipfile compare the checksum.
        stream.read(1)
    values: NDArray[np.generic] = data.view(header.dtype)
    values = values.reshape(header.shape, order="F" if header.fortran else "C")
    return values.astype(header.dtype.newbyteorder("="), copy=False)


def _header_text(stream: IO[bytes]) -> tuple[str, int]:
    """Return an npy header and how many bytes of the stream it and what is before it take."""
    magic, major = stream.read(6), stream.read(2)[:1]
    if magic != b"\x93NUMPY" or major not in (b"\x01", b"\x02"):
        raise ValueError("a member is not an npy array")
    width = 2 if major == b"\x01" else 4
    length = int.from_bytes(stream.read(width), "little")
    if length > 2**16:
        raise ValueError("an npy header is too long")
    return stream.read(length).decode("latin1"), 8 + width + length


def _parse_header(text: str, name: str, path: Path) -> _Header:
    found = _HEADER.fullmatch(text)
    if not found:
        objects = "'|O'" in text
        raise InputError(
            f"{path}: array {name!r} holds {'pickled Python objects' if objects else 'records'}, "
            "which are refused; expected an array of numbers"
        )
    shape = tuple(int(n) for n in re.findall(r"\d+", found["shape"]))
    return _Header(np.dtype(found["dtype"]), shape, found["fortran"] == "True")
