"""LAMMPS data files (read_data, write_data): types, positions and box of one configuration.

Read here and not by ASE, which turns types into chemical elements by their masses. Types 1, 2, ...
are species A, B, ...; a plane is a file whose particles all lie at one height.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from glassbotan.errors import InputError
from glassbotan.io import tables
from glassbotan.io.atomic import atomic_output
from glassbotan.io.lammps_box import bounds_of, dimension_of, edges, refuse_tilt
from glassbotan.io.options import ReadOptions
from glassbotan.io.provenance import Provenance, to_json
from glassbotan.io.species import species_from_labels, species_from_types
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray, in_space


class _Style(NamedTuple):
    type: int
    x: int
    width: int


_STYLES = {
    "atomic": _Style(1, 2, 5),
    "charge": _Style(1, 3, 6),
    "bond": _Style(2, 3, 6),
    "angle": _Style(2, 3, 6),
    "molecular": _Style(2, 3, 6),
    "full": _Style(2, 4, 7),
    "sphere": _Style(1, 4, 7),
}
"""The column of the type, the first of x y z, and how many there are without image flags."""

_HEADER_LINE = 200
"""LAMMPS reads header lines of up to 255 characters, and takes what follows for the next line."""


@dataclass
class _Header:
    n_particles: int | None = None
    bounds: dict[str, list[float]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    temperature: float | None = None
    style: str = ""


def read(path: Path, options: ReadOptions) -> Snapshot:
    """Return the configuration, sorted by particle id; velocities and bonds are left aside."""
    source = str(path)
    with tables.open_text(path) as lines:
        header = _header(lines, source)
        rows = _rows(lines, header, source)
    style = _style(header, len(rows[0]), source)
    rows = tables.sorted_by_id(rows, 0, source)
    positions = tables.vectors(rows, range(style.x, style.x + 3), "a coordinate", source)
    bounds = _bounds(header, source)
    dimension = dimension_of(positions, bounds)
    return Snapshot(
        positions=positions[:, :dimension],
        species=_species(rows, style, header, options, source),
        box=edges(bounds, options.box, dimension, source),
        temperature=header.temperature,
        source=source,
    )


def write(path: Path, snapshot: Snapshot, provenance: Provenance | None) -> None:
    """Write a configuration in atom style atomic; the format holds no fields."""
    padded = in_space(snapshot.positions)
    ids = np.arange(1, snapshot.n_particles + 1)
    bounds = bounds_of(snapshot.box)
    with atomic_output(path) as temporary, temporary.open("w", encoding="utf-8") as out:
        out.write(f"glassbotan snapshot, {snapshot.dimension} dimensions, Lennard-Jones units\n")
        out.write(f"\n{snapshot.n_particles} atoms\n{snapshot.species.max() + 1} atom types\n\n")
        for axis, (low, high) in zip("xyz", bounds.tolist(), strict=True):
            out.write(f"{low!r} {high!r} {axis}lo {axis}hi\n")
        out.writelines(_remarks(snapshot, provenance))
        out.write("\nAtoms # atomic\n\n")
        out.writelines(tables.format_rows([ids, snapshot.species + 1, *padded.T]))


def _remarks(snapshot: Snapshot, provenance: Provenance | None) -> Iterator[str]:
    if snapshot.temperature is not None:
        yield f"# temperature {snapshot.temperature!r}\n"
    text = to_json(provenance) if provenance else ""
    for start in range(0, len(text), _HEADER_LINE):
        yield f"# provenance {text[start : start + _HEADER_LINE]}\n"


def _header(lines: Iterator[str], source: str) -> _Header:
    """Read up to the line that opens the section Atoms."""
    header, section = _Header(), ""
    # The first line is a title, whatever it says.
    next(lines, "")
    for line in lines:
        text, _, remark = (part.strip() for part in line.partition("#"))
        if text == "Atoms":
            header.style = remark.split()[0].partition("/")[0] if remark else ""
            return header
        if re.fullmatch(r"[A-Z][A-Za-z]*( [A-Z][A-Za-z]*)*", text):
            section = text
        elif section == "Atom Type Labels" and len(text.split()) == 2:
            number, label = text.split()
            header.labels[label] = number
        elif not section:
            _header_line(header, text, remark, source)
    raise InputError(f"{source}: has no section Atoms; it is no LAMMPS data file, or cut off")


def _header_line(header: _Header, text: str, remark: str, source: str) -> None:
    words = text.split()
    if words[1:] == ["atoms"]:
        header.n_particles = tables.particle_count(words[0], source)
    elif words[2:] in (["xlo", "xhi"], ["ylo", "yhi"], ["zlo", "zhi"]):
        header.bounds[words[2][0]] = tables.floats(
            words[:2], f"the box along {words[2][0]}", source
        ).tolist()
    elif words[3:] == ["xy", "xz", "yz"]:
        refuse_tilt(tables.floats(words[:3], "xy xz yz", source), source)
    elif words[-1:] in (["avec"], ["bvec"], ["cvec"]):
        raise InputError(
            f"{source}: its box is given by vectors; triclinic boxes are not supported"
        )
    elif not text and remark.startswith("temperature "):
        header.temperature = float(tables.floats(remark.split()[1:2], "temperature", source)[0])


def _rows(lines: Iterator[str], header: _Header, source: str) -> tables.Rows:
    if header.n_particles is None:
        raise InputError(f"{source}: its header does not tell the number of atoms")
    # LAMMPS skips the one line after the name of a section.
    blank = next(lines, "")
    if blank.strip():
        raise InputError(f"{source}: a blank line is due after Atoms")
    plain = (line.partition("#")[0] for line in lines)
    return tables.split(tables.take(plain, header.n_particles, source), None, source)


def _style(header: _Header, width: int, source: str) -> _Style:
    if header.style and header.style not in _STYLES:
        raise InputError(
            f"{source}: atom style {header.style!r} is not known; "
            f"write the file in one of {', '.join(_STYLES)}"
        )
    # Files of old carry no style; five columns (eight with image flags) can only be atomic.
    style = _STYLES.get(header.style or "atomic", _STYLES["atomic"])
    if width not in (style.width, style.width + 3):
        named = f"atom style {header.style}" if header.style else "without a style, atomic"
        raise InputError(
            f"{source}: Atoms has {width} columns; {named} has {style.width}, or "
            f'{style.width + 3} with image flags; name the style, as in "Atoms # full"'
        )
    return style


def _bounds(header: _Header, source: str) -> FloatArray:
    missing = [axis for axis in "xyz" if axis not in header.bounds]
    if missing:
        raise InputError(f"{source}: its header has no line {missing[0]}lo {missing[0]}hi")
    return np.array([header.bounds[axis] for axis in "xyz"])


def _species(
    rows: tables.Rows, style: _Style, header: _Header, options: ReadOptions, source: str
) -> np.ndarray:
    labels = tables.column(rows, style.type)
    by_label = options.species is not None and any(
        name in header.labels for name in options.species
    )
    if by_label:
        names = {number: label for label, number in header.labels.items()}
        return species_from_labels([names.get(t, t) for t in labels], options.species, source)
    numbers = [header.labels.get(text, text) for text in labels]
    types = tables.integers(numbers, "the type", source)
    return species_from_types(types, options.species, first=1, source=source)
