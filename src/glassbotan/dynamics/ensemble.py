"""The isoconfigurational ensemble: many trajectories from one configuration."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import InputError
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray


@dataclass(frozen=True, eq=False)
class IsoconfigurationalEnsemble:
    """R trajectories that leave one snapshot with velocities drawn anew.

    Attributes
    ----------
    snapshot
        The common initial configuration.
    times
        Shape [T], Lennard-Jones time units, increasing.
    positions
        Unwrapped, shape [T, R, N, d]: continuous from the initial positions on, so that positions
        minus initial positions is the displacement.

    Raises
    ------
    InputError
        Shapes disagree, times do not increase, or a position is not finite.

    """

    snapshot: Snapshot
    times: FloatArray
    positions: NDArray[np.floating]

    def __post_init__(self) -> None:
        """Refuse what cannot be an ensemble of this snapshot."""
        object.__setattr__(self, "times", np.asarray(self.times, dtype=np.float64))
        expected = (len(self.times), "R", *self.snapshot.positions.shape)
        shape = self.positions.shape
        if len(shape) != 4 or shape[0] != expected[0] or shape[2:] != expected[2:] or not shape[1]:
            raise InputError(
                f"{self.snapshot.source}: trajectory positions have shape {list(shape)}; "
                f"expected [times, trajectories, particles, dimensions] = {list(expected)}"
            )
        if np.any(np.diff(self.times) <= 0) or not np.all(np.isfinite(self.times)):
            raise InputError(
                f"{self.snapshot.source}: times {self.times.tolist()} must be finite and increase"
            )
        if not np.all(np.isfinite(self.positions)):
            raise InputError(
                f"{self.snapshot.source}: trajectory positions hold values that are not finite"
            )

    @property
    def n_trajectories(self) -> int:
        """The number of trajectories R."""
        return int(self.positions.shape[1])

    def displacements(self, time: int) -> FloatArray:
        """Return r(t) - r(0) of every trajectory at the time of that index, shape [R, N, d]."""
        start = self.snapshot.positions
        return np.asarray(np.subtract(self.positions[time], start, dtype=np.float64))
