"""A run taken to the times that are asked for, in slices short enough to be stopped between."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from glassbotan.errors import RunError
from glassbotan.simulation.engine import Run
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import IntArray

SLICE = 0.5
"""Seconds of computing between two looks at whether to stop."""

FIRST_SLICE = 20
"""Steps before the first look, when the engine's speed is not known yet."""

LARGEST_MOMENTUM = 1e-4
"""Of the whole system, per particle, where the equations of motion conserve it; float32 leaves
1e-6."""


class BlownUpError(RunError):
    """The engine gave up on its trajectories."""


class StoppedError(Exception):
    """The run was asked to stop; its checkpoint is written."""


@dataclass(frozen=True, eq=False)
class Frame:
    """Trajectories at one of the times.

    Attributes
    ----------
    time
        The time's index.
    displacements
        r(t) - r(0), shape [R, N, d], length units.
    energies
        Total energies, shape [R].

    """

    time: int
    displacements: FloatArray
    energies: FloatArray


def frames(
    run: Run,
    steps: IntArray,
    masses: FloatArray,
    *,
    conserves_momentum: bool,
    between: Callable[[], None] = lambda: None,
) -> Iterator[Frame]:
    """Advance a run and yield a frame at each of the steps that it has not passed.

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
    between
        Called about every half second of computing, always after a frame was taken; may raise.

    Raises
    ------
    BlownUpError
        A trajectory blew up: the engine says so, or a displacement is not finite, or the total
        momentum has grown.

    """
    slice_ = FIRST_SLICE
    for index, step in enumerate(steps):
        if step <= run.step:
            continue
        while run.step < step:
            todo = min(slice_, int(step) - run.step)
            start = time.perf_counter()
            _advance(run, todo)
            elapsed = max(time.perf_counter() - start, 1e-6)
            # Never far from the last one: a slice may have been disturbed.
            slice_ = max(1, min(int(todo * SLICE / elapsed), 4 * slice_))
            if run.step == step:
                yield _frame(run, index, masses, conserves_momentum=conserves_momentum)
            between()


def _advance(run: Run, steps: int) -> None:
    try:
        run.advance(steps)
    except RunError as error:
        raise BlownUpError(str(error)) from None


def _frame(run: Run, index: int, masses: FloatArray, *, conserves_momentum: bool) -> Frame:
    displacements = run.displacements()
    energies = np.sum(run.energies(), axis=0)
    unsound = not_finite(run.step, energies, float(np.abs(displacements).max()))
    if unsound is None and conserves_momentum:
        momentum = np.einsum("n,rnd->rd", masses, run.velocities()) / len(masses)
        unsound = not_at_rest(run.step, momentum)
    if unsound is not None:
        raise BlownUpError(unsound)
    return Frame(index, displacements, energies)


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
