"""The most mobile region: where the fastest particles stand together."""

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import InputError
from glassbotan.structure import Snapshot, neighbour_graph


def most_mobile_cluster(
    snapshot: Snapshot, mobility: NDArray[np.floating], *, fraction: float, cutoff: float
) -> NDArray[np.int64]:
    """Return the largest connected cluster of the fastest particles, as increasing indices.

    Donati, Douglas, Kob, Plimpton, Poole, Glotzer, Phys. Rev. Lett. 80, 2338 (1998): the fastest
    5 % of a supercooled liquid's particles stand in clusters. Of two equally large clusters it is
    the one that moves farther.

    Parameters
    ----------
    snapshot
        Initial configuration; particles closer than ``cutoff`` (length units) in it are connected,
        across the periodic boundary too.
    mobility
        Of each particle (propensity, or length of the displacement), shape [N].
    fraction
        How many of all particles are fast, above 0 and up to 1; at least one particle is.

    Raises
    ------
    InputError
        No such fraction, or the cutoff is longer than half of a box edge.

    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not 0 < fraction <= 1:
        raise InputError(f"the fastest fraction is {fraction:g}; it must be above 0 and up to 1")
    count = max(1, round(fraction * snapshot.n_particles))
    fast = np.sort(np.argsort(mobility, kind="stable")[-count:])
    number = np.full(snapshot.n_particles, -1)
    number[fast] = np.arange(count)
    senders, receivers = number[neighbour_graph(snapshot, cutoff).edge_index]
    both = (senders >= 0) & (receivers >= 0)
    links = (np.ones(both.sum()), (senders[both], receivers[both]))
    _, cluster = connected_components(coo_array(links, shape=(count, count)), directed=False)
    sizes, moved = np.bincount(cluster), np.bincount(cluster, mobility[fast])
    largest = np.lexsort((moved, sizes))[-1]
    return np.asarray(fast[cluster == largest])
