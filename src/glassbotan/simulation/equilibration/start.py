"""A random configuration of a mixture whose particles do not overlap."""

import numpy as np

from glassbotan.errors import InputError
from glassbotan.structure import Snapshot, minimum_image
from glassbotan.structure.inherent import inherent_structure
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.potential import PairPotential
from glassbotan.structure.potentials import Mixture
from glassbotan.structure.snapshot import IntArray

DENSEST = 4.0
"""Density in units of the mixture's sigma, three times that of a usual glass, that is taken for a
mistake."""

PARTED = 0.85
"""Distance in units of sigma to which pairs are pushed apart, where there is room."""
ROOM = {2: 0.6, 3: 0.4}
"""Packing fractions, by dimension, at which spheres still find room easily."""

MOST_ROUNDS = 1000

FORCE_LEFT = 30.0
"""Force at which relaxing is broken off; the melt does the rest."""


def particle_species(mixture: Mixture, particles: int) -> IntArray:
    """Return the species of so many particles, shape [N], in the mixture's proportion.

    Numbers are rounded so that they add up (largest remainders first).

    Raises
    ------
    InputError
        The mixture has no composition, or a species would have no particle.

    """
    if mixture.composition is None:
        raise InputError(
            f"mixture {mixture.name}: its composition is not known; give it in the file: "
            "'composition: {A: 0.8, B: 0.2}'"
        )
    shares = mixture.composition * particles
    counts = np.floor(shares).astype(np.int64)
    for lacking in np.argsort(counts - shares, kind="stable")[: particles - counts.sum()]:
        counts[lacking] += 1
    if np.any((counts == 0) & (mixture.composition > 0)):
        absent = mixture.species[int(np.argmax((counts == 0) & (mixture.composition > 0)))]
        raise InputError(f"{particles} particles are too few: none would be of species {absent}")
    return np.repeat(np.arange(len(counts)), counts)


def cubic_box(mixture: Mixture, particles: int, density: float) -> FloatArray:
    """Return the edges [d] of the cube (or square) that holds so many particles.

    Raises
    ------
    InputError
        The density is beyond all bounds, the box is shorter than twice the cutoff, or the mixture's
        dimension is not known.

    """
    if mixture.dimension is None:
        raise InputError(
            f"mixture {mixture.name}: whether it has two or three dimensions is not known; give it "
            "in the file: 'dimension: 3'"
        )
    dimension, potential = mixture.dimension, mixture.potential
    largest = DENSEST / float(np.mean(np.diag(potential.sigma)) ** dimension)
    if density > largest:
        raise InputError(
            f"the density is {density:g} particles in a unit of volume, beyond what this mixture's "
            f"particles can be pressed to ({largest:.2g})"
        )
    edge = (particles / density) ** (1 / dimension)
    least = 2 * float(potential.cutoff.max())
    if edge < least:
        needed = int(np.ceil(density * least**dimension * (1 + 1e-12)))
        raise InputError(
            f"{particles} particles at density {density:g} fill a box of edge {edge:.3g}, shorter "
            f"than twice the cutoff ({least:g}); use at least {needed} particles"
        )
    return np.full(dimension, edge)


def random_start(
    mixture: Mixture, particles: int, density: float, source: np.random.SeedSequence
) -> Snapshot:
    """Return particles at random places, parted so far that dynamics can begin.

    Soft repulsion moves pairs to 0.85 sigma, and a few steps towards the inherent structure take
    off what force is left.

    Raises
    ------
    InputError
        As :func:`particle_species` and :func:`cubic_box`.

    """
    species, box = particle_species(mixture, particles), cubic_box(mixture, particles, density)
    random = np.random.default_rng(source)
    positions = random.random((particles, len(box))) * box
    snapshot = Snapshot(
        _parted(positions, species, box, mixture.potential), species, box, source="random start"
    )
    return inherent_structure(
        snapshot, mixture.potential, method="fire", force_tolerance=FORCE_LEFT
    )


def _parted(
    positions: FloatArray, species: IntArray, box: FloatArray, potential: PairPotential
) -> FloatArray:
    """Return positions [N, d] moved until no pair is much closer than it should be."""
    from scipy.spatial import cKDTree

    dimension = len(box)
    diameters = np.diag(potential.sigma)[species]
    volume = {2: np.pi / 4, 3: np.pi / 6}[dimension] * float(np.sum(diameters**dimension))
    room = (ROOM[dimension] * float(np.prod(box)) / volume) ** (1 / dimension)
    apart = min(PARTED, room) * potential.sigma
    for _ in range(MOST_ROUNDS):
        positions -= box * np.floor(positions / box)
        np.minimum(positions, np.nextafter(box, 0), out=positions)
        tree = cKDTree(positions, boxsize=box)
        first, second = tree.query_pairs(float(apart.max()), output_type="ndarray").T
        vectors = minimum_image(positions[second] - positions[first], box)
        distances = np.linalg.norm(vectors, axis=1)
        lacking = apart[species[first], species[second]] - distances
        close = lacking > 0
        if not np.any(lacking > 0.1 * apart.min()):
            break
        pushes = (
            vectors[close] * (0.5 * lacking[close] / np.maximum(distances[close], 1e-9))[:, None]
        )
        np.add.at(positions, second[close], pushes)
        np.add.at(positions, first[close], -pushes)
    return positions
