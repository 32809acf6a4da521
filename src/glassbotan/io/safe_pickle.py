"""Plain data out of a pickle without running anything that the file names.

A pickle is a program. This reader lets it build lists, dictionaries, numbers and text, and nothing
else: a call of the few functions that an array's pickle names is only written down, and what it
says of an array (shape, type, bytes) is checked before one is made of it. No code of NumPy or any
other library is reached with arguments from the file.
"""

import gzip
import io
import math
import pickle
import pickletools
import re
import zlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import InputError

MAX_RATIO = 200
"""A compressed pickle of coordinates that unpacks to more than this many times is a bomb."""
MAX_BYTES = 4 * 2**30
_MAX_DEPTH = 12
_PUTS = ("PUT", "BINPUT", "LONG_BINPUT")
_NAMES = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    *((f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core")),
    *((f"numpy.{core}.multiarray", "scalar") for core in ("core", "_core")),
    *((f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")),
    # Old protocols write bytes as text, and call bytes() for the contents of an empty array.
    ("_codecs", "encode"),
    ("__builtin__", "bytes"),
}
"""Modules and functions that the pickle of an array names."""


class _RefusedError(Exception):
    """The pickle asks for something that plain data does not need."""


def load_plain_pickle(path: Path) -> object:
    """Return the plain containers, numbers, texts and numeric arrays of a pickle, gzipped or not.

    Raises
    ------
    InputError
        The file is damaged or no pickle, names anything beyond NumPy's numeric arrays, or would
        unfold to more than the file holds.

    """
    data = _contents(path)
    try:
        _check_opcodes(data)
        # find_class gives out nothing but names, so the file reaches no foreign code.
        tree = _Unpickler(io.BytesIO(data), encoding="latin1").load()
        return _Resolver(len(data)).resolve(tree, 0)
    except Exception as error:  # noqa: BLE001 - damaged bytes make the unpickler raise anything
        reason = " ".join(str(error).split())[:160]
        if isinstance(error, _RefusedError):
            raise InputError(f"{path}: {reason}; refused") from None
        raise InputError(
            f"{path}: is not a pickle, or cut off or damaged ({type(error).__name__}: {reason})"
        ) from None


def _contents(path: Path) -> bytes:
    size = path.stat().st_size
    try:
        with path.open("rb") as plain:
            if plain.read(2) != b"\x1f\x8b":
                return path.read_bytes()
        allowed = min(MAX_BYTES, MAX_RATIO * size)
        with gzip.open(path) as stream:
            data = stream.read(allowed + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read, or is cut off or damaged ({error})") from None
    if len(data) > allowed:
        raise InputError(f"{path}: unpacks to more than {allowed} bytes, which is refused")
    return data


def _check_opcodes(data: bytes) -> None:
    """Go through the program without running it: every length is within the file.

    The one size that pickletools does not check is a slot of the memo, which the unpickler
    allocates as far as the number says; honest picklers number slots one by one.
    """
    for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
        if opcode.name in _PUTS and not 0 <= int(argument or 0) <= count + 1:
            raise _RefusedError(f"the pickle's memo slot {argument} is out of all order")


class _Unpickler(pickle.Unpickler):
    """Answers every name with the name, or a refusal."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _NAMES:
            raise _RefusedError(
                f"the pickle names {module}.{name}, which is neither plain data nor a NumPy array"
            )
        return _Named(name)

    def persistent_load(self, pid: object) -> Any:
        raise _RefusedError(f"the pickle refers to an outside object {str(pid)[:40]!r}")


class _Named:
    """A function that the pickle names, with the arguments and the state that it gives it."""

    __slots__ = __match_args__ = ("name", "arguments", "state")

    def __init__(self, name: str, arguments: tuple[object, ...] | None = None) -> None:
        self.name, self.arguments = name, arguments
        self.state: object = None

    def __call__(self, *arguments: object) -> "_Named":
        return _Named(self.name, arguments)

    def __setstate__(self, state: object) -> None:
        self.state = state


class _Resolver:
    """Replaces what the pickle names by arrays, within the size that the file itself has.

    References to one object may unfold a small file to any size; data that were pickled from
    separate objects never exceed their file.
    """

    def __init__(self, allowed: int) -> None:
        self._left = allowed

    def resolve(self, item: object, depth: int) -> object:
        """Return the item with every array in it made."""
        self._spend(1)
        if depth > _MAX_DEPTH:
            raise _RefusedError(f"the pickle nests deeper than {_MAX_DEPTH} levels")
        if item is None or isinstance(item, bool | int | float | str | bytes):
            return item
        if isinstance(item, list | tuple):
            return [self.resolve(part, depth + 1) for part in item]
        if isinstance(item, dict):
            return {
                self.resolve(key, depth + 1): self.resolve(value, depth + 1)
                for key, value in item.items()
            }
        if isinstance(item, _Named):
            return self._made(item)
        raise _RefusedError(f"the pickle holds a {type(item).__name__}, not plain data")

    def _made(self, item: _Named) -> object:
        """Return the bytes, number or array that a call makes."""
        match item:
            case _Named("encode", (str() as text, "latin1"), None):
                return text.encode("latin1")
            case _Named("bytes", (), None):
                return b""
            case _Named("scalar", (kind, raw), None):
                return self._array((), kind, "C", raw).item()
            case _Named(
                "_reconstruct",
                (_Named("ndarray", None, None), (0,), _),
                (int(), tuple() as shape, kind, fortran, raw),
            ):
                return self._array(shape, kind, "F" if fortran else "C", raw)
            case _Named("_frombuffer", (raw, kind, tuple() as shape, "C" | "F" as order), None):
                return self._array(shape, kind, order, raw)
        raise _RefusedError(f"the pickle uses {item.name} in a way that NumPy does not")

    def _array(
        self, shape: tuple[object, ...], kind: object, order: Literal["C", "F"], raw: object
    ) -> NDArray[np.generic]:
        dtype = _dtype(kind)
        data = self._made(raw) if isinstance(raw, _Named) else raw
        data = data.encode("latin1") if isinstance(data, str) else data
        sizes = [n for n in shape if isinstance(n, int) and n >= 0]
        if (
            not isinstance(data, bytes | bytearray)
            or len(sizes) != len(shape)
            or math.prod(sizes) * dtype.itemsize != len(data)
        ):
            raise _RefusedError(
                f"the pickle holds an array of shape {str(shape)[:80]} that its bytes do not fill"
            )
        self._spend(len(data))
        values: NDArray[np.generic] = np.frombuffer(bytearray(data), dtype=dtype)
        values = values.reshape(sizes, order=order)
        return values.astype(dtype.newbyteorder("="), copy=False)

    def _spend(self, amount: int) -> None:
        self._left -= amount
        if self._left < 0:
            raise _RefusedError("the pickle would unfold to more than its own size")


def _dtype(kind: object) -> np.dtype[np.generic]:
    """Return the type of numbers that a pickle describes: a code such as f8, then its state."""
    match kind:
        case _Named(
            "dtype",
            (str() as code, *_),
            # version, byte order, then what only records and objects have
            (int(), "<" | ">" | "|" | "=" as order, None, None, None, *_),
        ) if re.fullmatch(r"b1|[iu][1248]|f[248]", code):
            return np.dtype(code).newbyteorder(order)
    raise _RefusedError("the pickle holds an array that is not of plain numbers")
