"""A format from outside of the package: plain XYZ, whose comment line is the box's edges."""

from itertools import islice
from pathlib import Path

from glassbotan.io import tables
from glassbotan.io.options import ReadOptions, given_box
from glassbotan.io.species import species_from_labels
from glassbotan.structure import Snapshot


def read(path: Path, options: ReadOptions) -> Snapshot:
    """Return the configuration."""
    source = str(path)
    with tables.open_text(path) as lines:
        count, edges = islice(lines, 2)
        rows = tables.split(
            tables.take(lines, tables.particle_count(count, source), source), 4, source
        )
    box = tables.floats(edges.split(), "the box", source) if options.box is None else options.box
    return Snapshot(
        positions=tables.vectors(rows, (1, 2, 3), "a row", source),
        species=species_from_labels(tables.column(rows, 0), options.species, source),
        box=given_box(box, 3, source),
        source=source,
    )


def is_header(lines: list[str]) -> bool:
    """Tell whether first lines are a count and three edges."""
    return len(lines) > 1 and lines[0].strip().isdecimal() and len(lines[1].split()) == 3
