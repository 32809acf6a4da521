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
    _check_density(snapshot, potential)
    _check_heat(snapshot, potential, settings)
    forces = energies_and_forces(snapshot.positions, interacting_pairs(snapshot, potential))[1]
    masses = potential.particle_masses(snapshot.species)
    pushes = 0.5 * np.linalg.norm(forces, axis=1) / masses
    worst, dt, usual = int(np.argmax(pushes)), settings.timestep, DynamicsSettings.timestep
    move = pushes[worst] * dt**2
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


def _check_density(snapshot: Snapshot, potential: PairPotential) -> None:
    """Raise InputError for a gas: the box or its units are wrong."""
    present = np.unique(snapshot.species)
    largest = float(potential.sigma[present, present].max())
    density = snapshot.n_particles / float(np.prod(snapshot.box))
    if density * largest**snapshot.dimension < THINNEST:
        raise InputError(
            f"{snapshot.source}: has a density of {density:.2g} (box "
            f"{', '.join(f'{edge:g}' for edge in snapshot.box)}), that of a thin gas; check box "
            "and units"
        )


def _check_heat(snapshot: Snapshot, potential: PairPotential, settings: DynamicsSettings) -> None:
    """Raise InputError where thermal velocities outrun the timestep."""
    lightest = float(potential.particle_masses(snapshot.species).min())
    move = settings.timestep * float(np.sqrt(settings.temperature / lightest))
    if move > FARTHEST_MOVE:
        raise InputError(
            f"the temperature is {settings.temperature:g}; its velocities would move a particle "
            f"by {move:.2g} in a timestep of {settings.timestep:g}; lower one of the two"
        )
