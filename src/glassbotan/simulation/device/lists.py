"""Union Verlet lists: one row a particle, of every pair that any of its trajectories needs.

Rows hold each pair from both sides, so that a particle's force is summed by one thread, in the
row's order: no atomics, and the same sum whenever and however the list was made. For that a row is
ordered by (second particle, periodic image) whatever its reach, and a pair outside of the cutoff
adds exactly 0.

A pair is kept with the vector r_second - r_first in the initial configuration, by the image that
interacts, rounded once from float64 to the type of the displacements. The kernels then need no
periodic boundaries and no positions: r_ij(t) = base + dr_j - dr_i, whose rounding is that of a
distance of 2.5 and not that of a coordinate in a box of 15. It costs 16 bytes a pair and step for
all of its trajectories, against 384 bytes of displacements at 32 trajectories.
"""

from dataclasses import dataclass

import torch

from glassbotan.simulation.device.system import System

ROWS_AT_ONCE = 8
"""Capacities are multiples of it, so that kernels may read ahead."""

SLACK = 1e-4
"""More than what single precision may hide of a displacement or distance, length units."""

IMAGE_OFFSET, IMAGE_BITS = 512, 10
"""A periodic image (n_x, n_y, n_z) is the number (n_x + 512) << 20 | (n_y + 512) << 10 | ..."""


@dataclass(eq=False)
class PairList:
    """Rows of pairs; what lies behind a row's end is never added, and always readable.

    Attributes
    ----------
    entries
        Second particle + (its species << 27), [K, N_total], int32.
    base
        [K, 3, N_total].
    counts
        Pairs that belong in each row, [N_total], int32; more than K where the list is too small,
        and then another must be made.
    skin
        Its reach beyond the cutoff, length units.

    """

    entries: torch.Tensor
    base: torch.Tensor
    counts: torch.Tensor
    skin: float

    @classmethod
    def empty(cls, system: System, capacity: int, skin: float) -> "PairList":
        """Return a list without pairs."""
        capacity = -(-capacity // ROWS_AT_ONCE) * ROWS_AT_ONCE
        n, where = system.particles, system.device
        return cls(
            torch.zeros((capacity, n), dtype=torch.int32, device=where),
            torch.zeros((capacity, 3, n), dtype=system.dtype, device=where),
            torch.zeros(n, dtype=torch.int32, device=where),
            skin,
        )

    @property
    def capacity(self) -> int:
        """The longest row that fits."""
        return int(self.entries.shape[0])

    def longest(self) -> int:
        """Return how long the longest row is, or should be; waits for the device."""
        return int(self.counts.max())
