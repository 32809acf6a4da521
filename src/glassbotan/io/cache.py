"""What took long to compute, kept in the user's cache: never needed, never trusted blindly."""

import hashlib
import json
import logging
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import GlassbotanError, InputError
from glassbotan.io.atomic import atomic_output
from glassbotan.io.npz import member_names, read_members

LOGGER = logging.getLogger("glassbotan")

Arrays = dict[str, NDArray[Any]]
Kept = TypeVar("Kept")

_NO_ENTRY = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    InputError,
)
"""What a missing, older or damaged entry raises."""

_RECORD = "record"
"""Name in an entry's file of what its arrays follow from."""


def cache_home() -> Path:
    """Return $GLASSBOTAN_CACHE, or glassbotan's folder in the user's cache."""
    if "GLASSBOTAN_CACHE" in os.environ:
        return Path(os.environ["GLASSBOTAN_CACHE"])
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "glassbotan"


def loaded_or_computed(
    entry: Path,
    load: Callable[[Path], Kept],
    compute: Callable[[], Kept],
    save: Callable[[Path, Kept], None],
    what: str,
) -> Kept:
    """Return what an entry of the cache holds, after computing and writing it where need be.

    A missing, older or damaged entry is made anew; one that cannot be written is a warning.

    Parameters
    ----------
    entry
        Its file.
    load
        Reads a file of that form; raises OSError, ValueError, KeyError, InputError or what a
        damaged npz raises where it is none.
    compute
        What the entry holds.
    save
        Writes that to a path.
    what
        They are, for messages: "labels".

    """
    try:
        kept = load(entry)
    except _NO_ENTRY:
        LOGGER.debug("computing %s, for %s", what, entry)
    else:
        LOGGER.debug("%s taken from the cache, %s", what, entry)
        return kept
    computed = compute()
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with atomic_output(entry) as temporary:
            save(temporary, computed)
        # Read back, so that numbers are the same to the last bit now and later.
        return load(entry)
    except (*_NO_ENTRY, GlassbotanError) as error:
        LOGGER.warning("%s are not kept for the next run: %s", what, error)
        return computed


def cached_arrays(record: Mapping[str, Any], compute: Callable[[], Mapping[str, Any]]) -> Arrays:
    """Return arrays by name from the folder "inputs" of the cache, or compute and keep them.

    Parameters
    ----------
    record
        Everything that the arrays follow from, as JSON: the snapshot's
        :func:`glassbotan.structure.snapshot.fingerprint`, the name of what is computed, its
        parameters, and a number of its form, which counts up when the same parameters come to
        mean another computation.
    compute
        Returns the arrays, none of them named "record" or of Python objects.

    Raises
    ------
    InputError
        The record cannot be written as JSON.

    """
    try:
        key = json.dumps(record, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"the record of cached arrays must be plain JSON: {error}") from None
    digest = hashlib.sha256(key.encode()).hexdigest()

    def load(entry: Path) -> Arrays:
        stored = read_members(entry, member_names(entry))
        if str(stored.pop(_RECORD, None)) != key:
            raise ValueError(entry)
        return stored

    def save(path: Path, arrays: Arrays) -> None:
        assert not any(values.dtype.hasobject for values in arrays.values())
        assert _RECORD not in arrays
        named: dict[str, Any] = {_RECORD: np.array(key), **arrays}
        np.savez(path, **named)

    return loaded_or_computed(
        cache_home() / "inputs" / f"{digest}.npz",
        load,
        lambda: {name: np.asarray(values) for name, values in compute().items()},
        save,
        "inputs",
    )
