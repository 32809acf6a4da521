"""Walls that keep every particle near a place of its own: dynamics without rearrangement."""

from dataclasses import dataclass

import numpy as np

from glassbotan.errors import InputError
from glassbotan.structure.periodic import FloatArray


@dataclass(frozen=True, eq=False)
class Cages:
    """A spherical wall around each particle: none within, a spring beyond.

    Attributes
    ----------
    centres
        Middle of each particle's cage, unwrapped and continuous with the snapshot's positions,
        shape [N, d], length units.
    radius
        Distance from the centre up to which a particle is free, length units.
    stiffness
        k of the wall's energy k (distance - radius)^2 / 2 beyond, energy / length^2.

    Raises
    ------
    InputError
        A centre is not finite, or the radius or stiffness not positive.

    """

    centres: FloatArray
    radius: float
    stiffness: float = 200.0

    def __post_init__(self) -> None:
        """Refuse walls that hold nothing."""
        if self.centres.ndim != 2 or not np.all(np.isfinite(self.centres)):
            raise InputError("cages: centres must be finite numbers, [particles, dimensions]")
        for name in ("radius", "stiffness"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise InputError(f"cages: the {name} is {value:g}; it must be a positive number")
