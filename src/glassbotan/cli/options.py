"""Texts of the command line as values."""

from glassbotan.errors import InputError
from glassbotan.io.species import parse_species as _parse_species


def parse_box(text: str | None) -> list[float] | None:
    """Return the edge lengths of "LX,LY,LZ" or of one number; None for None.

    Raises
    ------
    InputError
        The text is not one to three positive numbers.

    """
    if text is None:
        return None
    try:
        edges = [float(part) for part in text.split(",")]
    except ValueError:
        edges = []
    if not 1 <= len(edges) <= 3 or not all(0 < edge < float("inf") for edge in edges):
        raise InputError(
            f"--box {text!r}: expected one positive edge length, or as many as dimensions, "
            'such as "15.05658" or "12,12,20"'
        )
    return edges


def parse_species(text: str | None) -> dict[str, int] | None:
    """Return {"Ni": 0, "P": 1} for "Ni:0,P:1"; None for None.

    Raises
    ------
    InputError
        The text has another form.

    """
    return None if text is None else _parse_species(text)
