"""How every particle and bond of a snapshot moves, measured or predicted."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics.bonds import Bonds
from glassbotan.dynamics.quantities import quantity
from glassbotan.errors import InputError
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray

Values = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Motion:
    """Quantities of each particle and each bond, at each of T times.

    A simulation's ensemble average and a model's prediction have this same form, so that
    whatever scores or draws one can score or draw the other. ``motion["propensity"]`` is a
    quantity by its name; ``propensity``, ``bond_extension`` and ``propensity_error`` are attributes
    too.

    Attributes
    ----------
    snapshot
        The configuration that moves.
    times
        Shape [T], Lennard-Jones time units, increasing.
    values
        By the quantity's name (see :data:`glassbotan.dynamics.quantities.QUANTITIES`): shape [T, N]
        on particles, NaN for those of a species that a model does not predict, and [T, B] on bonds.
    bonds
        Those that are meant, each once; None where bonds are not known.
    source
        The model's name or the file of the simulation.
    errors
        By the quantity's name, of the values' shape: half the width of the interval, about the
        value, that holds what is measured over 32 trajectories with 90 % probability. NaN only
        where the value is NaN; quantities of which a model does not tell it are missing.

    Raises
    ------
    InputError
        A quantity is unknown, shapes disagree, or an error is negative, infinite or missing.

    """

    snapshot: Snapshot
    times: FloatArray
    values: Mapping[str, Values]
    bonds: Bonds | None = None
    source: str = ""
    errors: Mapping[str, Values] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse arrays whose shapes disagree, and errors that are none."""
        object.__setattr__(self, "times", np.asarray(self.times, dtype=np.float64))
        for name, values in self.values.items():
            self._check_shape(name, name, values)
        for name, error in self.errors.items():
            self._check_shape(f"{name}_error", name, error)
            blank = np.isnan(self[name]) & np.isnan(error)
            if not np.all(blank | (np.isfinite(error) & (error >= 0))):
                raise InputError(
                    f"{self.source}: {name}_error must be finite and not negative wherever the "
                    f"{name.replace('_', ' ')} is known"
                )

    def __getitem__(self, name: str) -> Values:
        """Return a quantity's values; InputError where they are not known."""
        if name not in self.values:
            known = ", ".join(self.values) or "nothing"
            raise InputError(f"{self.source}: tells {known}, and no {quantity(name).name}")
        return self.values[name]

    @property
    def propensity(self) -> Values:
        """Mean displacement of each particle, shape [T, N], length units; NaN where not known."""
        if "propensity" in self.values:
            return self.values["propensity"]
        return np.full((len(self.times), self.snapshot.n_particles), np.nan)

    @property
    def propensity_error(self) -> Values | None:
        """See ``errors``; None where a model does not tell."""
        return self.errors.get("propensity")

    @property
    def bond_extension(self) -> Values | None:
        """Mean change of each bond's length, [T, B], length units; None where not known."""
        return self.values.get("bond_extension")

    def __repr__(self) -> str:
        """Return what it is of, in a line."""
        when = f"t = {listed_times(self.times)}"
        return f"<Motion {self.source}: {self.snapshot.n_particles} particles at {when}>"

    def _check_shape(self, what: str, name: str, values: Values) -> None:
        place = quantity(name).place
        n_bonds = 0 if self.bonds is None else len(self.bonds)
        number = self.snapshot.n_particles if place == "particles" else n_bonds
        if values.shape != (len(self.times), number):
            raise InputError(
                f"{self.source}: {what} has shape {list(values.shape)}, "
                f"expected [times, {place}] = {[len(self.times), number]}"
            )


def values_on(bonds: Bonds, motion: Motion, name: str) -> Values | None:
    """Return a motion's quantity on the particles, or on bonds of another cutoff.

    Parameters
    ----------
    bonds
        B bonds of the motion's snapshot.
    motion
        With bonds of its own, which may have another cutoff.
    name
        The quantity's.

    Returns
    -------
    Shape [T, N], or [T, B] with NaN for bonds that the motion has not; None where it does not tell
    the quantity.

    """
    own, values = motion.bonds, motion.values.get(name)
    if values is None or quantity(name).place == "particles" or own is None:
        return values
    return own.values_of(bonds, values)


def time_label(time: float) -> str:
    """Return a time as it stands in column names: 0.13, 4120, 130000."""
    return f"{time:g}" if time < 1e6 else f"{time:.0f}"


def listed_times(times: Iterable[float]) -> str:
    """Return times as a message tells them: "0.13, 4120"."""
    return ", ".join(f"{t:g}" for t in times)


def match_times(wanted: FloatArray, available: FloatArray, *, tolerance: float = 0.03) -> list[int]:
    """Return, for each wanted time, the index of the available one that is the same, else -1.

    Published data sets round their times differently (0.13 and 0.132 are one time), hence the
    relative tolerance.
    """
    indices = []
    for time in wanted:
        gaps = np.abs(available - time) / np.maximum(np.abs(time), 1e-12)
        nearest = int(np.argmin(gaps)) if len(gaps) else -1
        indices.append(nearest if nearest >= 0 and gaps[nearest] <= tolerance else -1)
    return indices


def choose_time(times: FloatArray, wanted: float | None, owner: str) -> int:
    """Return the index of a wanted time (to 3 %) among those of ``owner``; by default the longest.

    Raises
    ------
    InputError
        It is none of them; names those that there are.

    """
    if wanted is None:
        return len(times) - 1
    match = match_times(np.array([wanted]), times)[0] if math.isfinite(wanted) else -1
    if match < 0:
        raise InputError(f"{owner}: has t = {listed_times(times)}, not t = {wanted:g}")
    return match
