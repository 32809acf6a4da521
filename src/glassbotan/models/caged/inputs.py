"""Numbers, vectors and bonds of one snapshot, all from the snapshot alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from glassbotan.dynamics.bonds import both_ways
from glassbotan.models.architecture import WHOLE
from glassbotan.models.caged.settings import CagedSettings
from glassbotan.models.caged.states import States
from glassbotan.models.example import Tensors
from glassbotan.simulation.cage_state import CageState
from glassbotan.structure import NeighbourGraph, Snapshot, neighbour_graph
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.potential import PairPotential, particle_energies
from glassbotan.structure.verlet_list import moved_to

POWERS = (0.5, 1.0, 2.0, 3.0)
"""Of each displacement's length that are inputs: propensity is a convex function of it."""

TINY = 1e-6
"""Keeps powers and logarithms of lengths finite."""


@dataclass(frozen=True, eq=False)
class CagedTensors(Tensors):
    """What the caged network sees of one snapshot.

    Attributes
    ----------
    species, senders, receivers
        Whole numbers, shapes [N], [E], [E].
    scalars
        Rotation-invariant numbers of each particle, shape [N, P]; see :func:`scalar_names`.
    averages
        The same averaged over the neighbours of each species, shape [N, W S P].
    vectors
        Displacements from the snapshot, shape [N, K, d], length units: along the descent, to the
        inherent structure, to each cage state.
    bond_scalars
        Rotation-invariant numbers of each bond, shape [E, Q].
    directions
        Unit vectors from sender to receiver in the cage state and in the snapshot, [E, 2, d].
    fold
        Which of the cross-validation's baselines this snapshot sees, a number in a tensor: for a
        training snapshot, the one that was fitted without it.

    """

    species: Tensor
    senders: Tensor
    receivers: Tensor
    scalars: Tensor
    averages: Tensor
    vectors: Tensor
    bond_scalars: Tensor
    directions: Tensor
    fold: Tensor

    def turned(self, matrix: Tensor) -> "CagedTensors":
        """Return the same snapshot turned: every vector v becomes ``matrix`` v."""
        return replace(self, vectors=self.vectors @ matrix.T, directions=self.directions @ matrix.T)


@dataclass(frozen=True, eq=False)
class CagedInputs:
    """The bonds of a snapshot, E directed edges, and in double precision what the network sees."""

    graph: NeighbourGraph
    seen: CagedTensors

    def tensors(self, dtype: torch.dtype = torch.float32, fold: int = WHOLE) -> CagedTensors:
        """Return what the network sees in a precision of its own."""
        seen = self.seen.each(lambda x: x.to(dtype) if x.is_floating_point() else x)
        return replace(seen, fold=torch.tensor(fold))


def assemble(snapshot: Snapshot, states: States, recipe: CagedSettings) -> CagedInputs:
    """Return the network's inputs from the computed states."""
    graph = neighbour_graph(snapshot, recipe.cutoff)
    cage = moved_to(snapshot, snapshot.positions + states.cages[0].displacement)
    places = [*states.descent, states.inherent, *(c.displacement for c in states.cages)]
    vectors = np.stack(places, axis=1)
    scalars = _scalars(snapshot, states, vectors, recipe.potential)
    numbers = {
        "scalars": scalars,
        "averages": neighbour_averages(cage, scalars, recipe.averages, recipe.reach),
        "vectors": vectors,
        "bond_scalars": _bond_scalars(graph, states),
        "directions": _directions(graph, states.cages[0].displacement),
    }
    senders, receivers = torch.from_numpy(graph.edge_index)
    seen = CagedTensors(
        species=torch.from_numpy(np.ascontiguousarray(snapshot.species)).long(),
        senders=senders,
        receivers=receivers,
        fold=torch.tensor(WHOLE),
        **{name: torch.from_numpy(np.ascontiguousarray(x)) for name, x in numbers.items()},
    )
    return CagedInputs(graph, seen)


def scalar_names(recipe: CagedSettings) -> list[str]:
    """Return the name of each of the scalars of :class:`CagedTensors`."""
    places = [f"descent {tau:g}" for tau in recipe.descent] + ["inherent"]
    places += [f"cage T={cage.temperature:g}" for cage in recipe.cages]
    names = [f"|displacement {place}|^{power:g}" for place in places for power in POWERS]
    for cage in recipe.cages:
        names += [f"{name} T={cage.temperature:g}" for name in _CAGE_NAMES]
    return [*names, "energy", "energy inherent", "energy cage"]


def neighbour_averages(
    snapshot: Snapshot, values: FloatArray, widths: Sequence[float], reach: float
) -> FloatArray:
    """Return values [N, P] averaged over neighbours, shape [N, W S P].

    x_i(w, s) = sum_j exp(-(r_ij / w)^2) x_j / sum_j exp(-(r_ij / w)^2) over all j of species s
    within ``reach``, but i itself; 0 where there is none. Species s = 0, 1 (S = 2).
    """
    from scipy.sparse import csr_array

    graph = neighbour_graph(snapshot, reach)
    senders = graph.edge_index[0]
    shape = (snapshot.n_particles, snapshot.n_particles)
    columns = []
    for width in widths:
        weights = np.exp(-((graph.distances / width) ** 2))
        matrix = csr_array((weights, senders, graph.row_offsets), shape=shape)
        for species in range(2):
            members = snapshot.species == species
            of_species = matrix @ (values * members[:, None])
            total = matrix @ members.astype(np.float64)
            columns.append(of_species / np.maximum(total, TINY)[:, None])
    return np.hstack(columns)


_CAGE_NAMES = (
    "length", "length^2", "log length", "contact", "contact^1/2", "off-centre", "log off-centre",
    "variance", "log variance", "deviation", "deviation 1", "deviation 2", "deviation 3",
    "variance along displacement",
)  # fmt: skip


def _scalars(
    snapshot: Snapshot, states: States, vectors: FloatArray, potential: PairPotential
) -> FloatArray:
    lengths = np.linalg.norm(vectors, axis=2) + TINY
    powers = (lengths[:, :, None] ** np.array(POWERS)).reshape(len(lengths), -1)
    energies = [
        particle_energies(moved_to(snapshot, snapshot.positions + d), potential)
        for d in (0.0, states.inherent, states.cages[0].displacement)
    ]
    return np.hstack([powers, *map(_cage_scalars, states.cages), np.stack(energies, axis=1)])


def _cage_scalars(cage: CageState) -> FloatArray:
    """Return the numbers of _CAGE_NAMES, shape [N, 14]."""
    variance = np.trace(cage.covariance, axis1=1, axis2=2)
    axes = np.sqrt(np.maximum(np.linalg.eigvalsh(cage.covariance), 0.0))
    along = np.einsum("ni,nij,nj->n", cage.displacement, cage.covariance, cage.displacement)
    columns = (
        cage.length, cage.length**2, np.log(cage.length + TINY),
        cage.contact, np.sqrt(cage.contact),
        cage.off_centre, np.log(cage.off_centre + TINY),
        variance, np.log(variance + TINY), np.sqrt(variance), *axes.T, along,
    )  # fmt: skip
    return np.stack(columns, axis=1)


def _bond_scalars(graph: NeighbourGraph, states: States) -> FloatArray:
    """Return distances and how they vary, shape [E, 3 + 4 C].

    Distances in the snapshot, inherent structure and cage state; then for each cage sampling the
    bond's mean distance, the logarithm of its deviation, and those of the variances of sender and
    receiver along the bond.
    """
    senders, receivers = graph.edge_index
    directions = _directions(graph, states.cages[0].displacement)[:, 0]
    columns = [
        graph.distances,
        np.linalg.norm(_vectors(graph, states.inherent), axis=1),
        np.linalg.norm(_vectors(graph, states.cages[0].displacement), axis=1),
    ]
    for cage in states.cages:
        pairs = np.stack([cage.pair_distance, np.log(cage.pair_deviation + TINY)])
        columns += list(both_ways(pairs, graph))
        for ends in (senders, receivers):
            along = np.einsum("ei,eij,ej->e", directions, cage.covariance[ends], directions)
            columns.append(np.log(np.maximum(along, 0.0) + TINY))
    return np.stack(columns, axis=1)


def _directions(graph: NeighbourGraph, displacement: FloatArray) -> FloatArray:
    pairs = np.stack([_vectors(graph, displacement), graph.vectors], axis=1)
    return np.asarray(pairs / np.linalg.norm(pairs, axis=2, keepdims=True))


def _vectors(graph: NeighbourGraph, displacement: FloatArray) -> FloatArray:
    """Return r_receiver - r_sender of each bond after the particles moved, shape [E, d]."""
    senders, receivers = graph.edge_index
    return np.asarray(graph.vectors + displacement[receivers] - displacement[senders])
