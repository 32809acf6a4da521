# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201 - Triton's language, with types of its own
"""Which particles a program does, and where they are in all of their trajectories."""

import triton
import triton.language as tl

from glassbotan.simulation.device.plain import ABSURD
from glassbotan.simulation.device.system import COEFFICIENTS, SPECIES_SHIFT

C = tl.constexpr(COEFFICIENTS)
SHIFT = tl.constexpr(SPECIES_SHIFT)
PARTICLE = tl.constexpr((1 << SPECIES_SHIFT) - 1)
FAR = tl.constexpr(ABSURD)


@triton.jit
def tile(particles, LANES: tl.constexpr, BLOCK: tl.constexpr):
    """Return this program's particles, which of them there are, and their first axis's places."""
    number = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    i = tl.minimum(number, particles - 1)
    return i, number < particles, places(i, LANES)


@triton.jit
def places(i, LANES: tl.constexpr):
    """Return where particles' first axis lies in [N, 3, R]; the next is R further."""
    return (i * (3 * LANES))[:, None] + tl.arange(0, LANES)[None, :]


@triton.jit
def three_axes(tensor, at, LANES: tl.constexpr):
    """Return what a tensor [N, 3, R] holds there, by axis."""
    return tl.load(tensor + at), tl.load(tensor + at + LANES), tl.load(tensor + at + 2 * LANES)
