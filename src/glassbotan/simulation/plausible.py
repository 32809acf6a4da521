"""What no trajectory can sensibly begin from, refused before anything runs."""

import numpy as np

from glassbotan.errors import InputError
from glassbotan.simulation.settings import DynamicsSettings
from glassbotan.structure import Snapshot
from glassbotan.structure.potential import (
    PairPotential,
    check_species,
    energies_and_forces,
    interacting_pairs,
)

FARTHEST_MOVE = 0.1
"""Length units by which heat or a force may move a particle in a first timestep: ten times what
either does in any liquid with a sound timestep."""

THINNEST = 0.01
"""Particles in a volume of the largest diameter cubed (squared in two dimensions): a thin gas."""


def check_plausible(
    snapshot: Snapshot, potential: PairPotential, settings: DynamicsSettings
) -> None:
    """Raise InputError where a trajectory cannot sensibly begin.

    The density is that of a thin gas, or heat or a force would fling particles away in the first
    timestep, for the temperature or the timestep is out of all bounds or particles overlap.
    """
    check_species(snapshot, potential)
    present = np.unique(snapshot.species)
    largest = float(potential.sigma[present, present].max())
    if snapshot.density * largest**snapshot.dimension < THINNEST:
        raise InputError(
            f"{snapshot.source}: has a density of {snapshot.density:.2g} (box "
            f"{', '.join(f'{edge:g}' for edge in snapshot.box)}), that of a thin gas; check box "
            "and units"
        )
    masses, dt = potential.particle_masses(snapshot.species), settings.timestep
    move = dt * float(np.sqrt(settings.temperature / masses.min()))
    if move > FARTHEST_MOVE:
        raise InputError(
            f"the temperature is {settings.temperature:g}; its velocities would move a particle "
            f"by {move:.2g} in a timestep of {dt:g}; lower one of the two"
        )
    forces = energies_and_forces(snapshot.positions, interacting_pairs(snapshot, potential))[1]
    pushes = 0.5 * np.linalg.norm(forces, axis=1) / masses
    worst, usual = int(np.argmax(pushes)), DynamicsSettings.timestep
    move = float(pushes[worst]) * dt**2
    if move <= FARTHEST_MOVE:
        return
    if pushes[worst] * usual**2 <= FARTHEST_MOVE:
        raise InputError(
            f"the timestep is {dt:g}; in the first, the force on particle {worst} of "
            f"{snapshot.source} would move it by {move:.2g}; {usual:g} is usual"
        )
    raise InputError(
        f"{snapshot.source}: particle {worst} overlaps another: the force on it would move it "
        f"by {move:.2g} in one timestep of {dt:g}; part them first with --minimise "
        "(minimise=True), or check that this potential is the snapshot's"
    )
