"""Plain data out of a pickle without running anything that the file names.

A pickle is a program. This reader lets it build lists, dictionaries, numbers and text, and nothing
else: the few NumPy functions that an array's pickle calls are answered by stand-ins of our own,
which take the recipe of an array (shape, type, bytes) and check it before they make one. No code
of NumPy or any other library is reached with arguments from the file.
"""

import gzip
import io
import math
import pickle
import pickletools
import re
import zlib
from collections.abc import Callable
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
Raw = bytes | str


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
        # find_class admits stand-ins alone, so the file reaches no foreign code.
        tree = _Unpickler(io.BytesIO(data), encoding="latin1").load()
        return _Resolver(len(data)).resolve(tree, 0)
    except _RefusedError as error:
        raise InputError(f"{path}: {error}; refused") from None
    except Exception as error:  # noqa: BLE001 - damaged bytes make the unpickler raise anything
        raise InputError(
            f"{path}: is not a pickle, or cut off or damaged ({type(error).__name__}: "
            f"{' '.join(str(error).split())[:120]})"
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
    """Answers every name with a stand-in or a refusal."""

    def find_class(self, module: str, name: str) -> Any:
        stand_in = _STAND_INS.get((module, name))
        if stand_in is None:
            raise _RefusedError(
                f"the pickle names {module}.{name}, which is neither plain data nor a NumPy array"
            )
        return stand_in

    def persistent_load(self, pid: object) -> Any:
        raise _RefusedError(f"the pickle refers to an outside object {str(pid)[:40]!r}")


class _Sealed:
    """Something that the pickle may name and call, but not change."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function

    def __call__(self, *arguments: object) -> object:
        return self._function(*arguments)

    def __setstate__(self, state: object) -> None:
        raise _RefusedError("the pickle sets the state of a function")


class _DtypeRecipe:
    """Stands in for numpy.dtype: a code such as f8, then a state that holds the byte order."""

    __slots__ = ("dtype",)

    def __init__(self, code: str) -> None:
        self.dtype = np.dtype(code)

    def __setstate__(self, state: object) -> None:
        match state:
            # version, byte order, then what only records and objects have
            case (int(), ("<" | ">" | b"<" | b">") as order, None, None, None, *_):
                self.dtype = self.dtype.newbyteorder(">" if order in (">", b">") else "<")
            case (int(), "|" | "=" | b"|" | b"=", None, None, None, *_):
                pass
            case _:
                raise _RefusedError("the pickle holds an array type that is not a plain number")


class _ArrayRecipe:
    """Stands in for numpy.ndarray: an empty array, then a state that fills it."""

    __slots__ = ("array",)

    def __init__(self) -> None:
        self.array: NDArray[np.generic] | None = None

    def __setstate__(self, state: object) -> None:
        match state:
            case (
                int(),
                tuple() as shape,
                _DtypeRecipe() as recipe,
                fortran,
                bytes() | str() as raw,
            ):
                self.array = _array(shape, recipe.dtype, "F" if fortran else "C", raw)
            case _:
                raise _RefusedError("the pickle holds an array that is not of plain numbers")


def _array(
    shape: tuple[object, ...], dtype: np.dtype[np.generic], order: Literal["C", "F"], raw: Raw
) -> NDArray[np.generic]:
    data = raw if isinstance(raw, bytes) else raw.encode("latin1")
    sizes = [n for n in shape if isinstance(n, int) and n >= 0]
    if len(sizes) != len(shape) or math.prod(sizes) * dtype.itemsize != len(data):
        raise _RefusedError(
            f"the pickle holds an array of shape {str(shape)[:80]} with {len(data)} bytes"
        )
    values: NDArray[np.generic] = np.frombuffer(bytearray(data), dtype=dtype)
    values = values.reshape(sizes, order=order)
    return values.astype(dtype.newbyteorder("="), copy=False)


def _reconstruct(kind: object, shape: object, code: object) -> _ArrayRecipe:
    if kind is not _NDARRAY or shape != (0,) or code not in (b"b", "b"):
        raise _RefusedError("the pickle makes an array in a way that NumPy does not")
    return _ArrayRecipe()


def _dtype(code: object, *flags: object) -> _DtypeRecipe:
    text = code.decode("latin1") if isinstance(code, bytes) else code
    plain = isinstance(text, str) and re.fullmatch(r"b1|[iu][1248]|f[248]", text)
    if not plain or not all(flag in (0, 1) for flag in flags):
        raise _RefusedError(f"the pickle holds an array of type {str(text)[:40]!r}, not of numbers")
    return _DtypeRecipe(str(text))


def _scalar(recipe: object, raw: object) -> object:
    if not isinstance(recipe, _DtypeRecipe) or not isinstance(raw, bytes | str):
        raise _RefusedError("the pickle holds a NumPy scalar that is not a plain number")
    return _array((), recipe.dtype, "C", raw).item()


def _encode(text: object, encoding: object) -> bytes:
    # The only use that picklers make of it: bytes written as text by an old protocol.
    if not isinstance(text, str) or encoding != "latin1":
        raise _RefusedError("the pickle encodes text in a way that picklers do not")
    return text.encode("latin1")


def _no_bytes(*arguments: object) -> bytes:
    # Old protocols call bytes() for the contents of an empty array.
    if arguments:
        raise _RefusedError("the pickle calls bytes in a way that picklers do not")
    return b""


def _not_callable(*_: object) -> object:
    raise _RefusedError("the pickle calls numpy.ndarray itself")


_NDARRAY = _Sealed(_not_callable)
_STAND_INS: dict[tuple[str, str], _Sealed] = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _Sealed(_dtype),
    ("_codecs", "encode"): _Sealed(_encode),
    ("__builtin__", "bytes"): _Sealed(_no_bytes),
}
for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):
    _STAND_INS[_module, "_reconstruct"] = _Sealed(_reconstruct)
    _STAND_INS[_module, "scalar"] = _Sealed(_scalar)


class _Resolver:
    """Replaces recipes by their arrays, within the size that the file itself has.

    References to one object may unfold a small file to any size; data that were pickled from
    separate objects never exceed their file.
    """

    def __init__(self, allowed: int) -> None:
        self._left = allowed

    def resolve(self, item: object, depth: int) -> object:
        """Return the item with every recipe in it replaced."""
        self._spend(1)
        if depth > _MAX_DEPTH:
            raise _RefusedError(f"the pickle nests deeper than {_MAX_DEPTH} levels")
        if item is None or isinstance(item, bool | int | float | str | bytes):
            return item
        if isinstance(item, _ArrayRecipe) and item.array is not None:
            self._spend(item.array.nbytes)
            return item.array
        if isinstance(item, list | tuple):
            return [self.resolve(part, depth + 1) for part in item]
        if isinstance(item, dict):
            return {
                self.resolve(key, depth + 1): self.resolve(value, depth + 1)
                for key, value in item.items()
            }
        raise _RefusedError(f"the pickle holds a {type(item).__name__.lstrip('_')}, not plain data")

    def _spend(self, amount: int) -> None:
        self._left -= amount
        if self._left < 0:
            raise _RefusedError("the pickle would unfold to more than its own size")
