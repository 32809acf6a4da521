"""The engines by name: which are here, and the start of a run on one of them."""

from collections.abc import Sequence
from importlib import import_module
from typing import cast

import numpy as np

from glassbotan.errors import InputError
from glassbotan.simulation.engine import Engine, Run, Task
from glassbotan.simulation.settings import DynamicsSettings
from glassbotan.structure import Snapshot
from glassbotan.structure.potential import (
    KOB_ANDERSEN,
    PairPotential,
    energies_and_forces,
    interacting_pairs,
)

HOMES = {
    "lammps": "glassbotan.simulation.lammps_engine",
    "ensemble": "glassbotan.simulation.ensemble_engine",
}

TOGETHER = {"lammps": 1, "ensemble": 16}
"""Trajectories of one snapshot that an engine runs best at once."""

FARTHEST_PUSH = 0.1
"""Length units that a force may move a particle by in a first timestep: ten times what it does in
any thermal configuration."""


def available() -> dict[str, str | None]:
    """Return every engine's name with None where it can run here, else why it cannot."""
    return {name: _missing(name) for name in HOMES}


def start(
    engine: str,
    snapshot: Snapshot,
    settings: DynamicsSettings,
    *,
    potential: PairPotential = KOB_ANDERSEN,
    trajectories: Sequence[int] = (0,),
    seed: int = 0,
    snapshot_index: int = 0,
) -> Run:
    """Begin trajectories of a snapshot, each with velocities of its own.

    Parameters
    ----------
    engine
        "lammps" or "ensemble".
    snapshot
        The common initial configuration, in two or three dimensions.
    settings
        Equations of motion.
    potential
        The mixture's interaction.
    trajectories
        Indices in the ensemble, shape [R]; an index names the same trajectory in every run.
    seed, snapshot_index
        Further sources of the velocities: the ensemble's or campaign's seed, and the snapshot's
        number in it.

    Raises
    ------
    InputError
        The engine is unknown or cannot run here, the potential does not know a species, the box is
        shorter than twice the cutoff, particles overlap, or an index or seed is negative.

    """
    if engine not in HOMES:
        raise InputError(f"engine {engine!r} is unknown; use {' or '.join(map(repr, HOMES))}")
    reason = _missing(engine)
    if reason is not None:
        raise InputError(reason)
    numbers = [_natural(index, "trajectory") for index in trajectories]
    if not numbers or len(set(numbers)) < len(numbers):
        raise InputError(f"trajectories {numbers}: give at least one, and none twice")
    check_overlaps(snapshot, potential, settings)
    task = Task(
        snapshot,
        potential,
        settings,
        tuple(numbers),
        seed=_natural(seed, "seed"),
        snapshot_index=_natural(snapshot_index, "snapshot index"),
    )
    return _module(engine).start(task)


def check_overlaps(
    snapshot: Snapshot, potential: PairPotential, settings: DynamicsSettings
) -> None:
    """Raise InputError where a force would fling a particle away in the first timestep."""
    forces = energies_and_forces(snapshot.positions, interacting_pairs(snapshot, potential))[1]
    masses = potential.particle_masses(snapshot.species)
    pushes = 0.5 * settings.timestep**2 * np.linalg.norm(forces, axis=1) / masses
    worst = int(np.argmax(pushes))
    if pushes[worst] > FARTHEST_PUSH:
        raise InputError(
            f"{snapshot.source}: particle {worst} overlaps another: the force on it would move it "
            f"by {pushes[worst]:.2g} in one timestep of {settings.timestep:g}; part them first "
            "with --minimise (minimise=True), or check that this potential is the snapshot's"
        )


def _natural(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise InputError(f"the {name} is {value!r}; it must be a whole number from 0 on")
    return int(value)


def _missing(engine: str) -> str | None:
    try:
        return _module(engine).missing()
    except ImportError as error:
        return f"the engine {engine!r} is not part of this installation ({error})"


def _module(engine: str) -> Engine:
    return cast("Engine", import_module(HOMES[engine]))
