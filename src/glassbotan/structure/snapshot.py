"""One static configuration of a glass."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import InputError
from glassbotan.structure.periodic import FloatArray

IntArray = NDArray[np.int64]
SPECIES_BOUND = 2**31


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Positions, species and periodic box of N particles at one instant.

    Attributes
    ----------
    positions
        Shape [N, d] with d = 2 or 3, length units; wrapped or not.
    species
        Shape [N]; 0 = A, 1 = B, ...
    box
        Edge lengths of the orthorhombic periodic box, shape [d].
    fields
        Further quantities of each particle by name, arrays whose first axis is N.
    temperature
        In units of epsilon/k_B, where it is known.
    source
        The file that it came from, for messages.

    Raises
    ------
    InputError
        Shapes disagree, a number is not finite, an edge length is not positive, or a species is
        negative.

    """

    positions: FloatArray
    species: IntArray
    box: FloatArray
    fields: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    temperature: float | None = None
    source: str = "snapshot"

    def __post_init__(self) -> None:
        """Convert to the documented types and refuse what cannot be a configuration."""
        set_ = object.__setattr__
        set_(self, "positions", _numeric(self.positions, "positions", self.source))
        set_(self, "box", _numeric(self.box, "box", self.source))
        set_(self, "species", _species(self.species, self.source))
        _check_shapes(self)
        _check_values(self)

    @property
    def n_particles(self) -> int:
        """The number of particles N."""
        return len(self.positions)

    @property
    def dimension(self) -> int:
        """The number of space dimensions d."""
        return int(self.positions.shape[1])

    @property
    def density(self) -> float:
        """Number density N / volume (area in two dimensions)."""
        return self.n_particles / float(np.prod(self.box))

    @property
    def composition(self) -> dict[int, float]:
        """Fraction of the particles that each species makes up."""
        present, counts = np.unique(self.species, return_counts=True)
        return {int(s): float(c) / self.n_particles for s, c in zip(present, counts, strict=True)}


def fingerprint(snapshot: Snapshot) -> str:
    """Return a checksum of positions, species and box."""
    digest = hashlib.sha256()
    for array in (snapshot.positions, snapshot.species, snapshot.box):
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(str(snapshot.positions.shape).encode())
    return digest.hexdigest()


def species_name(species: int) -> str:
    """Return the letter of a species: 0 is A, 1 is B, ..."""
    return chr(ord("A") + species) if species < 26 else f"S{species}"


def _numeric(values: object, name: str, source: str) -> FloatArray:
    try:
        array = np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{source}: {name} are not numbers ({error})") from None
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        where = ", ".join(str(int(k)) for k in bad[0])
        raise InputError(
            f"{source}: {name}[{where}] is {array[tuple(bad[0])]}, "
            f"and {len(bad)} value(s) in all are not finite; every one must be a finite number"
        )
    return array


def _species(values: object, source: str) -> IntArray:
    array = np.asarray(values)
    # The bound also keeps out what is not finite and what no 64-bit integer can hold.
    numeric = array.dtype.kind in "iuf" and np.all(np.abs(array) < SPECIES_BOUND)
    if not numeric or np.any(array != np.rint(array)):
        raise InputError(f"{source}: species must be whole numbers (0 = A, 1 = B, ...)")
    return np.ascontiguousarray(array, dtype=np.int64)


def _check_shapes(snapshot: Snapshot) -> None:
    positions, species, box = snapshot.positions, snapshot.species, snapshot.box
    if positions.ndim != 2 or positions.shape[1] not in (2, 3) or not len(positions):
        raise InputError(
            f"{snapshot.source}: positions have shape {list(positions.shape)}; "
            "expected [N, 2] or [N, 3] with at least one particle"
        )
    if species.shape != (len(positions),):
        raise InputError(
            f"{snapshot.source}: species have shape {list(species.shape)} "
            f"but there are positions for {len(positions)} particles; one species a particle is due"
        )
    if box.shape != (positions.shape[1],):
        raise InputError(
            f"{snapshot.source}: box has shape {list(box.shape)}; expected "
            f"{positions.shape[1]} edge lengths of an orthorhombic box"
        )
    for name, values in snapshot.fields.items():
        if np.shape(values)[:1] != (len(positions),):
            raise InputError(
                f"{snapshot.source}: field {name!r} has shape {list(np.shape(values))}; "
                f"expected one row for each of {len(positions)} particles"
            )


def _check_values(snapshot: Snapshot) -> None:
    if np.any(snapshot.box <= 0):
        raise InputError(
            f"{snapshot.source}: box edge lengths are {snapshot.box.tolist()}; all must be positive"
        )
    if np.any(snapshot.species < 0):
        raise InputError(
            f"{snapshot.source}: a species is {snapshot.species.min()}; species count from 0"
        )
