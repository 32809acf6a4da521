"""Repulsion by an inverse power of the distance."""

from dataclasses import dataclass

import numpy as np

from glassbotan.structure.interaction.form import PairForm, register
from glassbotan.structure.periodic import FloatArray


@register("inverse-power")
@dataclass(frozen=True, eq=False)
class InversePower(PairForm):
    """V(r) = epsilon (sigma/r)^exponent.

    Soft spheres: Bernu, Hansen, Hiwatari, Pastore, Phys. Rev. A 36, 4891 (1987).
    """

    exponent: FloatArray | float = 12.0

    def energy(self, r: FloatArray) -> FloatArray:
        """Return V(r)."""
        return np.asarray(self.epsilon * (self.sigma / r) ** self.exponent)

    def slope(self, r: FloatArray) -> FloatArray:
        """Return V'(r)."""
        return np.asarray(-self.exponent * self.energy(r) / r)

    def curvature(self, r: FloatArray) -> FloatArray:
        """Return V''(r)."""
        return np.asarray(self.exponent * (self.exponent + 1) * self.energy(r) / r**2)
