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
    propensity_error
        Shape [T, N], length units: half the width of the interval, about ``propensity``, that
        holds the propensity measured over 32 trajectories with 90 % probability. NaN only where
        ``propensity`` is NaN; None where a model does not tell.

    Raises
    ------
    InputError
        Shapes disagree, or an error is negative, infinite or missing.

    """

    snapshot: Snapshot
    times: FloatArray
    propensity: NDArray[np.floating]
    graph: NeighbourGraph | None = None
    bond_extension: NDArray[np.floating] | None = None
    source: str = ""
    propensity_error: NDArray[np.floating] | None = None

    def __post_init__(self) -> None:
        """Refuse arrays whose shapes disagree, and errors that are none."""
        object.__setattr__(self, "times", np.asarray(self.times, dtype=np.float64))
        expected = (len(self.times), self.snapshot.n_particles)
        if self.propensity.shape != expected:
            raise InputError(
                f"{self.source}: propensity has shape {list(self.propensity.shape)}, "
                f"expected [times, particles] = {list(expected)}"
            )
        if self.propensity_error is not None:
            self._check_error(self.propensity_error, expected)
        if self.bond_extension is None:
            return
        bonds = self.graph.n_edges if self.graph is not None else 0
        if self.bond_extension.shape != (len(self.times), bonds):
            raise InputError(
                f"{self.source}: bond_extension has shape {list(self.bond_extension.shape)}, "
                f"expected [times, bonds] = {[len(self.times), bonds]}"
            )

    def __repr__(self) -> str:
        """Return what it is of, in a line."""
        when = f"t = {', '.join(f'{time:g}' for time in self.times)}"
        return f"<Motion {self.source}: {self.snapshot.n_particles} particles at {when}>"

    def _check_error(self, error: NDArray[np.floating], expected: tuple[int, int]) -> None:
        if error.shape != expected:
            raise InputError(
                f"{self.source}: propensity_error has shape {list(error.shape)}, "
                f"expected [times, particles] = {list(expected)}"
            )
        blank = np.isnan(self.propensity) & np.isnan(error)
        if not np.all(blank | (np.isfinite(error) & (error >= 0))):
            raise InputError(
                f"{self.source}: propensity_error must be finite and not negative wherever the "
                "propensity is known"
            )


def extension_on(graph: NeighbourGraph, motion: Motion) -> NDArray[np.floating] | None:
    """Return a motion's bond extension on the bonds of another graph, shape [T, E].

    Parameters
    ----------
    graph
        Of the motion's snapshot, with E bonds.
    motion
        With bonds of its own graph, which may have another cutoff.

    Returns
    -------
    Bond extension, NaN for bonds that the motion's own graph has not; None where the motion has
    no bonds.

    """
    own, extension = motion.graph, motion.bond_extension
    if own is None or extension is None:
        return None
    if np.array_equal(own.edge_index, graph.edge_index):
        return extension
    # Edges are sorted by receiver, then sender, and so are these numbers.
    wanted, known = (g.edge_index[1] * g.n_particles + g.edge_index[0] for g in (graph, own))
    places = np.searchsorted(known, wanted)
    found = np.flatnonzero(np.append(known, -1)[places] == wanted)
    result = np.full((len(extension), graph.n_edges), np.nan, dtype=extension.dtype)
    result[:, found] = extension[:, places[found]]
    return result


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
