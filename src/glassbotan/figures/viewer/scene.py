"""A comparison as what the page holds: a description in JSON, and numbers in one buffer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics.motion import match_times
from glassbotan.errors import InputError
from glassbotan.evaluation.comparison import SIMULATION, Comparison
from glassbotan.figures.slices import RADII, of_species
from glassbotan.figures.viewer.descriptors import readable_descriptors
from glassbotan.figures.viewer.quantity import CATEGORY, Quantity
from glassbotan.structure import Snapshot, wrap
from glassbotan.structure.periodic import FloatArray, in_space
from glassbotan.structure.snapshot import species_name

FORM = 1
"""Counts up when the page's script needs another form."""

PROPENSITY = "Propensity"
IDENTIFIERS = ("id", "ids", "particle_id", "Particle Identifier")
"""Fields by which files number their particles."""

MOST_SPECIES = 256


@dataclass(frozen=True, eq=False)
class Scene:
    """What the page's script reads.

    Attributes
    ----------
    metadata
        JSON-ready: what there is, and at which byte of the buffer its numbers begin.
    buffer
        Little-endian numbers: float32 positions and values, uint8 species, int32 identifiers.

    """

    metadata: Mapping[str, object]
    buffer: bytes


@dataclass(eq=False)
class _Buffer:
    """Arrays one after the other, each from a multiple of four bytes on."""

    parts: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, values: NDArray[np.generic], kind: str) -> int:
        with np.errstate(over="ignore"):  # beyond single precision is infinite, hence unknown
            content = np.ascontiguousarray(values).astype(kind).tobytes()
        content += b"\0" * (-len(content) % 4)
        begin, self.size = self.size, self.size + len(content)
        self.parts.append(content)
        return begin


def scene_of(comparison: Comparison, *, descriptors: bool = False) -> Scene:
    """Return everything that the page shows of a comparison.

    Quantities are, in this order: the propensity of every motion, the error of every prediction
    that can be compared with the simulation, descriptors, the file's own fields, and species.

    Raises
    ------
    InputError
        There are too many species, or descriptors are asked for and cannot be computed.

    """
    snapshot = comparison.snapshot
    times = _all_times(comparison)
    kinds, numbers = _kinds(snapshot)
    buffer = _Buffer()
    quantities = [_entry(q, times, buffer) for q in _motions(comparison)]
    quantities += _errors(comparison, quantities)
    rest = list(readable_descriptors(snapshot)) if descriptors else []
    rest += [*_fields(snapshot), Quantity("Particle", "species", numbers[None])]
    quantities += [_entry(q, times, buffer) for q in rest]
    quantities[-1]["scale"] = CATEGORY
    identifiers = _identifiers(snapshot)
    folded = wrap(snapshot.positions, snapshot.box)
    metadata: dict[str, object] = {
        "form": FORM,
        "count": snapshot.n_particles,
        "dimension": snapshot.dimension,
        "box": snapshot.box.tolist(),
        "species": [species_name(s) for s in kinds],
        "radii": [of_species(RADII, s) for s in kinds],
        "times": times.tolist(),
        "quantities": quantities,
        "positions": buffer.add(in_space(folded), "<f4"),
        "kinds": buffer.add(numbers, "u1"),
        "ids": None if identifiers is None else buffer.add(identifiers, "<i4"),
    }
    return Scene(metadata, b"".join(buffer.parts))


def _kinds(snapshot: Snapshot) -> tuple[list[int], NDArray[np.int64]]:
    """Return the species present, and for each particle the place of its own among them.

    Raises
    ------
    InputError
        There are more than the page can tell apart.

    """
    present, numbers = np.unique(snapshot.species, return_inverse=True)
    if len(present) > MOST_SPECIES:
        raise InputError(
            f"{snapshot.source}: has {len(present)} species; a view shows at most {MOST_SPECIES}"
        )
    return present.tolist(), numbers


def _all_times(comparison: Comparison) -> FloatArray:
    """Return the times of all motions, those that are the same to 3 % once."""
    return comparison.times([float(t) for _, motion in comparison.motions() for t in motion.times])


def _motions(comparison: Comparison) -> Iterator[Quantity]:
    for name, motion in comparison.motions():
        yield Quantity(
            PROPENSITY,
            f"propensity, {name}",
            motion.propensity,
            "σ",
            meaning="propensity",
            times=motion.times,
        )


def _errors(comparison: Comparison, motions: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return prediction minus simulation as what the page itself computes."""
    if comparison.measured is None:
        return []
    measured, *predictions = motions
    names = [name for name, _ in comparison.motions()][1:]
    return [
        {
            "group": "Error",
            "label": f"error, {name} − {SIMULATION}",
            "meaning": "error of the propensity",
            "unit": "σ",
            "scale": "diverging",
            "rows": [
                k if a >= 0 and b >= 0 else -1
                for k, (a, b) in enumerate(zip(_rows(entry), _rows(measured), strict=True))
            ],
            "difference": [1 + index, 0],
        }
        for index, (name, entry) in enumerate(zip(names, predictions, strict=True))
    ]


def _rows(entry: Mapping[str, object]) -> list[int]:
    rows = entry["rows"]
    assert isinstance(rows, list)
    return rows


def _fields(snapshot: Snapshot) -> Iterator[Quantity]:
    """Yield the file's numbers; of several components each, as name[1], name[2], ..."""
    for name, values in snapshot.fields.items():
        array = np.asarray(values)
        if array.dtype.kind not in "biuf" or array.ndim > 2 or name in IDENTIFIERS:
            continue
        if array.ndim == 1:
            yield Quantity("From the file", name, array[None])
            continue
        for k, column in enumerate(array.T):
            yield Quantity("From the file", f"{name}[{k + 1}]", column[None])


def _identifiers(snapshot: Snapshot) -> NDArray[np.generic] | None:
    """Return the file's own numbers of its particles, where they are whole and each its own."""
    for name in IDENTIFIERS:
        array = np.asarray(snapshot.fields.get(name, ()))
        whole = array.ndim == 1 and array.dtype.kind in "iu" and len(array) == snapshot.n_particles
        if whole and np.all(np.abs(array) < 2**31) and len(np.unique(array)) == len(array):
            return array
    return None


def _entry(quantity: Quantity, times: FloatArray, buffer: _Buffer) -> dict[str, object]:
    rows = [0] if quantity.times is None else match_times(times, quantity.times)
    return {
        "group": quantity.group,
        "label": quantity.name,
        "meaning": quantity.meaning or quantity.name,
        "unit": quantity.unit,
        "scale": quantity.scale,
        "rows": rows,
        "offset": buffer.add(quantity.values, "<f4"),
    }
