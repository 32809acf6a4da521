"""Structural descriptors: what surrounds a particle, in numbers that no rotation changes."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassbotan.errors import InputError
from glassbotan.structure.graph import NeighbourGraph, neighbour_graph
from glassbotan.structure.periodic import FloatArray, in_space
from glassbotan.structure.snapshot import Snapshot, species_name

REACH = 4.0
"""Widths from its centre at which a Gaussian shell is cut off (its weight there is 3e-4)."""


@dataclass(frozen=True)
class DescriptorRecipe:
    """Which descriptors are computed; the defaults are for density 1.2 in units of sigma_AA.

    Attributes
    ----------
    shells, shell_width
        Radii [K] and Gaussian width of the radial densities, length units.
    order_shells, order_width
        Radii [M] and Gaussian width of the bond-orientational order, length units.
    degrees
        Degrees l of the bond-orientational order, shape [L].
    n_species
        Number of species S; each has its own radial densities.
    generations
        How many times the descriptors are averaged over neighbours; each time adds columns.
    averaging_cutoff
        Distance of the furthest neighbour in an average, length units.

    Raises
    ------
    InputError
        A number is not positive, or there is not one shell.

    """

    shells: tuple[float, ...] = tuple(k / 10 for k in range(8, 51))
    shell_width: float = 0.05
    order_shells: tuple[float, ...] = tuple(k / 10 for k in range(8, 17))
    order_width: float = 0.1
    degrees: tuple[int, ...] = tuple(range(1, 11))
    n_species: int = 2
    generations: int = 2
    averaging_cutoff: float = 2.5

    def __post_init__(self) -> None:
        """Refuse what describes nothing."""
        lengths = (*self.shells, *self.order_shells, self.shell_width, self.order_width)
        if not all(np.isfinite(x) and x > 0 for x in (*lengths, self.averaging_cutoff)):
            raise InputError("descriptor recipe: every radius, width and cutoff must be positive")
        if not self.shells and not (self.order_shells and self.degrees):
            raise InputError("descriptor recipe: there is no shell, so nothing would be described")
        if any(degree < 1 for degree in self.degrees) or self.n_species < 1 or self.generations < 0:
            raise InputError(
                "descriptor recipe: degrees and n_species count from 1, generations from 0"
            )

    @property
    def n_columns(self) -> int:
        """The number of descriptors D."""
        own = self.n_species * len(self.shells) + len(self.order_shells) * len(self.degrees)
        return own * (1 + self.generations)

    @property
    def reach(self) -> float:
        """Distance of the furthest particle that is seen without averaging, length units."""
        return max(
            max(self.shells, default=0.0) + REACH * self.shell_width,
            max(self.order_shells, default=0.0) + REACH * self.order_width,
            self.averaging_cutoff,
        )


def descriptors(snapshot: Snapshot, recipe: DescriptorRecipe | None = None) -> FloatArray:
    """Return the structural descriptors of every particle, shape [N, D].

    After Boattini, Smallenburg, Filion, Phys. Rev. Lett. 127, 088007 (2021). Columns are the
    radial densities of each species, then the bond-orientational order (:func:`radial_densities`,
    :func:`bond_order`), then both averaged over neighbours, then the averages averaged, ...:

        x_i^(n) = sum_j exp(-r_ij) x_j^(n-1) / sum_j exp(-r_ij)

    over all j within ``averaging_cutoff``, i itself among them (r_ii = 0).

    Parameters
    ----------
    snapshot
        In three or two dimensions. Descriptors of the inherent structure predict the motion much
        better than those of the thermal positions.
    recipe
        ``DescriptorRecipe()`` by default; :func:`descriptor_names` names its columns.

    Raises
    ------
    InputError
        The recipe does not know a species, half of the shortest box edge is shorter than the
        recipe's reach, or two particles overlap.

    """
    recipe = recipe or DescriptorRecipe()
    highest = int(snapshot.species.max())
    if highest >= recipe.n_species:
        raise InputError(
            f"{snapshot.source}: species {highest} ({species_name(highest)}) is present, but the "
            f"descriptors are made for {recipe.n_species} species (n_species)"
        )
    graph = neighbour_graph(snapshot, recipe.reach)
    own = np.hstack([radial_densities(graph, recipe), bond_order(snapshot, graph, recipe)])
    generations = [own]
    average = _averaging_matrix(graph, recipe.averaging_cutoff)
    for _ in range(recipe.generations):
        generations.append(average @ generations[-1])
    return np.hstack(generations)


def descriptor_names(recipe: DescriptorRecipe | None = None) -> list[str]:
    """Return the name of each column of :func:`descriptors`, such as 'density B r=0.9 mean 1'."""
    recipe = recipe or DescriptorRecipe()
    own = [
        f"density {species_name(species)} r={radius:g}"
        for species in range(recipe.n_species)
        for radius in recipe.shells
    ]
    own += [
        f"order l={degree} r={radius:g}"
        for radius in recipe.order_shells
        for degree in recipe.degrees
    ]
    averaged = [f" mean {n}" if n else "" for n in range(recipe.generations + 1)]
    return [name + suffix for suffix in averaged for name in own]


def radial_densities(graph: NeighbourGraph, recipe: DescriptorRecipe) -> FloatArray:
    """Return how many particles of each species lie in Gaussian shells, shape [N, S K].

    G_i(r, s) = sum over j of species s of exp(-(r_ij - r)^2 / (2 width^2)).
    """
    senders, receivers = graph.edge_index
    # Edges sorted by length: those in one shell are neighbours in memory.
    order = np.argsort(graph.distances)
    distances = graph.distances[order]
    row = (receivers * recipe.n_species + graph.species[senders])[order]
    densities = np.empty((len(recipe.shells), graph.n_particles * recipe.n_species))
    margin = REACH * recipe.shell_width
    for k, radius in enumerate(recipe.shells):
        begin, end = np.searchsorted(distances, (radius - margin, radius + margin))
        weights = _gaussian(distances[begin:end] - radius, recipe.shell_width)
        densities[k] = np.bincount(row[begin:end], weights, densities.shape[1])
    return densities.T.reshape(graph.n_particles, -1)


def bond_order(snapshot: Snapshot, graph: NeighbourGraph, recipe: DescriptorRecipe) -> FloatArray:
    r"""Return the bond-orientational order in Gaussian shells, shape [N, M L].

    Steinhardt, Nelson, Ronchetti, Phys. Rev. B 28, 784 (1983), with weights (through freud):
    q_l = sqrt(4 pi / (2 l + 1) sum_m \|q_lm\|^2), q_lm = sum_j w_j Y_lm(r_ij) / sum_j w_j and
    w_j = exp(-(r_ij - r)^2 / (2 width^2)). In two dimensions \|sum_j w_j exp(i l theta_ij)\| /
    sum_j w_j. Zero where the shell is empty.
    """
    import freud

    senders, receivers = graph.edge_index
    distances = graph.distances
    box = freud.box.Box(*snapshot.box, is2D=snapshot.dimension == 2)
    columns = []
    for radius in recipe.order_shells:
        inside = np.flatnonzero(np.abs(distances - radius) < REACH * recipe.order_width)
        if not len(inside):
            columns.append(np.zeros((graph.n_particles, len(recipe.degrees))))
            continue
        neighbours = freud.locality.NeighborList.from_arrays(
            graph.n_particles,
            graph.n_particles,
            receivers[inside],
            senders[inside],
            in_space(-graph.vectors[inside]),
            _gaussian(distances[inside] - radius, recipe.order_width),
        )
        system = (box, in_space(snapshot.positions))
        columns.append(np.nan_to_num(_order(system, neighbours, recipe.degrees)))
    return np.hstack(columns) if columns else np.empty((graph.n_particles, 0))


def _order(system: tuple[Any, FloatArray], neighbours: Any, degrees: tuple[int, ...]) -> FloatArray:
    """Return the rotation-invariant order of each degree, shape [N, L]."""
    import freud

    n_particles = len(system[1])
    if not system[0].is2D:
        order = freud.order.Steinhardt(l=list(degrees), weighted=True)
        values = order.compute(system, neighbors=neighbours).particle_order
        return np.asarray(values, dtype=np.float64).reshape(n_particles, len(degrees))
    values = np.empty((n_particles, len(degrees)))
    for column, degree in enumerate(degrees):
        hexatic = freud.order.Hexatic(k=degree, weighted=True)
        values[:, column] = np.abs(hexatic.compute(system, neighbors=neighbours).particle_order)
    return values


def _gaussian(distances: FloatArray, width: float) -> FloatArray:
    return np.exp(-0.5 * (distances / width) ** 2)


def _averaging_matrix(graph: NeighbourGraph, cutoff: float) -> Any:
    """Return the sparse matrix [N, N] of weights exp(-r_ij), each row normalised."""
    from scipy.sparse import csr_array, diags_array, eye_array

    near = np.flatnonzero(graph.distances < cutoff)
    senders, receivers = graph.edge_index[:, near]
    shape = (graph.n_particles, graph.n_particles)
    weights = csr_array((np.exp(-graph.distances[near]), (receivers, senders)), shape=shape)
    weights = weights + eye_array(graph.n_particles)
    return diags_array(1.0 / weights.sum(axis=1)) @ weights
