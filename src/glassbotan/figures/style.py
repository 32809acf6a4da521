"""How the project's pictures look: one style, the widths of a journal, one way to save."""

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassbotan.errors import InputError
from glassbotan.io.atomic import atomic_output
from glassbotan.io.provenance import to_json

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMN = 8.6 / 2.54
"""Width of a journal's column, inches."""
PAGE = 17.8 / 2.54
"""Width of a journal's page (two columns), inches."""
SUFFIXES = (".png", ".pdf", ".svg")

_STYLE = Path(__file__).with_name("glassbotan.mplstyle")


def style() -> AbstractContextManager[None]:
    """Return the context in which pictures are drawn and saved in the project's style."""
    import matplotlib.style

    return matplotlib.style.context(_STYLE)


def new_figure(width: float, height: float) -> "Figure":
    """Return an empty figure, inches wide and high; call within ``style()``."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def check_suffix(path: Path) -> None:
    """Refuse a picture's name before anything is computed for it.

    Raises
    ------
    InputError
        The suffix is not that of a PNG, PDF or SVG.

    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: unknown suffix; use one of {', '.join(SUFFIXES)}")


def save_figure(
    path: Path, figure: "Figure", *, provenance: Mapping[str, object] | None = None
) -> None:
    """Write a figure as PNG, PDF or SVG by suffix, whole or not at all.

    ``provenance`` (see ``glassbotan.provenance``) goes into the file's own metadata, as JSON.

    Raises
    ------
    InputError
        Another suffix, or the file cannot be written there.

    """
    check_suffix(path)
    with style(), atomic_output(path) as temporary:
        figure.savefig(temporary, metadata=_metadata(path.suffix.lower(), provenance or {}))


def panel_letter(axes: "Axes", letter: str) -> None:
    """Write (a), (b), ... at the upper left, outside of the panel."""
    note(axes, f"({letter})", (0, 1), (0, 3), "axes fraction", ha="left")


def note(
    axes: "Axes",
    text: str,
    place: tuple[float, float],
    offset: tuple[float, float],
    coordinates: str | tuple[str, str] = "data",
    *,
    ha: str = "center",
    **look: Any,
) -> None:
    """Write a text above a place, so many points aside; ``look`` is that of ``Axes.annotate``."""
    look |= {"xytext": offset, "textcoords": "offset points", "ha": ha, "va": "bottom"}
    axes.annotate(text, place, xycoords=coordinates, **look)


def logarithmic_time(axes: "Axes", first: float, last: float) -> None:
    """Scale the horizontal axis for Lennard-Jones times over decades, and name it."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.set_xlim(first, last)
    axes.xaxis.set_major_locator(LogLocator(10, numticks=12))
    axes.xaxis.set_minor_locator(LogLocator(10, subs=tuple(range(2, 10)), numticks=12))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("time $t$ (Lennard-Jones units)")


def correlation_in_words(value: float) -> str:
    """Return a correlation as a picture tells it; a constant has none."""
    # The hyphen is no minus sign.
    return "undefined" if math.isnan(value) else f"{value:.2f}".replace("-", "−")


def _metadata(suffix: str, provenance: Mapping[str, object]) -> dict[str, str | None]:
    """Return the record under the name that each format has for remarks, without a date."""
    record = to_json(provenance)
    if suffix == ".png":
        return {"Description": record, "Software": "glassbotan"}
    if suffix == ".pdf":
        return {"Subject": record, "Creator": "glassbotan", "CreationDate": None}
    return {"Description": record, "Creator": "glassbotan", "Date": None}
