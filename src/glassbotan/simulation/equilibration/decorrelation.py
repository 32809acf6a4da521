"""How far trajectories have left the snapshot that they began from, and each other."""

from dataclasses import dataclass

import numpy as np

from glassbotan.dynamics.overlap import OVERLAP_LENGTH, overlap
from glassbotan.simulation.equilibration.record import scattering
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray, wrap
from glassbotan.structure.snapshot import IntArray

FORGOTTEN = 0.1
"""Overlap, less that by chance, below which two configurations count as independent."""


@dataclass(frozen=True, eq=False)
class Decorrelation:
    """What R configurations have in common with their start and with each other.

    Attributes
    ----------
    scattering
        F_s of the majority species from the start on, shape [R].
    overlap
        Part of the particles closer than 0.3 to where they began, shape [R].
    structure
        Part of the particles in whose place (within 0.3) a particle of the same species was at
        the start, shape [R].
    mutual_overlap, mutual_structure
        The same of configurations with each other, shape [R, R]; NaN on the diagonal.
    chance
        What ``structure`` is for configurations that have nothing to do with each other.

    """

    scattering: FloatArray
    overlap: FloatArray
    structure: FloatArray
    mutual_overlap: FloatArray
    mutual_structure: FloatArray
    chance: float

    @property
    def independent(self) -> bool:
        """Whether neither start nor companions are remembered, in place or in structure."""
        beyond = (1 - self.chance) * FORGOTTEN
        places = np.append(self.overlap, self.mutual_overlap)
        structures = np.append(self.structure, self.mutual_structure) - self.chance
        return bool(np.nanmax(places) < FORGOTTEN and np.nanmax(structures) < beyond)

    def of(self, trajectory: int) -> dict[str, object]:
        """Return the numbers of one configuration as JSON knows them."""
        largest = [
            float(np.nanmax(mutual[trajectory])) if len(self.overlap) > 1 else None
            for mutual in (self.mutual_overlap, self.mutual_structure)
        ]
        return {
            "scattering": float(self.scattering[trajectory]),
            "overlap": float(self.overlap[trajectory]),
            "structure": float(self.structure[trajectory]),
            "largest_mutual_overlap": largest[0],
            "largest_mutual_structure": largest[1],
            "structure_by_chance": self.chance,
        }

    def describe(self) -> str:
        """Return the numbers in a line."""
        text = (
            f"left of the start: F_s {self.scattering.mean():.2g}, overlap "
            f"{self.overlap.mean():.2g}, structure {self.structure.mean():.2g}"
        )
        if len(self.overlap) > 1:
            text += (
                f"; of each other: overlap {np.nanmean(self.mutual_overlap):.2g} (at most "
                f"{np.nanmax(self.mutual_overlap):.2g}), structure "
                f"{np.nanmean(self.mutual_structure):.2g} (at most "
                f"{np.nanmax(self.mutual_structure):.2g})"
            )
        return f"{text}; structure by chance {self.chance:.2g}"


def decorrelation(
    start: Snapshot, displacements: FloatArray, members: IntArray, *, wave_number: float
) -> Decorrelation:
    """Compare configurations with their start and with each other.

    Parameters
    ----------
    start
        Where all began.
    displacements
        Since then, without the centre of mass's, shape [R, N, d].
    members
        The particles whose F_s is told, shape [n].
    wave_number
        Of F_s, inverse length.

    """
    count = len(displacements)
    mutual_overlap, mutual_structure = np.full((2, count, count), np.nan)
    for i in range(count):
        for j in range(i):
            apart = displacements[i] - displacements[j]
            mutual_overlap[i, j] = mutual_overlap[j, i] = _overlap(apart)
            mutual_structure[i, j] = mutual_structure[j, i] = _structure(
                start, displacements[i], displacements[j]
            )
    return Decorrelation(
        scattering=scattering(displacements[:, members], wave_number),
        overlap=_overlap(displacements),
        structure=np.array([_structure(start, moved, 0 * moved) for moved in displacements]),
        mutual_overlap=mutual_overlap,
        mutual_structure=mutual_structure,
        chance=chance_structure(start),
    )


def chance_structure(snapshot: Snapshot) -> float:
    """Return the mean number of particles of a species within 0.3 of a place, by chance.

    Averaged over the species of the particles that are asked about. No two particles of a
    configuration are that close, so it is the part of places that are taken.
    """
    ball = {2: np.pi * OVERLAP_LENGTH**2, 3: 4 / 3 * np.pi * OVERLAP_LENGTH**3}
    shares = np.array(list(snapshot.composition.values()))
    return float(np.sum(shares**2) * snapshot.density * ball[snapshot.dimension])


def _overlap(displacements: FloatArray) -> FloatArray:
    return overlap(np.einsum("...d,...d->...", displacements, displacements))


def _structure(start: Snapshot, moved: FloatArray, other: FloatArray) -> float:
    """Return the part of places after ``moved`` [N, d] that are taken after ``other`` too."""
    from scipy.spatial import cKDTree

    taken = 0
    for species in start.composition:
        chosen = start.species == species
        one, two = (
            wrap(start.positions[chosen] + shift[chosen], start.box) for shift in (moved, other)
        )
        distances = cKDTree(two, boxsize=start.box).query(one, distance_upper_bound=OVERLAP_LENGTH)[
            0
        ]
        taken += int(np.sum(distances < OVERLAP_LENGTH))
    return taken / start.n_particles
