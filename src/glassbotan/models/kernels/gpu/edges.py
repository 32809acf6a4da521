# ruff: noqa: ANN001, ANN201 - Triton reads an annotation as a machine type.
# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator"
"""The edges' part of a recurrent step, in tiles of edges; edge_update.py has the formula.

Tensors that no kernel reads soon are the first to leave the L2 cache, so that it keeps the one
whose sums come next.
"""

import triton
import triton.language as tl

from glassbotan.models.kernels.gpu.tile import (
    multiplied,
    product,
    rounded,
    rows_of,
    second_layer,
    second_layer_backward,
    weights,
)


@triton.jit(do_not_specialize=["n_edges"])
def edges_forward(
    sender_terms, receiver_terms, edge_terms, edges, edge_weight, out_weight, out_bias, senders,
    receivers, n_edges, hidden, updated,
    WIDTH: tl.constexpr, ROWS: tl.constexpr, KEEP_HIDDEN: tl.constexpr, OPERAND: tl.constexpr,
    ACCUMULATOR: tl.constexpr, PRECISION: tl.constexpr, PIN: tl.constexpr,
):  # fmt: skip
    """Update one tile of edges."""
    row, channel = tl.arange(0, ROWS), tl.arange(0, WIDTH)
    start = tl.program_id(0).to(tl.int64) * ROWS
    real = row < n_edges - start
    inside = real[:, None]
    tile = start * WIDTH + (row[:, None] * WIDTH + channel[None, :])
    sender = tl.load(senders + start + row, mask=real, other=0)
    receiver = tl.load(receivers + start + row, mask=real, other=0)
    x = rows_of(edges, tile, inside, "evict_first")
    terms = rows_of(edge_terms, tile, inside, "evict_first").to(ACCUMULATOR)
    sent = sender[:, None] * WIDTH + channel[None, :]
    terms += rows_of(sender_terms, sent, inside).to(ACCUMULATOR)
    own = receiver[:, None] * WIDTH + channel[None, :]
    terms += rows_of(receiver_terms, own, inside).to(ACCUMULATOR)
    terms = rounded(terms, ACCUMULATOR, PIN)
    pre = product(x, weights(edge_weight, WIDTH, WIDTH, WIDTH), terms, OPERAND, PRECISION)
    y = second_layer(
        pre, out_weight, out_bias, hidden, tile, inside, ROWS, WIDTH, KEEP_HIDDEN,
        OPERAND, ACCUMULATOR, PRECISION, "evict_first",
    )  # fmt: skip
    tl.store(updated + tile, y.to(updated.dtype.element_ty), mask=inside)


@triton.jit(do_not_specialize=["n_edges"])
def edges_backward(
    grad_received, grad_updated, edges, hidden, updated, edge_weight_transposed,
    out_weight_transposed, receivers, n_edges, grad_terms, grad_edges, grad_weights, grad_bias,
    WIDTH: tl.constexpr, ROWS: tl.constexpr, UPDATED_IS_USED: tl.constexpr,
    OPERAND: tl.constexpr, ACCUMULATOR: tl.constexpr, PRECISION: tl.constexpr,
    PIN: tl.constexpr,
):  # fmt: skip
    """Write the gradients of terms and edges; add those of weights to this program's own.

    Program p takes tiles p, p + programs, ...; grad_weights has shape [programs, 2, WIDTH, WIDTH]
    and grad_bias [programs, WIDTH]: no atomics, and one order of summation.
    """
    row, channel = tl.arange(0, ROWS), tl.arange(0, WIDTH)
    stored = grad_terms.dtype.element_ty
    from_out = weights(out_weight_transposed, WIDTH, WIDTH, WIDTH)
    from_hidden = weights(edge_weight_transposed, WIDTH, WIDTH, WIDTH)
    grad_edge_weight = tl.zeros([WIDTH, WIDTH], ACCUMULATOR)
    grad_out_weight = tl.zeros([WIDTH, WIDTH], ACCUMULATOR)
    grad_out_bias = tl.zeros([WIDTH], ACCUMULATOR)
    for number in range(tl.program_id(0), tl.cdiv(n_edges, ROWS), tl.num_programs(0)):
        edge = number * ROWS + row
        real = edge < n_edges
        inside = real[:, None]
        tile = edge.to(tl.int64)[:, None] * WIDTH + channel[None, :]
        receiver = tl.load(receivers + edge, mask=real, other=0)
        of_sum = receiver[:, None] * WIDTH + channel[None, :]
        grad = rows_of(grad_received, of_sum, inside).to(ACCUMULATOR)
        if UPDATED_IS_USED:
            grad += rows_of(grad_updated, tile, inside, "evict_first").to(ACCUMULATOR)
        pre, grad_out_weight, grad_out_bias = second_layer_backward(
            grad, updated, hidden, tile, inside, from_out, grad_out_weight, grad_out_bias,
            ROWS, WIDTH, OPERAND, ACCUMULATOR, PRECISION, PIN, "evict_first",
        )  # fmt: skip
        pre = pre.to(stored)
        tl.store(grad_terms + tile, pre, mask=inside)
        x = rows_of(edges, tile, inside, "evict_first")
        grad_edge_weight = product(tl.trans(pre), x, grad_edge_weight, OPERAND, PRECISION)
        before = multiplied(pre, from_hidden, ROWS, WIDTH, OPERAND, ACCUMULATOR, PRECISION)
        tl.store(grad_edges + tile, before.to(stored), mask=inside, eviction_policy="evict_first")
    square = channel[:, None] * WIDTH + channel[None, :]
    mine = grad_weights + tl.program_id(0) * 2 * WIDTH * WIDTH + square
    tl.store(mine, tl.load(mine) + grad_edge_weight)
    mine += WIDTH * WIDTH
    tl.store(mine, tl.load(mine) + grad_out_weight)
    mine = grad_bias + tl.program_id(0) * WIDTH + channel
    tl.store(mine, tl.load(mine) + grad_out_bias)
