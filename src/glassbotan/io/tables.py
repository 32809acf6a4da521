"""Reading and writing tables of text, with errors that name the line."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import InputError
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import IntArray

Rows = list[list[str]]


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open a text file for reading; InputError where it is not text or cannot be read."""
    try:
        with path.open(encoding="utf-8") as lines:
            yield lines
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not a text file, or a damaged one") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def take(lines: Iterable[str], count: int, source: str) -> list[str]:
    """Return the lines of so many particles; InputError where the file ends before."""
    # islice stops with the file, so a wrong count costs no memory.
    found = list(islice(lines, count))
    if len(found) < count:
        raise InputError(
            f"{source}: ends after {len(found)} of {count} particles; the file is cut off or its "
            "number of particles is wrong"
        )
    return found


def split(lines: Sequence[str], n_columns: int | None, source: str) -> Rows:
    """Return lines split at white space; ``n_columns`` None asks only for equal lengths.

    Raises
    ------
    InputError
        A row has another number of columns.

    """
    rows = [line.split() for line in lines]
    expected = n_columns if n_columns is not None or not rows else len(rows[0])
    for k, row in enumerate(rows):
        if len(row) != expected:
            raise InputError(
                f"{source}: the row of particle {k + 1} has {len(row)} columns; "
                f"expected {expected}: {' '.join(row)[:60]!r}"
            )
    return rows


def sorted_by_id(rows: Rows, index: int, source: str) -> Rows:
    """Return rows by the id in one of their columns; InputError where one stands twice."""
    ids = integers(column(rows, index), "the id", source)
    if len(np.unique(ids)) < len(ids):
        raise InputError(f"{source}: a particle id stands twice in one frame")
    return [rows[k] for k in np.argsort(ids)]


def vectors(rows: Rows, indices: Sequence[int], name: str, source: str) -> FloatArray:
    """Return some columns as numbers, shape [rows, indices]; errors as of :func:`floats`."""
    return np.stack([floats(column(rows, k), name, source) for k in indices], axis=1)


def column(rows: Rows, index: int) -> list[str]:
    """Return one column."""
    return [row[index] for row in rows]


def floats(texts: Sequence[str], name: str, source: str) -> FloatArray:
    """Return texts as numbers, shape [len(texts)]; InputError names the first that is none."""
    try:
        return np.array(texts, dtype=np.float64)
    except ValueError:
        bad = _first_bad(texts, float)
        raise InputError(f"{source}: {name} holds {bad!r}, which is not a number") from None


def integers(texts: Sequence[str], name: str, source: str) -> IntArray:
    """Return texts as whole numbers, shape [len(texts)]; InputError names the first that is none.

    The range is that of 64-bit integers.
    """
    try:
        return np.array([int(text) for text in texts], dtype=np.int64)
    except (ValueError, OverflowError):
        bad = _first_bad(texts, lambda text: np.int64(int(text)))
        raise InputError(f"{source}: {name} holds {bad!r}, which is not a whole number") from None


def particle_count(text: str, source: str) -> int:
    """Return a file's number of particles; InputError where it is no positive whole number."""
    text = text.strip()
    if not text.isdecimal() or len(text) > 12 or int(text) == 0:
        raise InputError(
            f"{source}: the number of particles is {text[:40]!r}; expected a positive whole number"
        )
    return int(text)


def best_type(texts: Sequence[str]) -> NDArray[np.generic]:
    """Return texts as whole numbers, else as numbers, else as they are."""
    for convert in (int, float):
        try:
            values = np.array([convert(text) for text in texts])
        except (ValueError, OverflowError):
            continue
        if values.dtype.kind in "if":
            return values
    return np.array(texts, dtype=np.str_)


def format_rows(columns: Sequence[NDArray[np.generic]]) -> Iterator[str]:
    """Yield one line a particle; numbers in the shortest form that reads back to the same value."""
    for row in zip(*(values.tolist() for values in columns), strict=True):
        yield " ".join(_format(value) for value in row) + "\n"


def _format(value: object) -> str:
    if isinstance(value, bool):
        return "T" if value else "F"
    return value if isinstance(value, str) else repr(value)


def _first_bad(texts: Sequence[str], convert: Callable[[str], object]) -> str:
    for text in texts:
        try:
            convert(text)
        except (ValueError, OverflowError):
            return text[:40]
    return ""
