"""One static configuration of a glass."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import InputError
from glassbotan.structure.periodic import FloatArray, in_space

if TYPE_CHECKING:
    from ase import Atoms

IntArray = NDArray[np.int64]
SPECIES_BOUND = 2**31
FARTHEST = 2**20
"""Box lengths from the origin; farther away, rounding moves a particle within its box."""


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
        Shapes disagree, a number is not finite, an edge length or the temperature is not positive,
        a species is negative, or a position is farther than ``FARTHEST`` box lengths away.

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
        if self.temperature is not None:
            temperature = _numeric(self.temperature, "temperature", self.source)
            set_(self, "temperature", temperature.item())
        set_(self, "fields", {name: np.asarray(x) for name, x in self.fields.items()})
        _check_shapes(self)
        _check_values(self)

    def __repr__(self) -> str:
        """Return what it is of, in a line."""
        species = ", ".join(f"{species_name(s)} {x:.4g}" for s, x in self.composition.items())
        box = " x ".join(f"{edge:.6g}" for edge in self.box)
        warmth = "" if self.temperature is None else f", T = {self.temperature:g}"
        return (
            f"<Snapshot {self.source}: {self.n_particles} particles ({species}), box {box}{warmth}>"
        )

    @classmethod
    def from_ase(cls, atoms: "Atoms", *, species: Mapping[str, int] | None = None) -> "Snapshot":
        """Return a snapshot of ASE's ``Atoms``; further arrays of the atoms become its fields.

        Parameters
        ----------
        atoms
            In an orthorhombic cell; periodic along all three edges, or along the first two of a
            plane, whose z are all the same.
        species
            Species by chemical symbol, as in ``{"Ni": 0, "P": 1}``; by default the array ``type``
            (1 = A, 2 = B, ...), which ``to_ase`` and ASE's reader of LAMMPS data leave.

        Raises
        ------
        InputError
            The cell is tilted, has no volume or is not periodic, or the species are not told.

        """
        source = "atoms"
        cell, z = np.array(atoms.cell), atoms.positions[:, 2]
        periodic = [bool(p) for p in atoms.pbc]
        flat = periodic == [True, True, False] and len(z) > 0 and bool(np.all(z == z[0]))
        if not (all(periodic) or flat):
            raise InputError(
                f"{source}: periodic is {periodic}; all three edges of the cell must be, "
                "or the first two of a plane whose z are all the same"
            )
        if np.any(np.abs(cell - np.diag(np.diag(cell))) > 1e-9 * np.abs(cell).max()):
            raise InputError(
                f"{source}: the cell {cell.tolist()} is not orthorhombic; "
                "triclinic boxes are not supported"
            )
        dimension = 2 if flat else 3
        own = {"positions", "numbers", "type"}
        return cls(
            positions=atoms.positions[:, :dimension].copy(),
            species=_species_of_atoms(atoms, species, source),
            box=np.diag(cell)[:dimension],
            fields={k: np.array(v) for k, v in atoms.arrays.items() if k not in own},
            temperature=atoms.info.get("temperature"),
            source=source,
        )

    def to_ase(self) -> "Atoms":
        """Return ASE's ``Atoms`` of the snapshot, fields as arrays, in Lennard-Jones units.

        Species A, B, ... are types 1, 2, ... in the array ``type``; as ASE wants chemical elements,
        the same numbers stand for these. A plane lies at z = 0 in a cell of height 1.

        Raises
        ------
        InputError
            A field has the name of an array of ASE's, or there are more species than elements.

        """
        from ase import Atoms
        from ase.data import chemical_symbols

        types = self.species + 1
        if types.max() >= len(chemical_symbols):
            raise InputError(f"{self.source}: species {types.max() - 1} has no chemical element")
        spare = 3 - self.dimension
        atoms = Atoms(
            numbers=types,
            positions=in_space(self.positions),
            cell=np.append(self.box, np.ones(spare)),
            pbc=[True, True, self.dimension == 3],
            info={} if self.temperature is None else {"temperature": self.temperature},
        )
        for name, values in {"type": types, **self.fields}.items():
            if name in atoms.arrays:
                raise InputError(f"{self.source}: field {name!r} is an array of ASE's; rename it")
            atoms.arrays[name] = np.asarray(values)
        return atoms

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


def _species_of_atoms(atoms: "Atoms", mapping: Mapping[str, int] | None, source: str) -> IntArray:
    if mapping is None and "type" in atoms.arrays:
        return np.asarray(atoms.arrays["type"]) - 1
    symbols = [str(symbol) for symbol in atoms.symbols]
    mapping = mapping or {}
    unknown = sorted(set(symbols) - set(mapping))
    if unknown:
        raise InputError(
            f"{source}: it is not told which species {', '.join(unknown)} are; "
            'say so with species, such as {"Ni": 0, "P": 1}'
        )
    return np.array([mapping[symbol] for symbol in symbols], dtype=np.int64)


def _numeric(values: object, name: str, source: str) -> FloatArray:
    try:
        array = np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
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
        if values.shape[:1] != (len(positions),):
            raise InputError(
                f"{snapshot.source}: field {name!r} has shape {list(values.shape)}; "
                f"expected one row for each of {len(positions)} particles"
            )


def _check_values(snapshot: Snapshot) -> None:
    if np.any(snapshot.box <= 0):
        raise InputError(
            f"{snapshot.source}: box edge lengths are {snapshot.box.tolist()}; all must be positive"
        )
    farthest = float(np.max(np.abs(snapshot.positions) / snapshot.box))
    if farthest > FARTHEST:
        raise InputError(
            f"{snapshot.source}: a position lies {farthest:.3g} box lengths away from the origin; "
            "so far out its place in the box is lost to rounding"
        )
    if snapshot.temperature is not None and snapshot.temperature <= 0:
        raise InputError(
            f"{snapshot.source}: temperature is {snapshot.temperature}; expected a positive number"
        )
    if np.any(snapshot.species < 0):
        raise InputError(
            f"{snapshot.source}: a species is {snapshot.species.min()}; species count from 0"
        )
