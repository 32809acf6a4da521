"""A comparison as what the page holds: a description in JSON, and numbers in one buffer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics import Motion
from glassbotan.dynamics.motion import match_times
from glassbotan.dynamics.quantities import PROPENSITY, Quantity
from glassbotan.dynamics.quantities import quantity as described
from glassbotan.errors import InputError
from glassbotan.evaluation.comparison import SIMULATION, Comparison
from glassbotan.figures.scales import unit_of
from glassbotan.figures.slices import RADII, of_species
from glassbotan.figures.viewer.colouring import Colouring
from glassbotan.figures.viewer.descriptors import readable_descriptors
from glassbotan.structure import Snapshot, wrap
from glassbotan.structure.periodic import FloatArray, in_space
from glassbotan.structure.snapshot import species_name

FORM = 2
"""Counts up when the page's script needs another form."""

IDENTIFIERS = ("id", "ids", "particle_id", "Particle Identifier")
"""Fields by which files number their particles."""

MOST_SPECIES = 256
CATEGORY = "category"
"""The scale of whole numbers that stand for species."""


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


def scene_of(
    comparison: Comparison, *, quantity: str = PROPENSITY.name, descriptors: bool = False
) -> Scene:
    """Return everything that the page shows of a comparison.

    Colours are, in this order: the quantity in every motion that tells it, the error of every
    prediction that can be compared with the simulation, descriptors, the file's own fields, and
    species.

    Raises
    ------
    InputError
        There is no such quantity of particles, there are too many species, or descriptors are asked
        for and cannot be computed.

    """
    one, snapshot = described(quantity), comparison.snapshot
    if one.place != "particles":
        raise InputError(f"{quantity}: is of {one.place}; a view colours particles")
    times = _all_times(comparison)
    kinds, numbers = _kinds(snapshot)
    buffer = _Buffer()
    told = [(name, m) for name, m in comparison.motions() if quantity in m.values]
    if not told and any(comparison.motions()):
        known = "; ".join(
            f"{m.source} tells {', '.join(m.values)}" for _, m in comparison.motions()
        )
        raise InputError(f"there is no {one.title} to show: {known}")
    quantities = [_entry(_motion(one, name, motion), times, buffer) for name, motion in told]
    if told and told[0][1] is comparison.measured:
        names = [name for name, _ in told]
        quantities += [_error(one, names, quantities, k) for k in range(1, len(told))]
    rest = list(readable_descriptors(snapshot)) if descriptors else []
    rest += [*_fields(snapshot), Colouring("Particle", "species", numbers[None], scale=CATEGORY)]
    quantities += [_entry(q, times, buffer) for q in rest]
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


def _motion(one: Quantity, name: str, motion: Motion) -> Colouring:
    return Colouring(
        group=f"{one.title[0].upper()}{one.title[1:]}",
        name=f"{one.title}, {name}",
        values=motion[one.name],
        unit=unit_of(one),
        meaning=one.title,
        times=motion.times,
        scale="diverging" if one.signed else "sequential",
    )


def _error(
    one: Quantity, names: Sequence[str], entries: Sequence[dict[str, Any]], k: int
) -> dict[str, object]:
    """Return the k-th motion minus the simulation as what the page itself computes."""
    measured, predicted = entries[0]["rows"], entries[k]["rows"]
    return {
        "group": "Error",
        "label": f"error, {names[k]} − {SIMULATION}",
        "meaning": f"error of the {one.title}",
        "unit": unit_of(one),
        "scale": "diverging",
        "timed": True,
        "rows": [
            row if a >= 0 and b >= 0 else -1
            for row, (a, b) in enumerate(zip(predicted, measured, strict=True))
        ],
        "difference": [k, 0],
    }


def _fields(snapshot: Snapshot) -> Iterator[Colouring]:
    """Yield the file's numbers; of several components each, as name[1], name[2], ..."""
    for name, values in snapshot.fields.items():
        array = np.asarray(values)
        if array.dtype.kind not in "biuf" or array.ndim > 2 or name in IDENTIFIERS:
            continue
        if array.ndim == 1:
            yield Colouring("From the file", name, array[None])
            continue
        for k, column in enumerate(array.T):
            yield Colouring("From the file", f"{name}[{k + 1}]", column[None])


def _identifiers(snapshot: Snapshot) -> NDArray[np.generic] | None:
    """Return the file's own numbers of its particles, where they are whole and each its own."""
    for name in IDENTIFIERS:
        array = np.asarray(snapshot.fields.get(name, ()))
        whole = array.ndim == 1 and array.dtype.kind in "iu" and len(array) == snapshot.n_particles
        if whole and np.all(np.abs(array) < 2**31) and len(np.unique(array)) == len(array):
            return array
    return None


def _entry(colouring: Colouring, times: FloatArray, buffer: _Buffer) -> dict[str, Any]:
    known = colouring.times
    return {
        "group": colouring.group,
        "label": colouring.name,
        "meaning": colouring.meaning or colouring.name,
        "unit": colouring.unit,
        "scale": colouring.scale,
        "timed": known is not None,
        "rows": [0] if known is None else match_times(times, known),
        "offset": buffer.add(colouring.values, "<f4"),
    }
