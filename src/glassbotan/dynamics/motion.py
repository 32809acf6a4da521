"""How every particle and bond of a snapshot moves, measured or predicted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import InputError
from glassbotan.structure import NeighbourGraph, Snapshot
from glassbotan.structure.periodic import FloatArray


@dataclass(frozen=True, eq=False)
class Motion:
    """Propensity of each particle and extension of each bond, at each of T times.

    A simulation's ensemble average and a model's prediction have this same form, so that
    whatever scores or draws one can score or draw the other.

    Attributes
    ----------
    snapshot
        The configuration that moves.
    times
        Shape [T], Lennard-Jones time units, increasing.
    propensity
        Shape [T, N], length units; NaN for particles of a species that a model does not predict.
    graph
        The bonds meant by ``bond_extension``; None where bonds are not known.
    bond_extension
        Shape [T, E], length units; None where bonds are not known.
    source
        The model's name or the file of the simulation.

    """

    snapshot: Snapshot
    times: FloatArray
    propensity: NDArray[np.floating]
    graph: NeighbourGraph | None = None
    bond_extension: NDArray[np.floating] | None = None
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse arrays whose shapes disagree."""
        object.__setattr__(self, "times", np.asarray(self.times, dtype=np.float64))
        expected = (len(self.times), self.snapshot.n_particles)
        if self.propensity.shape != expected:
            raise InputError(
                f"{self.source}: propensity has shape {list(self.propensity.shape)}, "
                f"expected [times, particles] = {list(expected)}"
            )
        if self.bond_extension is None:
            return
        bonds = self.graph.n_edges if self.graph is not None else 0
        if self.bond_extension.shape != (len(self.times), bonds):
            raise InputError(
                f"{self.source}: bond_extension has shape {list(self.bond_extension.shape)}, "
                f"expected [times, bonds] = {[len(self.times), bonds]}"
            )


def time_label(time: float) -> str:
    """Return a time as it stands in column names: 0.13, 4120, 130000."""
    return f"{time:g}" if time < 1e6 else f"{time:.0f}"


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
