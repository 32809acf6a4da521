"""Extended XYZ: a text table of particles, with box and further facts in its second line.

ASE is not used here: its reader and Atoms know chemical elements alone, and refuse the species
letter A (and would take B for boron). What ASE and OVITO write is read; what is written here, any
reader of extended XYZ reads that admits such letters, as OVITO does.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics import Motion
from glassbotan.errors import InputError
from glassbotan.io import tables
from glassbotan.io.atomic import atomic_output
from glassbotan.io.columns import Columns, check_columns, with_quantities
from glassbotan.io.options import ReadOptions, given_box, pick_frame
from glassbotan.io.provenance import Provenance, from_json, to_json
from glassbotan.io.species import species_from_labels
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray, in_space
from glassbotan.structure.snapshot import species_name

_PAIR = re.compile(
    r"""(?P<key>"(?:\\.|[^"\\])*"|[^\s="]+)(?:\s*=\s*(?P<value>
    "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | \{[^}]*\} | \[[^\]]*\] | \S+ ))?""",
    re.VERBOSE,
)
_SPECIES = ("species", "type", "types", "particle_type", "atom_types")
_POSITIONS = ("pos", "positions")
_KINDS = {"b": "L", "i": "I", "u": "I", "f": "R", "U": "S"}
"""Of a column, by NumPy's kind of its numbers."""
_TRUE, _FALSE = {"T", "TRUE", "1"}, {"F", "FALSE", "0"}


class _Column(NamedTuple):
    name: str
    kind: str
    first: int
    width: int


class _Frame(NamedTuple):
    comment: str
    lines: list[str]


def read(path: Path, options: ReadOptions) -> Snapshot:
    """Return one frame of the file; further columns become fields of the snapshot."""
    with tables.open_text(path) as lines:
        frame = pick_frame(_frames(lines, str(path)), options.frame, str(path))
    return _snapshot(frame, options, str(path))


def write(path: Path, item: Snapshot | Motion, provenance: Provenance | None) -> None:
    """Write a snapshot with its fields, or a motion with its propensity as columns."""
    snapshot = with_quantities(item)
    check_columns(snapshot.fields, {"pos", *_SPECIES}, path)
    letters = np.array([species_name(int(s)) for s in snapshot.species])
    padded = in_space(snapshot.positions)
    fields = {"species": letters, "pos": padded, **snapshot.fields}
    columns = [
        part
        for values in fields.values()
        for part in np.asarray(values).reshape(snapshot.n_particles, -1).T
    ]
    with atomic_output(path) as temporary, temporary.open("w", encoding="utf-8") as out:
        out.write(f"{snapshot.n_particles}\n{_comment(snapshot, fields, provenance)}\n")
        out.writelines(tables.format_rows(columns))


def read_provenance(path: Path) -> dict[str, object]:
    """Return where the file's first frame came from; empty where it does not say."""
    with tables.open_text(path) as lines:
        next(lines, "")
        return from_json(_info(next(lines, "")).get("provenance", ""))


def is_header(lines: list[str]) -> bool:
    """Tell whether first lines are those of an extended XYZ file."""
    return (
        len(lines) > 1
        and lines[0].strip().isdecimal()
        and bool(re.search(r"(Lattice|Properties)\s*=", lines[1]))
    )


def _comment(snapshot: Snapshot, fields: Columns, provenance: Provenance | None) -> str:
    # A plane lies in a box of unit height that is not periodic along it.
    edges = np.append(snapshot.box, 1.0)[:3]
    properties = ":".join(
        f"{name}:{_KINDS[values.dtype.kind]}:{1 if values.ndim == 1 else values.shape[1]}"
        for name, values in zip(fields, map(np.asarray, fields.values()), strict=True)
    )
    facts = [
        f'Lattice="{" ".join(repr(x) for x in np.diag(edges).reshape(-1).tolist())}"',
        f"Properties={properties}",
        f'pbc="T T {"T" if snapshot.dimension == 3 else "F"}"',
        f"dimensions={snapshot.dimension}",
    ]
    if snapshot.temperature is not None:
        facts.append(f"temperature={snapshot.temperature!r}")
    if provenance:
        quoted = to_json(provenance).replace("\\", "\\\\").replace('"', '\\"')
        facts.append(f'provenance="{quoted}"')
    return " ".join(facts)


def _frames(lines: TextIO, source: str) -> Iterator[_Frame]:
    for first in lines:
        # ASE and others allow blank lines after the last frame.
        if not first.strip():
            continue
        count = tables.particle_count(first, source)
        comment = next(lines, "")
        yield _Frame(comment, tables.take(lines, count, source))


def _snapshot(frame: _Frame, options: ReadOptions, source: str) -> Snapshot:
    info = _info(frame.comment)
    columns = _columns(info.get("Properties", "species:S:1:pos:R:3"), source)
    width = sum(c.width for c in columns.values())
    rows = tables.split(frame.lines, width, source)
    positions = _positions(rows, columns, source)
    lattice = _lattice(info, source)
    dimension = _dimension(info, lattice, positions, source)
    _check_periodic(info, dimension, source)
    if options.box is not None:
        box = given_box(options.box, dimension, source)
    elif lattice is None:
        raise InputError(f"{source}: has no Lattice, so its periodic box is unknown; give the box")
    else:
        box = lattice[:dimension]
    species = _species_column(columns, source)
    used = {species.name, *_POSITIONS}
    return Snapshot(
        positions=positions[:, :dimension],
        species=species_from_labels(tables.column(rows, species.first), options.species, source),
        box=box,
        fields={c.name: _field(rows, c, source) for c in columns.values() if c.name not in used},
        temperature=_temperature(info),
        source=source,
    )


def _info(comment: str) -> dict[str, str]:
    """Return the key=value pairs of the second line; a key alone is true."""
    info = {}
    for pair in _PAIR.finditer(comment):
        value = pair["value"] if pair["value"] is not None else "T"
        if value[0] in "\"'{[" and len(value) > 1:
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        info[pair["key"].strip('"')] = value
    lowered = {key.lower(): key for key in info}
    for name in ("Lattice", "Properties"):
        if name not in info and name.lower() in lowered:
            info[name] = info[lowered[name.lower()]]
    return info


def _columns(properties: str, source: str) -> dict[str, _Column]:
    parts = properties.split(":")
    triples = list(zip(parts[::3], parts[1::3], parts[2::3], strict=False))
    columns, first = {}, 0
    for name, kind, width in triples:
        known = kind in ("S", "R", "I", "L") and re.fullmatch(r"[1-9]\d{0,3}", width)
        if not known or name in columns:
            raise InputError(f"{source}: Properties hold {name}:{kind}:{width}, which is no column")
        columns[name] = _Column(name, kind, first, int(width))
        first += int(width)
    if len(parts) % 3 or not columns:
        raise InputError(
            f"{source}: Properties={properties[:60]!r} are not name:type:width triples"
        )
    return columns


def _positions(rows: tables.Rows, columns: dict[str, _Column], source: str) -> FloatArray:
    found = next((columns[name] for name in _POSITIONS if name in columns), None)
    if found is None or found.width not in (2, 3):
        raise InputError(f"{source}: has no column pos:R:3 with the positions")
    return tables.vectors(rows, range(found.first, found.first + found.width), "pos", source)


def _species_column(columns: dict[str, _Column], source: str) -> _Column:
    for name in _SPECIES:
        if name in columns and columns[name].width == 1 and columns[name].kind in "SI":
            return columns[name]
    raise InputError(f"{source}: has no column species:S:1 (or type:I:1) with the species")


def _lattice(info: dict[str, str], source: str) -> FloatArray | None:
    """Return the edges of the orthorhombic lattice, shape [3]; None where there is none."""
    if "Lattice" not in info:
        return None
    values = tables.floats(info["Lattice"].replace(",", " ").split(), "Lattice", source)
    if values.shape != (9,):
        raise InputError(f"{source}: Lattice has {len(values)} numbers; expected nine")
    vectors = values.reshape(3, 3)
    tilt = vectors - np.diag(np.diag(vectors))
    if np.any(np.abs(tilt) > 1e-9 * np.abs(vectors).max()):
        raise InputError(
            f"{source}: its Lattice {vectors.tolist()} is not orthorhombic; "
            "triclinic boxes are not supported"
        )
    return np.diag(vectors).copy()


def _dimension(
    info: dict[str, str], lattice: FloatArray | None, positions: FloatArray, source: str
) -> int:
    if positions.shape[1] == 2:
        return 2
    named = info.get("dimensions")
    if named not in (None, "2", "3"):
        raise InputError(f"{source}: dimensions={named!r}; expected 2 or 3")
    flat = bool(np.all(positions[:, 2] == positions[0, 2]))
    no_height = lattice is not None and lattice[2] == 0
    if named == "3" or not (named or no_height or not _pbc(info, source)[2]):
        return 3
    if not flat:
        raise InputError(
            f"{source}: the third coordinate is not periodic, but differs between particles; only "
            "fully periodic three- or two-dimensional configurations are supported"
        )
    return 2


def _pbc(info: dict[str, str], source: str) -> list[bool]:
    texts = info.get("pbc", "T T T").replace(",", " ").upper().split()
    texts = texts * 3 if len(texts) == 1 else texts
    if len(texts) not in (2, 3) or not all(text in _TRUE | _FALSE for text in texts):
        raise InputError(f"{source}: pbc={info['pbc']!r}; expected three of T and F")
    return [text in _TRUE for text in [*texts, "F"][:3]]


def _check_periodic(info: dict[str, str], dimension: int, source: str) -> None:
    for axis, periodic in zip("xyz"[:dimension], _pbc(info, source), strict=False):
        if not periodic:
            raise InputError(
                f"{source}: is not periodic along {axis}; only periodic boxes are supported"
            )


def _field(rows: tables.Rows, found: _Column, source: str) -> NDArray[np.generic]:
    parts = [
        _values(tables.column(rows, found.first + k), found.kind, found.name, source)
        for k in range(found.width)
    ]
    return parts[0] if found.width == 1 else np.stack(parts, axis=1)


def _values(texts: list[str], kind: str, name: str, source: str) -> NDArray[np.generic]:
    if kind == "R":
        return tables.floats(texts, name, source)
    if kind == "I":
        return tables.integers(texts, name, source)
    if kind == "S":
        return np.array(texts, dtype=np.str_)
    bad = next((text for text in texts if text.upper() not in _TRUE | _FALSE), None)
    if bad is not None:
        raise InputError(f"{source}: {name} holds {bad[:40]!r}; expected T or F")
    return np.array([text.upper() in _TRUE for text in texts])


def _temperature(info: dict[str, str]) -> float | None:
    try:
        value = float(info.get("temperature", "nan"))
    except ValueError:
        return None
    return value if np.isfinite(value) else None
