"""A run taken to the times that are asked for, and what must be so of its trajectories there."""

from collections.abc import Callable
from functools import partial

import numpy as np

from glassbotan.simulation.engine import Run
from glassbotan.simulation.pacing import BlownUpError, Pacer
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import IntArray

LARGEST_MOMENTUM = 1e-4
"""Of the whole system, per particle, where the equations of motion conserve it; float32 leaves
1e-6."""


Keep = Callable[[int, FloatArray, FloatArray], None]
"""Takes the trajectories at one of the times: its index, displacements r(t) - r(0) [R, N, d], and
total energies [R]."""


def run_through(
    run: Run,
    steps: IntArray,
    masses: FloatArray,
    *,
    conserves_momentum: bool,
    keep: Keep,
    pacer: Pacer,
) -> None:
    """Advance a run through the steps of all frames that it has not passed.

    Parameters
    ----------
    run
        At step 0, or resumed.
    steps
        Of the frames, shape [T], increasing. A frame at the step that the run is at already was
        kept before the run was resumed, and is left out.
    masses
        Shape [N].
    conserves_momentum
        Whether to look at the total momentum.
    keep
        Takes each frame.
    pacer
        Tells progress, writes checkpoints, and may stop the run.

    Raises
    ------
    BlownUpError
        A trajectory blew up: the engine says so, or a displacement is not finite, or the total
        momentum has grown.
    StoppedError
        The pacer was asked to stop.

    """

    def reached(time: int) -> None:
        displacements, energies = run.displacements(), np.sum(run.energies(), axis=0)
        unsound = not_finite(run.step, energies, float(np.abs(displacements).max()))
        if unsound is None and conserves_momentum:
            momentum = np.einsum("n,rnd->rd", masses, run.velocities()) / len(masses)
            unsound = not_at_rest(run.step, momentum)
        if unsound is not None:
            raise BlownUpError(unsound)
        keep(time, displacements, energies)

    for time, step in enumerate(steps):
        pacer.advance(run, int(step), reached=partial(reached, time))


def not_finite(step: int, energies: FloatArray, largest_displacement: float) -> str | None:
    """Return what to say of trajectories whose positions or energies are no numbers, or None."""
    if np.isfinite(largest_displacement) and np.all(np.isfinite(energies)):
        return None
    return f"a trajectory blew up by step {step}: positions are not finite"


def not_at_rest(step: int, momentum: FloatArray) -> str | None:
    """Return what to say where the total momentum per particle [R, d] is not 0, or None."""
    largest = float(np.abs(momentum).max())
    if largest <= LARGEST_MOMENTUM:
        return None
    return (
        f"a trajectory blew up by step {step}: its momentum per particle is {largest:.2g}; it "
        "must be 0"
    )
