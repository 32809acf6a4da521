"""The path of steepest descent of the energy that sets out from a snapshot."""

from collections.abc import Sequence

import numpy as np

from glassbotan.errors import InputError, RunError
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.potential import (
    KOB_ANDERSEN,
    InteractingPairs,
    PairPotential,
    check_species,
)
from glassbotan.structure.runge_kutta_chebyshev import (
    FEWEST_STAGES,
    chebyshev_step,
    local_error,
    longest_step,
    stages,
)
from glassbotan.structure.snapshot import Snapshot
from glassbotan.structure.verlet_list import VerletList

DURATIONS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.02)
"""Length^2 / energy; the stiffest contacts of a snapshot at T = 0.44 relax in 0.00025."""

TOLERANCE = 0.02
"""Error that a step may make, as part of the root mean square displacement so far."""
RESOLUTION = 1e-9
"""Displacement that is none, length units."""
MOST_STAGES = 60
"""Evaluations in one step; more lose digits to rounding."""
WEAK_CONTACTS = 1.1
"""Allowance for the curvature of pairs that attract, a hundredth of that of those that repel."""
LARGEST_GROWTH, CAUTION = 4.0, 0.8
"""Of one step to the next, and of what the error would allow."""
SHORTEST_STEP = 1e-12
"""As part of the longest duration; only a path into nowhere needs shorter ones."""


def descent_path(
    snapshot: Snapshot,
    potential: PairPotential = KOB_ANDERSEN,
    durations: Sequence[float] | FloatArray = DURATIONS,
) -> FloatArray:
    """Return displacements along the path of steepest descent, shape [K, N, d], length units.

    The path is dr/dtau = F(r) with r(0) the snapshot's positions: every particle follows the
    force on it, whatever its mass. tau is no time. Modes of the Hessian of eigenvalue lambda have
    decayed by exp(-lambda tau): first to go is what thermal vibration did to the stiffest
    contacts. For long tau the path ends in a minimum of the energy, the inherent structure of
    Stillinger, Weber, Phys. Rev. A 25, 978 (1982).

    Parameters
    ----------
    snapshot
        The configuration, in two or three dimensions.
    potential
        The mixture's interaction.
    durations
        tau, increasing, shape [K], length^2 / energy.

    Raises
    ------
    InputError
        Durations are not positive and increasing, the potential does not know a species, the box
        is shorter than twice the cutoff, or two particles overlap.
    RunError
        The path cannot be followed.

    """
    ends = np.asarray(durations, dtype=np.float64)
    sound = ends.ndim == 1 and len(ends) > 0 and bool(np.all(np.isfinite(ends)))
    if not (sound and ends[0] > 0 and np.all(np.diff(ends) > 0)):
        raise InputError(
            f"durations of the descent are {np.array2string(ends, threshold=8)}; they must be "
            "positive and increase"
        )
    check_species(snapshot, potential)
    descent = _Descent(snapshot, potential)
    path = np.empty((len(ends), *snapshot.positions.shape))
    for k, end in enumerate(ends):
        descent.advance(end)
        path[k] = descent.positions - snapshot.positions
    return path


class _Descent:
    """A configuration on its way down."""

    def __init__(self, snapshot: Snapshot, potential: PairPotential) -> None:
        self.snapshot, self.positions, self.tau = snapshot, snapshot.positions, 0.0
        self._listed = VerletList(snapshot, potential)
        self._forces = self._listed.forces(self.positions)
        self._steepest = largest_curvature(self.positions, self._listed.pairs)
        self._wanted = 0.5 / self._steepest

    def advance(self, end: float) -> None:
        while self.tau < end:
            remaining = end - self.tau
            # It falls along the path, and costs more than the fewest evaluations of a step. Where
            # it should rise unseen, the error tells.
            if min(self._wanted, remaining) * self._steepest > longest_step(FEWEST_STAGES):
                self._steepest = largest_curvature(self.positions, self._listed.pairs)
            wanted = min(self._wanted, longest_step(MOST_STAGES) / self._steepest)
            # Equal steps to the end, rather than long ones and a very short one.
            step = remaining / np.ceil(remaining / wanted)
            if self._accepted(step, stages(step * self._steepest)):
                self.tau = end if step == remaining else self.tau + step
            elif self._wanted < SHORTEST_STEP * end:
                raise RunError(
                    f"{self.snapshot.source}: its path of steepest descent cannot be followed "
                    f"beyond tau = {self.tau:.3g}; check positions, box and units"
                )

    def _accepted(self, step: float, number: int) -> bool:
        """Move on by a step unless its error is too large, and choose the next one's length."""
        moved = chebyshev_step(self._listed.forces, self.positions, self._forces, step, number)
        positions = self.positions + moved
        forces = self._listed.forces(positions)
        allowed = TOLERANCE * _rms(positions - self.snapshot.positions) + RESOLUTION
        error = _rms(local_error(moved, self._forces, forces, step)) / allowed
        # Where the error is no number the step was far too long.
        change = CAUTION / max(error, 1e-9) ** (1 / 3) if np.isfinite(error) else 0.1
        self._wanted = step * min(change, LARGEST_GROWTH)
        if not error <= 1:
            return False
        self.positions, self._forces = positions, forces
        return True


def largest_curvature(positions: FloatArray, pairs: InteractingPairs) -> float:
    """Return an upper bound of the largest eigenvalue of the Hessian, energy / length^2.

    A pair's part of the Hessian is k n n^T in its relative motion, k = V''(r) and n its direction,
    for (a - b)^2 <= 2 a^2 + 2 b^2 no more than twice that in each particle's own. The bound is the
    largest eigenvalue of the sum of these d x d matrices over a particle's contacts.
    """
    columns = np.ascontiguousarray(positions.T)
    vectors = columns[:, pairs.second] - columns[:, pairs.first] + pairs.offsets
    squared = np.einsum("dp,dp->p", vectors, vectors)
    curvature = pairs.form.curvature(np.sqrt(squared))
    close = np.flatnonzero((curvature > 0) & (squared < pairs.cutoff_squared))
    if not len(close):
        return 1.0
    scaled = vectors[:, close] * np.sqrt(curvature[close] / squared[close])
    n_particles, dimension = positions.shape
    contacts = np.empty((n_particles, dimension, dimension))
    ends = np.concatenate([pairs.first[close], pairs.second[close]])
    for i in range(dimension):
        for j in range(i + 1):
            product = np.tile(scaled[i] * scaled[j], 2)
            contacts[:, i, j] = contacts[:, j, i] = np.bincount(ends, product, n_particles)
    return float(2 * WEAK_CONTACTS * np.linalg.eigvalsh(contacts)[:, -1].max())


def _rms(vectors: FloatArray) -> float:
    """Return the root mean square length of vectors [N, d]."""
    return float(np.sqrt(np.vdot(vectors, vectors) / len(vectors)))
