"""A format from outside of the package: plain XYZ, whose comment line is the box's edges."""

from itertools import islice
from pathlib import Path

import numpy as np

from glassbotan.io.options import ReadOptions, given_box
from glassbotan.io.species import species_from_labels
from glassbotan.io.text import column, floats, open_text, particle_count, read_rows
from glassbotan.structure import Snapshot


def read(path: Path, options: ReadOptions) -> Snapshot:
    """Return the configuration."""
    source = str(path)
    with open_text(path) as lines:
        count, edges = islice(lines, 2)
        rows = read_rows(lines, particle_count(count, source), 4, source)
    box = floats(edges.split(), "the box", source) if options.box is None else options.box
    return Snapshot(
        positions=np.stack([floats(column(rows, k), "a row", source) for k in (1, 2, 3)], axis=1),
        species=species_from_labels(column(rows, 0), options.species, source),
        box=given_box(box, 3, source),
        source=source,
    )


def is_header(lines: list[str]) -> bool:
    """Tell whether first lines are a count and three edges."""
    return len(lines) > 1 and lines[0].strip().isdecimal() and len(lines[1].split()) == 3
