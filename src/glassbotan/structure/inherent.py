"""The inherent structure: the local minimum of the potential energy that a snapshot belongs to."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from glassbotan.errors import InputError, RunError
from glassbotan.structure.lammps import (
    MISSING,
    QUIET,
    create_particles,
    lammps_class,
    lammps_error,
    make_system,
    plane_commands,
)
from glassbotan.structure.periodic import FloatArray, minimum_image, wrap
from glassbotan.structure.potential import KOB_ANDERSEN, PairPotential, check_species
from glassbotan.structure.snapshot import Snapshot
from glassbotan.structure.verlet_list import SKIN, VerletList, moved_to

Method = Literal["auto", "lammps", "fire"]

PUSH = 0.02
"""Largest move of a step that parts overlapping particles, length units."""

ROUNDING = 1e-3
"""Part of the tolerance by which two sums of one force may differ."""


@dataclass(frozen=True)
class FireSettings:
    """The fast inertial relaxation engine's parameters, the same for both methods.

    Attributes
    ----------
    time_step, shortest_time_step, longest_time_step
        Lennard-Jones time units. Longer steps are cheaper and leave the snapshot's basin more
        often: of twelve published snapshots (T = 0.44) six end in the minimum that steps of at
        most 0.0025 find, and with three times these steps four.
    largest_move
        Along an axis in one step, length units.
    delay
        Downhill steps before the time step grows.
    growth, shrinkage
        Factors of the time step downhill (after ``delay``), and at an uphill turn.
    mixing, mixing_decay
        Share of the velocity that is turned towards the force at first, and its factor a step.

    """

    time_step: float = 0.005
    shortest_time_step: float = 0.0002
    longest_time_step: float = 0.01
    largest_move: float = 0.1
    delay: int = 20
    growth: float = 1.1
    shrinkage: float = 0.5
    mixing: float = 0.25
    mixing_decay: float = 0.99


FIRE = FireSettings()


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
    one or the other with the minimiser's path. Both methods therefore take the same path, the fast
    inertial relaxation engine's with the same parameters: they differ by the rounding of their
    sums, and so do the minima, unless rounding decides on which side of a ridge the path goes.

    Parameters
    ----------
    snapshot
        The configuration, in two or three dimensions.
    potential
        The mixture's interaction.
    method
        "lammps" (LAMMPS in this process), "fire" (own, some four times slower, needs nothing
        else), or "auto": LAMMPS where it can be loaded, otherwise the own.
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
    lammps = lammps_class() if method != "fire" else None
    if method == "lammps" and lammps is None:
        raise InputError(f"{MISSING} or use method 'fire'")
    # Overlaps and short boxes are refused here, in this package's words.
    forces_at = VerletList(snapshot, potential).forces
    start = _pushed_apart(snapshot.positions, forces_at, max_steps)
    positions = (
        _fire(start, forces_at, force_tolerance, max_steps)
        if lammps is None
        else _lammps_fire(lammps, moved_to(snapshot, start), potential, force_tolerance, max_steps)
    )
    residual = _largest(forces_at(positions))
    if residual > force_tolerance * (1 + ROUNDING):
        raise RunError(
            f"{snapshot.source}: no minimum of the potential energy within {max_steps} steps; a "
            f"force of {residual:.3g} is left on a particle (tolerance {force_tolerance:g})"
        )
    return moved_to(snapshot, positions)


def _pushed_apart(
    start: FloatArray, forces_at: Callable[[FloatArray], FloatArray], max_steps: int
) -> FloatArray:
    """Return positions [N, d] without forces that one of FIRE's steps would fling a particle by.

    Steepest descent by a fixed length; no thermal configuration needs it.
    """
    bearable = FIRE.largest_move / FIRE.longest_time_step**2
    positions = start.copy()
    for _ in range(max_steps):
        forces = forces_at(positions)
        largest = _largest(forces)
        if largest <= bearable:
            break
        positions += (PUSH / largest) * forces
    return positions


def _fire(
    start: FloatArray,
    forces_at: Callable[[FloatArray], FloatArray],
    force_tolerance: float,
    max_steps: int,
) -> FloatArray:
    """Return the minimum's positions [N, d] by the fast inertial relaxation engine.

    Bitzek, Koskinen, Gähler, Moseler, Gumbsch, Phys. Rev. Lett. 97, 170201 (2006); with half a
    step back at every uphill turn and semi-implicit Euler steps, as Guénolé et al., Comput. Mater.
    Sci. 175, 109584 (2020). Unit mass. Steps and their order are those of LAMMPS's ``min_style
    fire``.
    """
    positions, velocities = start.copy(), np.zeros_like(start)
    time_step, mixing, downhill = FIRE.time_step, FIRE.mixing, 0
    forces = forces_at(positions)
    for _ in range(max_steps):
        if _largest(forces) <= force_tolerance:
            break
        if np.vdot(forces, velocities) > 0:
            kept = 1 - mixing
            steered = mixing * float(np.linalg.norm(velocities) / np.linalg.norm(forces))
            downhill += 1
            if downhill > FIRE.delay:
                time_step = min(FIRE.growth * time_step, FIRE.longest_time_step)
                mixing *= FIRE.mixing_decay
            fastest = float(np.abs(velocities).max())
        else:
            mixing, downhill = FIRE.mixing, 0
            if FIRE.shrinkage * time_step >= FIRE.shortest_time_step:
                time_step *= FIRE.shrinkage
            positions -= 0.5 * time_step * velocities
            velocities[:] = 0
            forces = forces_at(positions)
            kept, steered = 1.0, 0.0
            fastest = time_step * float(np.abs(forces).max())
        too_far = time_step * fastest > FIRE.largest_move
        step = FIRE.largest_move / fastest if too_far else time_step
        velocities = kept * (velocities + step * forces) + steered * forces
        positions += step * velocities
        forces = forces_at(positions)
    return positions


def _largest(vectors: FloatArray) -> float:
    """Return the length of the longest of the vectors [N, d]."""
    return float(np.sqrt(np.einsum("nd,nd->n", vectors, vectors).max()))


def _lammps_fire(
    lammps: Any,
    snapshot: Snapshot,
    potential: PairPotential,
    force_tolerance: float,
    max_steps: int,
) -> FloatArray:
    """Return the minimum's positions [N, d] by LAMMPS's fast inertial relaxation engine."""
    n_particles, dimension = snapshot.positions.shape
    positions = wrap(snapshot.positions, snapshot.box)
    engine = lammps(cmdargs=[*QUIET, "-suffix", "opt"])
    try:
        # No minimum depends on the masses, and the own method knows none.
        make_system(engine, replace(potential, masses=None), snapshot.box)
        engine.commands_list([f"neighbor {SKIN} bin", "neigh_modify every 1 delay 0 check yes"])
        create_particles(engine, positions, snapshot.species)
        engine.commands_list(
            [
                *plane_commands(dimension),
                *_lammps_minimiser(),
                f"minimize 0.0 {force_tolerance!r} {max_steps} {10 * max_steps}",
            ]
        )
        found = np.array(engine.gather_atoms("x", 1, 3)).reshape(n_particles, 3)[:, :dimension]
    except Exception as error:  # noqa: BLE001 - LAMMPS's module raises bare Exceptions
        raise RunError(f"{snapshot.source}: LAMMPS failed: {lammps_error(error)}") from None
    finally:
        engine.close()
    return snapshot.positions + minimum_image(found - positions, snapshot.box)


def _lammps_minimiser() -> list[str]:
    # LAMMPS's limits are multiples of the first time step.
    longest, shortest = (
        limit / FIRE.time_step for limit in (FIRE.longest_time_step, FIRE.shortest_time_step)
    )
    return [
        f"timestep {FIRE.time_step!r}",
        "min_style fire",
        "min_modify norm max integrator eulerimplicit halfstepback yes initialdelay no vdfmax 0",
        f"min_modify dmax {FIRE.largest_move!r} tmax {longest!r} tmin {shortest!r}",
        f"min_modify delaystep {FIRE.delay} dtgrow {FIRE.growth!r} dtshrink {FIRE.shrinkage!r}",
        f"min_modify alpha0 {FIRE.mixing!r} alphashrink {FIRE.mixing_decay!r}",
    ]
