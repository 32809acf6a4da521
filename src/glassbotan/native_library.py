"""The package's native libraries, opened through ctypes."""

import ctypes
from collections.abc import Mapping
from importlib.util import find_spec


def open_library(
    module: str, prefix: str, signatures: Mapping[str, tuple[object, list[object]]]
) -> ctypes.CDLL | None:
    """Return the library that stands as an extension module, its functions typed.

    None where it was not built, cannot be loaded or lacks a function: one left over from another
    version is worse than none.

    Parameters
    ----------
    module
        Its full name.
    prefix
        That the names of its functions begin with.
    signatures
        Result and arguments by the rest of the name.

    """
    found = find_spec(module)
    if found is None or found.origin is None:
        return None
    try:
        loaded = ctypes.CDLL(found.origin)
    except OSError:
        return None
    for name, (result, arguments) in signatures.items():
        function = getattr(loaded, f"{prefix}_{name}", None)
        if function is None:
            return None
        function.restype, function.argtypes = result, arguments
    return loaded
