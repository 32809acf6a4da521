"""From the symbols and types of a file to species: 0 = A, 1 = B, ..."""

import logging
import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import InputError
from glassbotan.structure.snapshot import SPECIES_BOUND, IntArray

LOGGER = logging.getLogger("glassbotan")


def parse_species(text: str) -> dict[str, int]:
    """Return {"Ni": 0, "P": 1} for "Ni:0,P:1"; species may also be letters, "Ni:A,P:B".

    Raises
    ------
    InputError
        The text has another form, or names a symbol twice.

    """
    mapping: dict[str, int] = {}
    for part in text.split(","):
        symbol, colon, species = (piece.strip() for piece in part.partition(":"))
        number = int(species) if re.fullmatch(r"\d{1,9}", species) else _letter(species)
        if not (symbol and colon) or number is None or symbol in mapping:
            raise InputError(
                f'species {text!r}: expected each symbol once with its number, such as "Ni:0,P:1"'
            )
        mapping[symbol] = number
    return mapping


def species_from_labels(
    labels: Sequence[str] | NDArray[np.str_], mapping: Mapping[str, int] | None, source: str
) -> IntArray:
    """Return the species of particles by their labels, shape [N].

    With a mapping, by the mapping. Without one, whole numbers count from 0, or from 1 where no 0
    stands (as in LAMMPS and OVITO; this is said in the log), and the letters A, B, C, ... stand
    for themselves.

    Raises
    ------
    InputError
        A label is neither in the mapping nor understood without one.

    """
    present, which = np.unique(np.asarray(labels, dtype=np.str_), return_inverse=True)
    symbols = [str(symbol) for symbol in present]
    if not mapping:
        numbers = _understood(symbols, source)
    elif missing := [symbol for symbol in symbols if symbol not in mapping]:
        raise InputError(
            f"{source}: species are given for {', '.join(mapping)} but not for "
            f"{', '.join(missing)}, which is in the file"
        )
    else:
        numbers = [int(mapping[symbol]) for symbol in symbols]
    return np.asarray(numbers, dtype=np.int64)[which.reshape(-1)]


def species_from_types(
    types: NDArray[np.generic], mapping: Mapping[str, int] | None, *, first: int, source: str
) -> IntArray:
    """Return the species of integer types that count from ``first``, shape [N].

    Raises
    ------
    InputError
        Types are not whole numbers from ``first`` on, or not in the mapping.

    """
    numeric = (
        types.ndim == 1 and types.dtype.kind in "iuf" and np.all(np.abs(types) < SPECIES_BOUND)
    )
    if not numeric or np.any(types != np.rint(types)):
        raise InputError(f"{source}: types must be one whole number a particle")
    whole = types.astype(np.int64)
    if mapping:
        return species_from_labels([str(t) for t in whole], mapping, source)
    if len(whole) and whole.min() < first:
        raise InputError(
            f"{source}: a particle has type {whole.min()}, but types count from {first} in this "
            f'format; say what they mean with species, such as "0:0,1:1"'
        )
    return whole - first


def _understood(symbols: list[str], source: str) -> list[int]:
    if all(re.fullmatch(r"\d{1,9}", symbol) for symbol in symbols):
        types = [int(symbol) for symbol in symbols]
        if 0 in types:
            return types
        LOGGER.info("%s: its types count from 1, so type 1 is read as A, 2 as B, ...", source)
        return [number - 1 for number in types]
    numbers = [_letter(symbol) for symbol in symbols]
    # C, N and O are letters and elements; a mixture without any A is more likely of elements.
    elements = "A" not in symbols and any((n or 0) > 3 for n in numbers)
    if any(number is None for number in numbers) or elements:
        example = ",".join(f"{symbol}:{k}" for k, symbol in enumerate(symbols[:4]))
        raise InputError(
            f"{source}: the species {', '.join(symbols[:8])} are not the letters A, B, ...; "
            f'say which is which with species, such as "{example}"'
        )
    return [number for number in numbers if number is not None]


def _letter(symbol: str) -> int | None:
    """Undo structure.snapshot.species_name."""
    if re.fullmatch(r"[A-Z]", symbol):
        return ord(symbol) - ord("A")
    numbered = re.fullmatch(r"S(\d{2,9})", symbol)
    return int(numbered[1]) if numbered else None
