"""What is measured and predicted of particles and bonds: each quantity is described once.

A quantity that stands in ``QUANTITIES`` is simulated, stored, learned, scored and drawn by its
name; nothing else need know of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from glassbotan.dynamics.bonds import Bonds
from glassbotan.dynamics.ensemble import IsoconfigurationalEnsemble
from glassbotan.errors import InputError
from glassbotan.structure.periodic import FloatArray

Place = Literal["particles", "bonds"]


@dataclass(frozen=True)
class Quantity:
    """A mean over the trajectories of an isoconfigurational ensemble.

    Attributes
    ----------
    name
        As in files, recipes and options.
    place
        Whether it has a value for each particle or for each bond.
    unit
        "length", or "" for a pure number.
    title
        In figures and tables.
    sample
        Function of the bonds that are followed and of the displacements [R, N, d] of R
        trajectories that returns its value in each of them, shape [R, N] or [R, B]. It may use
        what both kinds of bonds offer, those in NumPy (:class:`Bonds`) and those on a device, and
        arithmetic.
    reach
        The bonds that it needs to be followed: those up to this length, 0 for none.
    signed
        Whether values are about 0, so that pictures colour both signs.
    """

    name: str
    place: Place
    unit: Literal["length", ""]
    title: str
    sample: Callable[[Any, Any], Any]
    reach: float = 0.0
    signed: bool = False


FIRST_SHELL = 1.35
"""A pair closer than this in the snapshot is a bond of the first shell: the first minimum of the
A-A pair distribution, length units."""

BROKEN = 1.7
"""A bond longer than this is broken, length units. That it is more than FIRST_SHELL keeps
vibrations about the first minimum from being counted."""


def _displacement(bonds: Any, displacements: Any) -> Any:
    return bonds.norms(displacements)


def _extension(bonds: Any, displacements: Any) -> Any:
    extension = bonds.lengths(displacements)
    extension -= bonds.distances
    return extension


def _broken(bonds: Any, displacements: Any) -> Any:
    shell = bonds.within(FIRST_SHELL)
    return shell.fractions(shell.lengths(displacements) > BROKEN)


PROPENSITY = Quantity("propensity", "particles", "length", "propensity", _displacement)
"""<|r_i(t) - r_i(0)|>: Widmer-Cooper, Harrowell, Fynewever, Phys. Rev. Lett. 93, 135701 (2004)."""

BOND_EXTENSION = Quantity(
    "bond_extension", "bonds", "length", "bond extension", _extension, signed=True
)
"""<|r_ij(t)|> - |r_ij(0)|, with r_ij(t) the initial minimum-image vector plus the difference of the
two displacements (the pair is followed, wherever it goes): Shiba, Hanai, Suzumura, Shimokawabe,
J. Chem. Phys. 158, 084503 (2023)."""

BOND_BREAKING = Quantity(
    "bond_breaking", "particles", "", "bond-breaking propensity", _broken, reach=FIRST_SHELL
)
"""The mean fraction of a particle's first-shell bonds that are broken: a pair that was closer than
FIRST_SHELL at time 0 and is farther apart than BROKEN at t, both for every pair of species; 0 for a
particle that has no bond. Bonds broken and not replaced tell rearrangements from vibrations and
from what moves along: Yamamoto, Onuki, Phys. Rev. E 58, 3515 (1998); Shiba, Kawasaki, Onuki, Phys.
Rev. E 86, 041504 (2012). Bonds that have formed again by t are not broken at t."""

QUANTITIES: dict[str, Quantity] = {
    one.name: one for one in (PROPENSITY, BOND_EXTENSION, BOND_BREAKING)
}
"""By name, in the order in which they are told."""


def quantity(name: str) -> Quantity:
    """Return the quantity of a name.

    Raises
    ------
    InputError
        There is none; names those that there are.

    """
    if name not in QUANTITIES:
        raise InputError(f"no quantity {name!r}; there are {', '.join(QUANTITIES)}")
    return QUANTITIES[name]


def within_reach(cutoff: float) -> list[Quantity]:
    """Return the quantities that can be measured where bonds up to a cutoff are followed."""
    return [one for one in QUANTITIES.values() if one.reach <= cutoff]


def mean_over(ensemble: IsoconfigurationalEnsemble, measured: Quantity, bonds: Bonds) -> FloatArray:
    """Return a quantity's mean over the trajectories, shape [T, N] or [T, B]."""
    times = range(len(ensemble.times))
    samples = (measured.sample(bonds, ensemble.displacements(t)) for t in times)
    return np.stack([sample.mean(axis=0) for sample in samples])
