"""What is computed of a snapshot before the caged network sees it."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from glassbotan.simulation.cage_state import CageRecipe
from glassbotan.structure.descent import DURATIONS

REST = CageRecipe(temperature=0.44, radius=0.55, duration=10.0)
"""The cage at the temperature of the data: vibrations about the places where particles rest."""

LOOSE = CageRecipe(temperature=0.7, radius=0.8, timestep=0.0125, duration=17.0)
"""Warmer, and with room for a half step to a neighbour's place: where cages begin to open."""

STRAIN = CageRecipe(temperature=0.9, radius=0.6, timestep=0.0125, duration=20.0)
"""At twice the temperature and confined more tightly: which regions give way at last."""


@dataclass(frozen=True)
class InputRecipe:
    """Which inputs the caged network takes; they are the same for all of its snapshots.

    Attributes
    ----------
    descent
        Durations of steepest descent, length^2 / energy.
    cages
        Confined samplings; the first is the one whose mean positions are "the cage state".
    cutoff
        Longest bond of the message passing, length units.
    averages
        Widths of the Gaussians of neighbourhood averages, length units.
    reach
        Distance of the furthest particle in an average, length units.

    """

    descent: tuple[float, ...] = DURATIONS
    cages: tuple[CageRecipe, ...] = field(default=(REST, LOOSE, STRAIN))
    cutoff: float = 1.5
    averages: tuple[float, ...] = (0.8, 1.5, 2.5)
    reach: float = 5.0

    def record(self) -> dict[str, Any]:
        """Return all of it as JSON takes it."""
        record: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return record
