"""A few readable descriptors of the thermal positions, for colouring."""

from collections.abc import Iterator

import numpy as np

from glassbotan.datasets.groups import BOND_RANGE
from glassbotan.figures.viewer.colouring import Colouring
from glassbotan.structure import NeighbourGraph, Snapshot, neighbour_graph
from glassbotan.structure.descriptors import DescriptorRecipe, bond_order
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.potential import KOB_ANDERSEN, particle_energies

GROUP = "Structure"
DENSITY_RADIUS = 2.5
"""Of the ball whose density is told, length units."""


def readable_descriptors(snapshot: Snapshot) -> Iterator[Colouring]:
    """Yield potential energy, coordination, local density and bond-orientational order.

    Everything is of the positions as they are, not of the inherent structure. The potential energy
    is that of the Kob-Andersen mixture and left out where there is a third species.

    Raises
    ------
    InputError
        The box is too small for the potential, or two particles overlap.

    """
    if snapshot.species.max() < KOB_ANDERSEN.n_species:
        yield Colouring(GROUP, "potential energy", particle_energies(snapshot)[None], unit="ε")
    shell = neighbour_graph(snapshot, BOND_RANGE)
    yield Colouring(GROUP, f"neighbours within {BOND_RANGE:g} σ", coordination(shell)[None])
    density, unit = local_density(snapshot), f"σ⁻{'²³'[snapshot.dimension - 2]}"
    yield Colouring(GROUP, f"density within {DENSITY_RADIUS:g} σ", density[None], unit=unit)
    name = "bond-orientational order q6" if snapshot.dimension == 3 else "hexatic order |ψ6|"
    yield Colouring(GROUP, name, sixfold_order(snapshot, shell)[None])


def coordination(shell: NeighbourGraph) -> FloatArray:
    """Return each particle's number of neighbours, shape [N]."""
    return np.diff(shell.row_offsets).astype(np.float64)


def local_density(snapshot: Snapshot) -> FloatArray:
    """Return the number density of the ball (disc) of ``DENSITY_RADIUS`` around each particle [N].

    Not by Voronoi cells: freud's and LAMMPS's copies of the library for these get into each other's
    way where both are loaded, and end the process.
    """
    radius = DENSITY_RADIUS
    volume = np.pi * radius**2 if snapshot.dimension == 2 else 4 / 3 * np.pi * radius**3
    return (1 + coordination(neighbour_graph(snapshot, radius))) / volume


def sixfold_order(snapshot: Snapshot, shell: NeighbourGraph) -> FloatArray:
    """Return q_6 of the neighbours of the first shell (in two dimensions psi_6), shape [N].

    Steinhardt, Nelson, Ronchetti, Phys. Rev. B 28, 784 (1983); see ``bond_order``.
    """
    # A Gaussian so wide that all neighbours weigh alike.
    recipe = DescriptorRecipe(order_shells=(BOND_RANGE,), order_width=1e4, degrees=(6,))
    return bond_order(snapshot, shell, recipe)[:, 0]
