"""The package's native libraries, opened through ctypes."""

import ctypes
from collections.abc import Mapping
from ctypes import c_char_p, c_int, c_int64
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

Signatures = Mapping[str, tuple[object, list[object]]]
"""Result and arguments of functions by name."""


@dataclass(frozen=True)
class Variant:
    """One instruction set that a library was compiled for and this machine has.

    Attributes
    ----------
    index
        In the library's table.
    name
        Of the instruction set.
    lanes
        Trajectories that move together in one vector, of the ensemble engine.

    """

    index: int
    name: str
    lanes: int = 1


def open_library(
    module: str,
    prefix: str,
    signatures: Signatures,
    structures: Mapping[str, type[ctypes.Structure]],
) -> ctypes.CDLL | None:
    """Return the library that stands as an extension module, its functions typed.

    None where it was not built, cannot be loaded, lacks a function or knows a structure of another
    size: one left over from another version is worse than none.

    Parameters
    ----------
    module
        Its full name.
    prefix
        That the names of its functions begin with.
    signatures
        Of its own functions, by the rest of the name; those that tell its variants and the sizes
        of structures are known here.
    structures
        That it takes, by name.

    """
    found = find_spec(module)
    if found is None or found.origin is None:
        return None
    try:
        loaded = ctypes.CDLL(found.origin)
    except OSError:
        return None
    everything: Signatures = {
        "variant_count": (c_int, []),
        "variant_name": (c_char_p, [c_int]),
        "variant_runs_here": (c_int, [c_int]),
        **{f"{name}_size": (c_int64, []) for name in structures},
        **signatures,
    }
    for name, (result, arguments) in everything.items():
        function = getattr(loaded, f"{prefix}_{name}", None)
        if function is None:
            return None
        function.restype, function.argtypes = result, arguments
    sizes = {name: getattr(loaded, f"{prefix}_{name}_size")() for name in structures}
    ours = {name: ctypes.sizeof(structure) for name, structure in structures.items()}
    return loaded if sizes == ours else None


def variants_of(library: ctypes.CDLL | None, prefix: str) -> tuple[Variant, ...]:
    """Return the instruction sets that can be used here, best first; none without the library."""
    if library is None:
        return ()

    def told(what: str, *index: int) -> Any:
        return getattr(library, f"{prefix}_variant_{what}")(*index)

    has_lanes = hasattr(library, f"{prefix}_variant_lanes")
    return tuple(
        Variant(k, told("name", k).decode(), told("lanes", k) if has_lanes else 1)
        for k in range(told("count"))
        if told("runs_here", k)
    )
