"""All pairs of particles closer than a cutoff, in time and memory linear in their number.

A cell list in the manner of Quentrec and Brot, J. Comput. Phys. 13, 430 (1973): a particle meets
those of its own and the neighbouring cells only. Cells stand in columns along the last axis, along
which they are fine, so that what a particle meets in one column is one stretch of the particles in
order of their cells; of two columns that neighbour each other only one looks at the other, so that
every pair comes once. Beyond each face of the box stand periodic images of what is within reach.
"""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import IntArray

SLACK = 1e-9
"""By this part of their edge cells are longer than they need be, so that rounding loses no pair."""
FINENESS = 3
"""Cells along the last axis that make a cutoff."""
MOST_CELLS = 2**20
"""Along one edge of the box, so that cells of a very dilute system can still be numbered."""
CANDIDATES = 2**14
"""Pairs looked at together: few enough that they stay in the processor's cache."""


class _Grid(NamedTuple):
    """Particles and their images in the order of their cells."""

    cells: IntArray
    """Number of each one's cell, [M], increasing."""
    coordinates: FloatArray
    """Contiguous along each axis, [d, M]."""
    particles: IntArray
    """Which particle it is, or is an image of, [M]."""
    inside: IntArray
    """Places in this order of the N particles themselves."""
    columns: tuple[int, ...]
    """What is to be added to a cell's number to come to each column that is looked at."""


def pairs_within(positions: FloatArray, box: FloatArray, cutoff: float) -> IntArray:
    """Return all pairs of particles that are closer than a cutoff, each once, shape [2, P].

    Parameters
    ----------
    positions
        Shape [N, d] with d = 2 or 3, within the box, length units.
    box
        Edges of the periodic box, shape [d], at least twice the cutoff.
    cutoff
        Length units.

    """
    return np.concatenate(list(_close_pairs(_grid(positions, box, cutoff), cutoff)), axis=1)


def _grid(positions: FloatArray, box: FloatArray, cutoff: float) -> _Grid:
    reach = np.array([1] * (len(box) - 1) + [FINENESS])
    number = np.clip(box * reach // (cutoff * (1 + SLACK)), 1, MOST_CELLS).astype(np.int64)
    cells, coordinates, particles = _with_images(positions, box, number, reach)
    numbers = np.ravel_multi_index(tuple(cells + reach[:, None]), tuple(number + 2 * reach))
    order = np.argsort(numbers, kind="stable")
    strides = np.cumprod([1, *(number + 2 * reach)[:0:-1]])[::-1]
    # Of each two opposite steps to a neighbouring column one.
    steps = product((-1, 0, 1), repeat=len(box) - 1)
    return _Grid(
        numbers[order],
        coordinates[:, order],
        particles[order],
        np.flatnonzero(order < len(positions)),
        tuple(int(strides[:-1] @ step) for step in steps if step > (0,) * len(step)),
    )


def _with_images(
    positions: FloatArray, box: FloatArray, number: IntArray, reach: IntArray
) -> tuple[IntArray, FloatArray, IntArray]:
    """Return cells [d, M], coordinates [d, M] and indices [M] of particles, then of images."""
    coordinates, last = positions.T, number[:, None] - 1
    cells = np.minimum((coordinates * (number / box)[:, None]).astype(np.int64), last)
    particles = np.arange(len(positions))
    for axis, (edge, n, layers) in enumerate(zip(box, number, reach, strict=True)):
        beyond_end = np.flatnonzero(cells[axis] < layers)
        before_start = np.flatnonzero(cells[axis] >= n - layers)
        chosen = np.concatenate([np.arange(cells.shape[1]), beyond_end, before_start])
        images = np.repeat([0, 1, -1], [cells.shape[1], len(beyond_end), len(before_start)])
        cells, coordinates = cells[:, chosen], coordinates[:, chosen]
        particles = particles[chosen]
        # Cells move by whole numbers: a pair and its image are as many cells apart.
        cells[axis] += n * images
        coordinates[axis] += edge * images
    return cells, coordinates, particles


def _close_pairs(grid: _Grid, cutoff: float) -> Iterator[IntArray]:
    """Yield close pairs, [2, n] at a time."""
    starts, ends = _stretches(grid)
    lengths = ends - starts
    met = np.cumsum(lengths.sum(axis=1))
    bounds = np.searchsorted(met, np.arange(CANDIDATES, met[-1], CANDIDATES))
    for block in np.split(np.arange(len(met)), bounds):
        counts = lengths[block].ravel()
        first = np.repeat(grid.inside[block], lengths[block].sum(axis=1))
        # Counts on within a stretch, and jumps to the next one's start.
        jumps = starts[block].ravel() - (np.cumsum(counts) - counts)
        second = np.arange(len(first)) + np.repeat(jumps, counts)
        vectors = [along[second] - along[first] for along in grid.coordinates]
        close = np.flatnonzero(sum(v * v for v in vectors) < cutoff**2)
        yield grid.particles[np.stack([first[close], second[close]])]


def _stretches(grid: _Grid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where what each of the N particles meets starts and ends, each [N, columns]."""
    own = grid.cells[grid.inside]
    starts, ends = [grid.inside + 1], [np.searchsorted(grid.cells, own + FINENESS, side="right")]
    for column in grid.columns:
        starts.append(np.searchsorted(grid.cells, own + (column - FINENESS)))
        ends.append(np.searchsorted(grid.cells, own + (column + FINENESS), side="right"))
    return np.stack(starts, axis=1), np.stack(ends, axis=1)
