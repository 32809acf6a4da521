"""A few readable descriptors of the thermal positions, for colouring."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from glassbotan.datasets.groups import BOND_RANGE
from glassbotan.figures.viewer.quantity import Quantity
from glassbotan.structure import Snapshot, neighbour_graph, wrap
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.potential import KOB_ANDERSEN, particle_energies

GROUP = "Structure"


def readable_descriptors(snapshot: Snapshot) -> Iterator[Quantity]:
    """Yield potential energy, coordination, local density and bond-orientational order.

    Everything is of the positions as they are, not of the inherent structure. The potential energy
    is that of the Kob-Andersen mixture and left out where there is a third species.

    Raises
    ------
    InputError
        The box is too small for the potential, or two particles overlap.

    """
    if snapshot.species.max() < KOB_ANDERSEN.n_species:
        yield Quantity(GROUP, "potential energy", particle_energies(snapshot)[None], unit="ε")
    counts = coordination(snapshot)
    yield Quantity(GROUP, f"neighbours within {BOND_RANGE:g} σ", counts[None])
    density, order = voronoi_density_and_order(snapshot)
    yield Quantity(GROUP, "local density", density[None], unit=f"σ⁻{'²³'[snapshot.dimension - 2]}")
    name = "bond-orientational order q6" if snapshot.dimension == 3 else "hexatic order |ψ6|"
    yield Quantity(GROUP, name, order[None])


def coordination(snapshot: Snapshot) -> FloatArray:
    """Return how many particles lie within the first shell (``BOND_RANGE``), shape [N]."""
    graph = neighbour_graph(snapshot, BOND_RANGE)
    return np.diff(graph.row_offsets).astype(np.float64)


def voronoi_density_and_order(snapshot: Snapshot) -> tuple[FloatArray, FloatArray]:
    """Return 1 / (volume of the Voronoi cell) and the order of degree 6, each of shape [N].

    The order is q_6 with each neighbour weighted by the area of its facet (Mickel, Kapfer,
    Schröder-Turk, Mecke, J. Chem. Phys. 138, 044501 (2013)); in two dimensions, |psi_6| with each
    neighbour weighted by the length of its edge.
    """
    import freud

    flat = snapshot.dimension == 2
    box = freud.box.Box(*snapshot.box, is2D=flat)
    # freud's box is centred on the origin.
    centred = wrap(snapshot.positions, snapshot.box) - 0.5 * snapshot.box
    system: tuple[Any, FloatArray] = (box, np.pad(centred, ((0, 0), (0, 1))) if flat else centred)
    cells = freud.locality.Voronoi().compute(system)
    order = (
        freud.order.Hexatic(k=6, weighted=True)
        if flat
        else freud.order.Steinhardt(l=6, weighted=True)
    ).compute(system, neighbors=cells.nlist)
    density = 1.0 / np.asarray(cells.volumes, dtype=np.float64)
    return density, np.abs(order.particle_order).astype(np.float64)
