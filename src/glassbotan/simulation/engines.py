"""Which engines for molecular dynamics this installation has."""

from glassbotan.simulation import native


def available() -> dict[str, bool]:
    """Return for each engine by name whether it can run here.

    "ensemble" needs a C++ compiler when the package is installed.
    """
    return {"ensemble": native.library() is not None}
