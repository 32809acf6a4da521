"""Predicted bond extensions as they can be compared with measured ones.

A model's graph may have another cutoff than that of the labels. Scored and drawn are bonds shorter
than ``BOND_RANGE``, which every graph has whose cutoff is at least that.
"""

import numpy as np
from numpy.typing import NDArray

from glassbotan.datasets.groups import BOND_RANGE
from glassbotan.dynamics import Motion
from glassbotan.dynamics.motion import extension_on
from glassbotan.errors import InputError


def too_few_bonds(measured: Motion, predicted: Motion) -> str | None:
    """Tell why bonds of two motions, which both have some, cannot be compared; None if they can."""
    for whose, motion in (
        (f"{measured.source}: holds bonds", measured),
        (f"model {predicted.source!r} predicts bonds", predicted),
    ):
        if motion.graph is not None and motion.graph.cutoff < BOND_RANGE:
            return (
                f"{whose} shorter than {motion.graph.cutoff:g} only; bonds are scored up to "
                f"{BOND_RANGE}"
            )
    return None


def extension_of_measured_bonds(measured: Motion, predicted: Motion) -> NDArray[np.floating]:
    """Return the predicted extension of the measured motion's bonds, shape [T, E], length units.

    Parameters
    ----------
    measured, predicted
        Motions of one snapshot, with bonds; of cutoffs that may differ.

    Returns
    -------
    At the predicted times; NaN for bonds of ``BOND_RANGE`` and above that are not predicted.

    Raises
    ------
    InputError
        One has bonds shorter than ``BOND_RANGE`` alone, or they are of different snapshots.

    """
    graph, own = measured.graph, predicted.graph
    assert graph is not None
    assert own is not None
    reason = too_few_bonds(measured, predicted)
    if reason is not None:
        raise InputError(reason)
    extension = extension_on(graph, predicted) if graph.n_particles == own.n_particles else None
    near = graph.distances < BOND_RANGE
    if extension is None or not _holds(own.edge_index, graph.edge_index[:, near], own.n_particles):
        raise InputError(
            f"{measured.source}: its bonds are not those that model {predicted.source!r} predicts; "
            "both must be of one snapshot"
        )
    return extension


def _holds(known: NDArray[np.int64], wanted: NDArray[np.int64], n_particles: int) -> bool:
    """Tell whether all wanted bonds [2, K] are among the known [2, E]."""
    known_numbers, numbers = (index[1] * n_particles + index[0] for index in (known, wanted))
    return bool(np.isin(numbers, known_numbers, assume_unique=True).all())
