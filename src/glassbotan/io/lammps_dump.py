"""LAMMPS dumps as text (dump atom, dump custom), of one frame or many.

Read here and not by ASE, which guesses elements and boxes. Coordinates may be wrapped (x), scaled
(xs), unwrapped (xu) or both (xsu); image flags do not matter to a periodic configuration. Types
1, 2, ... are species A, B, ...; a plane is a frame whose particles all lie at one height.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np

from glassbotan.dynamics import Motion
from glassbotan.errors import InputError
from glassbotan.io import tables
from glassbotan.io.atomic import atomic_output
from glassbotan.io.columns import check_columns, scalar_columns, with_quantities
from glassbotan.io.lammps_box import bounds_of, dimension_of, edges, refuse_tilt
from glassbotan.io.options import ReadOptions, pick_frame
from glassbotan.io.provenance import Provenance
from glassbotan.io.species import species_from_labels, species_from_types
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray, in_space

_COORDINATES = (("x", "y", "z"), ("xs", "ys", "zs"), ("xu", "yu", "zu"), ("xsu", "ysu", "zsu"))
_OWN = {"id", "type", "element", "ix", "iy", "iz", *(n for names in _COORDINATES for n in names)}


class _Frame(NamedTuple):
    box_title: str
    box_lines: list[str]
    names: list[str]
    lines: list[str]


def read(path: Path, options: ReadOptions) -> Snapshot:
    """Return one frame, sorted by particle id; further columns become fields of the snapshot."""
    with tables.open_text(path) as lines:
        frame = pick_frame(_frames(lines, str(path)), options.frame, str(path))
    return _snapshot(frame, options, str(path))


def write(path: Path, item: Snapshot | Motion, provenance: Provenance | None) -> None:  # noqa: ARG001 - the format has no place for remarks
    """Write one frame, a motion with its propensity as columns."""
    snapshot = with_quantities(item)
    check_columns(snapshot.fields, _OWN, path)
    fields = scalar_columns(snapshot.fields)
    padded = in_space(snapshot.positions)
    ids = np.arange(1, snapshot.n_particles + 1)
    with atomic_output(path) as temporary, temporary.open("w", encoding="utf-8") as out:
        out.write(f"ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n{snapshot.n_particles}\n")
        out.write("ITEM: BOX BOUNDS pp pp pp\n")
        out.writelines(f"{low!r} {high!r}\n" for low, high in bounds_of(snapshot.box).tolist())
        out.write(" ".join(["ITEM: ATOMS id type x y z", *fields]) + "\n")
        out.writelines(tables.format_rows([ids, snapshot.species + 1, *padded.T, *fields.values()]))


def _frames(lines: TextIO, source: str) -> Iterator[_Frame]:
    count, box_title, box_lines = None, "", [""]
    for line in lines:
        if not line.strip():
            continue
        if not line.startswith("ITEM:"):
            raise InputError(f"{source}: expected a line that starts with ITEM:, got {line[:40]!r}")
        item = line.removeprefix("ITEM:").strip()
        if item == "NUMBER OF ATOMS":
            count = tables.particle_count(next(lines, ""), source)
        elif item.startswith("BOX BOUNDS"):
            box_title, box_lines = item, list(islice(lines, 3))
        elif item.startswith("ATOMS"):
            if count is None or not box_title:
                raise InputError(f"{source}: ATOMS come before NUMBER OF ATOMS and BOX BOUNDS")
            body = tables.take(lines, count, source)
            yield _Frame(box_title, box_lines, item.split()[1:], body)
            count, box_title = None, ""
        else:
            # TIMESTEP, TIME and UNITS: one line each.
            next(lines, "")
    if count is not None or box_title:
        raise InputError(f"{source}: is cut off within a frame")


def _snapshot(frame: _Frame, options: ReadOptions, source: str) -> Snapshot:
    names = frame.names
    if len(set(names)) < len(names):
        raise InputError(f"{source}: a column stands twice in ITEM: ATOMS {' '.join(names)[:60]}")
    rows = tables.split(frame.lines, len(names), source)
    if "id" in names:
        rows = tables.sorted_by_id(rows, names.index("id"), source)
    bounds = _bounds(frame, source)
    positions = _positions(rows, names, bounds, source)
    dimension = dimension_of(positions, bounds)
    _check_periodic(frame.box_title, dimension, source)
    return Snapshot(
        positions=positions[:, :dimension],
        species=_species(rows, names, options, source),
        box=edges(bounds, options.box, dimension, source),
        fields={
            name: tables.best_type(tables.column(rows, k))
            for k, name in enumerate(names)
            if name not in _OWN
        },
        source=source,
    )


def _bounds(frame: _Frame, source: str) -> FloatArray:
    """Return the ends of each axis, shape [3, 2]; refuse a tilted box."""
    if len(frame.box_lines) < 3 or "abc" in frame.box_title:
        raise InputError(f"{source}: BOX BOUNDS are cut off, or of a general triclinic box")
    width = 3 if "xy xz yz" in frame.box_title else 2
    values = [tables.floats(line.split(), "BOX BOUNDS", source) for line in frame.box_lines]
    if any(len(value) != width for value in values):
        raise InputError(f"{source}: BOX BOUNDS must have {width} numbers a line")
    table = np.stack(values)
    refuse_tilt(table[:, 2:].reshape(-1), source)
    return table[:, :2]


def _check_periodic(box_title: str, dimension: int, source: str) -> None:
    flags = box_title.replace("xy xz yz", "").split()[2:]
    for axis, flag in zip("xyz"[:dimension], flags, strict=False):
        if flag != "pp":
            raise InputError(
                f"{source}: is not periodic along {axis} (boundary {flag}); "
                "only periodic boxes are supported"
            )


def _positions(rows: tables.Rows, names: list[str], bounds: FloatArray, source: str) -> FloatArray:
    found = next((c for c in _COORDINATES if all(name in names for name in c)), None)
    if found is None:
        raise InputError(f"{source}: has no columns x y z (or xs ys zs, xu yu zu, xsu ysu zsu)")
    positions = tables.vectors(rows, [names.index(name) for name in found], "a coordinate", source)
    if "s" in found[0]:
        positions = bounds[:, 0] + positions * (bounds[:, 1] - bounds[:, 0])
    return positions


def _species(rows: tables.Rows, names: list[str], options: ReadOptions, source: str) -> np.ndarray:
    by_element = options.species is not None and not all(s.isdecimal() for s in options.species)
    if "element" in names and (by_element or "type" not in names):
        return species_from_labels(
            tables.column(rows, names.index("element")), options.species, source
        )
    if "type" not in names:
        raise InputError(f"{source}: has neither a column type nor a column element")
    texts = tables.column(rows, names.index("type"))
    if not all(text.isdecimal() for text in texts):
        return species_from_labels(texts, options.species, source)
    types = tables.integers(texts, "type", source)
    return species_from_types(types, options.species, first=1, source=source)
