"""Numbers that describe the surroundings of each particle, the same in every frame of reference."""

from dataclasses import dataclass, field

import numpy as np

from glassbotan.errors import InputError
from glassbotan.structure.graph import NeighbourGraph, neighbour_graph
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import Snapshot, species_name

REACH = 4.0
"""Widths from its centre at which a Gaussian shell ends (its weight there is 3e-4)."""


def _default_shells() -> FloatArray:
    return np.arange(16, 101) * 0.05


def _default_order_shells() -> FloatArray:
    return np.arange(8, 26) * 0.1


@dataclass(frozen=True, eq=False)
class DescriptorRecipe:
    """Which descriptors are computed.

    Attributes
    ----------
    shells, shell_width
        Radii [K] and Gaussian width of the radial densities, length units.
    order_shells, order_width
        Radii [M] and Gaussian width of the bond-orientational order, length units.
    degrees
        Degrees l of the bond-orientational order, shape [L].
    n_species
        Number of species S that have a radial density of their own.
    generations
        How often all is averaged over the neighbours; every generation keeps its own columns.
    averaging_cutoff
        Distance to the furthest neighbour that enters an average, length units.

    """

    shells: FloatArray = field(default_factory=_default_shells)
    shell_width: float = 0.05
    order_shells: FloatArray = field(default_factory=_default_order_shells)
    order_width: float = 0.1
    degrees: tuple[int, ...] = tuple(range(1, 11))
    n_species: int = 2
    generations: int = 2
    averaging_cutoff: float = 2.0


def descriptors(snapshot: Snapshot, recipe: DescriptorRecipe | None = None) -> FloatArray:
    recipe = recipe or DescriptorRecipe()
    reach = max(
        recipe.shells.max(initial=0) + REACH * recipe.shell_width,
        recipe.order_shells.max(initial=0) + REACH * recipe.order_width,
    )
    graph = neighbour_graph(snapshot, float(reach))
    own = np.hstack([radial_densities(graph, recipe), bond_order(snapshot, graph, recipe)])
    generations = [own]
    average = _averaging(graph, recipe.averaging_cutoff)
    for _ in range(recipe.generations):
        generations.append(average @ generations[-1])
    return np.hstack(generations)


def radial_densities(graph: NeighbourGraph, recipe: DescriptorRecipe) -> FloatArray:
    senders, receivers = graph.edge_index
    distances = graph.distances
    order = np.argsort(distances)
    distances = distances[order]
    row = (receivers * recipe.n_species + graph.species[senders])[order]
    densities = np.empty((len(recipe.shells), graph.n_particles * recipe.n_species))
    for k, radius in enumerate(recipe.shells):
        begin, end = np.searchsorted(
            distances, radius + REACH * recipe.shell_width * np.array([-1, 1])
        )
        weights = np.exp(-0.5 * ((distances[begin:end] - radius) / recipe.shell_width) ** 2)
        densities[k] = np.bincount(row[begin:end], weights, densities.shape[1])
    return densities.T.reshape(graph.n_particles, -1)


def bond_order(snapshot, graph, recipe) -> FloatArray:
    import freud

    senders, receivers = graph.edge_index
    distances = graph.distances
    box = freud.box.Box(*snapshot.box)
    columns = []
    for radius in recipe.order_shells:
        inside = np.flatnonzero(np.abs(distances - radius) < REACH * recipe.order_width)
        weights = np.exp(-0.5 * ((distances[inside] - radius) / recipe.order_width) ** 2)
        nl = freud.locality.NeighborList.from_arrays(
            graph.n_particles,
            graph.n_particles,
            receivers[inside],
            senders[inside],
            -graph.vectors[inside],
            weights,
        )
        steinhardt = freud.order.Steinhardt(l=list(recipe.degrees), weighted=True)
        steinhardt.compute((box, snapshot.positions), neighbors=nl)
        columns.append(np.nan_to_num(np.asarray(steinhardt.particle_order, dtype=np.float64)))
    return np.hstack(columns)


def _averaging(graph, cutoff):
    from scipy.sparse import csr_array

    near = graph.distances < cutoff
    s, r = graph.edge_index[:, near]
    n = graph.n_particles
    w = np.exp(-graph.distances[near])
    me = np.arange(n)
    m = csr_array(
        (np.concatenate([w, np.ones(n)]), (np.concatenate([r, me]), np.concatenate([s, me]))),
        shape=(n, n),
    )
    return csr_array(m / m.sum(axis=1)[:, None])
