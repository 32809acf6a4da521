# ruff: noqa: ANN001, ANN201, ANN202 - Triton reads an annotation as a machine type.
# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator"
"""Sums over the edges that a node receives and sends: one node a program, in the edges' order."""

import triton
import triton.language as tl


@triton.jit
def sums_at_receivers(
    values, offsets, received,
    WIDTH: tl.constexpr, ROWS: tl.constexpr, ACCUMULATOR: tl.constexpr,
):  # fmt: skip
    """Write the sums [N, WIDTH] of values [E, WIDTH] at the receivers."""
    node = tl.program_id(0)
    _add_up(values, None, offsets, received, node, WIDTH, ROWS, ACCUMULATOR)


@triton.jit
def sums_at_both_ends(
    values, offsets, by_sender, sender_offsets, received, sent,
    WIDTH: tl.constexpr, ROWS: tl.constexpr, ACCUMULATOR: tl.constexpr,
):  # fmt: skip
    """Write the sums [N, WIDTH] of values [E, WIDTH] at receivers and at senders."""
    node = tl.program_id(0)
    _add_up(values, None, offsets, received, node, WIDTH, ROWS, ACCUMULATOR)
    _add_up(values, by_sender, sender_offsets, sent, node, WIDTH, ROWS, ACCUMULATOR)


@triton.jit
def _add_up(
    values, order, offsets, sums, node,
    WIDTH: tl.constexpr, ROWS: tl.constexpr, ACCUMULATOR: tl.constexpr,
):  # fmt: skip
    channel = tl.arange(0, WIDTH)
    first = tl.load(offsets + node).to(tl.int32)
    last = tl.load(offsets + node + 1).to(tl.int32)
    total = tl.zeros([ROWS, WIDTH], ACCUMULATOR)
    for start in range(first, last, ROWS):
        edge = start + tl.arange(0, ROWS)
        real = edge < last
        row = edge if order is None else tl.load(order + edge, mask=real, other=0)
        place = values + row.to(tl.int64)[:, None] * WIDTH + channel[None, :]
        total += tl.load(place, mask=real[:, None], other=0.0).to(ACCUMULATOR)
    total = tl.sum(total, 0).to(sums.dtype.element_ty)
    tl.store(sums + node.to(tl.int64) * WIDTH + channel, total)
