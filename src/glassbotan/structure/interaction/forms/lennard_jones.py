"""Lennard-Jones, with or without a polynomial that smooths the cutoff."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from glassbotan.structure.interaction.form import PairForm, Powers, Shift, register
from glassbotan.structure.periodic import FloatArray


@register("lennard-jones")
@dataclass(frozen=True, eq=False)
class LennardJones(PairForm):
    """V(r) = 4 epsilon [(sigma/r)^12 - (sigma/r)^6 + c0 + c2 (r/sigma)^2 + c4 (r/sigma)^4].

    The polynomial, 0 by default, takes V, V' and V'' to zero at a cutoff; at 2.5 sigma by
    c0 = 0.04049023795, c2 = -0.00970155098, c4 = 0.00062012616 (the two-dimensional glass of
    GlassBench, doi:10.5281/zenodo.10118191). The shift is "none" then.
    """

    c0: FloatArray | float = 0.0
    c2: FloatArray | float = 0.0
    c4: FloatArray | float = 0.0

    any_sign: ClassVar[tuple[str, ...]] = ("c0", "c2", "c4")

    def energy(self, r: FloatArray) -> FloatArray:
        """Return V(r)."""
        sixth, ratio2 = (self.sigma / r) ** 6, (r / self.sigma) ** 2
        polynomial = self.c0 + ratio2 * (self.c2 + ratio2 * self.c4)
        return np.asarray(4 * self.epsilon * (sixth * (sixth - 1) + polynomial))

    def slope(self, r: FloatArray) -> FloatArray:
        """Return V'(r)."""
        sixth, ratio2 = (self.sigma / r) ** 6, (r / self.sigma) ** 2
        polynomial = ratio2 * (2 * self.c2 + ratio2 * (4 * self.c4))
        return np.asarray(-4 * self.epsilon * (6 * sixth * (2 * sixth - 1) - polynomial) / r)

    def curvature(self, r: FloatArray) -> FloatArray:
        """Return V''(r)."""
        sixth, ratio2 = (self.sigma / r) ** 6, (r / self.sigma) ** 2
        polynomial = ratio2 * (2 * self.c2 + ratio2 * (12 * self.c4))
        return np.asarray(4 * self.epsilon * (6 * sixth * (26 * sixth - 7) + polynomial) / r**2)

    def powers(self) -> Powers:
        """Return the coefficients, which are what V is made of."""
        attraction, scale = 4 * self.epsilon * self.sigma**6, 4 * self.epsilon
        return Powers(
            repulsion=attraction * self.sigma**6,
            attraction=attraction,
            shift=-scale * self.c0,
            slope=np.zeros_like(attraction),
            quadratic=scale * self.c2 / self.sigma**2,
            quartic=scale * self.c4 / self.sigma**4,
        )

    def lammps_style(self, shift: Shift) -> str | None:
        """Return lj/cut, or what shifts the force too."""
        if any(np.any(part) for part in (self.c0, self.c2, self.c4)):
            return None
        return "lj/smooth/linear" if shift == "force" else "lj/cut"
