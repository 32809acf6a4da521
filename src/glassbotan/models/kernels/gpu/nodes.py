# ruff: noqa: ANN001, ANN201 - Triton reads an annotation as a machine type.
# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator"
"""The nodes' part of a recurrent step, in tiles of nodes.

hidden = relu(nodes B^T + received C^T + node_terms), updated = relu(hidden V^T + c), and the terms
that edges see in the next step: updated S^T + sender_constants, updated R^T + receiver_constants.
"""

import triton
import triton.language as tl

from glassbotan.models.kernels.gpu.tile import (
    gate,
    multiplied,
    product,
    rounded,
    rows_of,
    second_layer,
    weights,
)


@triton.jit(do_not_specialize=["n_nodes"])
def nodes_forward(
    nodes, received, node_terms, sender_constants, receiver_constants, node_weight,
    received_weight, out_weight, out_bias, sender_weight, receiver_weight, n_nodes, hidden,
    updated, sender_terms, receiver_terms,
    WIDTH: tl.constexpr, ROWS: tl.constexpr, KEEP_HIDDEN: tl.constexpr,
    TERMS_ARE_USED: tl.constexpr, OPERAND: tl.constexpr, ACCUMULATOR: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """Update one tile of nodes."""
    node, channel = tl.program_id(0) * ROWS + tl.arange(0, ROWS), tl.arange(0, WIDTH)
    stored = updated.dtype.element_ty
    inside = (node < n_nodes)[:, None]
    tile = node.to(tl.int64)[:, None] * WIDTH + channel[None, :]
    x = rows_of(nodes, tile, inside)
    m = rows_of(received, tile, inside)
    pre = rows_of(node_terms, tile, inside).to(ACCUMULATOR)
    pre = product(x, weights(node_weight, WIDTH, WIDTH, WIDTH), pre, OPERAND, PRECISION)
    pre = product(m, weights(received_weight, WIDTH, WIDTH, WIDTH), pre, OPERAND, PRECISION)
    y = second_layer(
        pre, out_weight, out_bias, hidden, tile, inside, ROWS, WIDTH, KEEP_HIDDEN,
        OPERAND, ACCUMULATOR, PRECISION,
    ).to(stored)  # fmt: skip
    tl.store(updated + tile, y, mask=inside)
    if TERMS_ARE_USED:
        to_sent = weights(sender_weight, WIDTH, WIDTH, WIDTH)
        s = multiplied(y, to_sent, ROWS, WIDTH, OPERAND, ACCUMULATOR, PRECISION)
        to_own = weights(receiver_weight, WIDTH, WIDTH, WIDTH)
        r = multiplied(y, to_own, ROWS, WIDTH, OPERAND, ACCUMULATOR, PRECISION)
        if sender_constants is not None:
            s += rows_of(sender_constants, tile, inside).to(ACCUMULATOR)
            r += rows_of(receiver_constants, tile, inside).to(ACCUMULATOR)
        tl.store(sender_terms + tile, s.to(stored), mask=inside)
        tl.store(receiver_terms + tile, r.to(stored), mask=inside)


@triton.jit(do_not_specialize=["n_nodes"])
def nodes_backward(
    grad_updated, grad_sender_terms, grad_receiver_terms, hidden, updated,
    node_weight_transposed, received_weight_transposed, out_weight_transposed,
    sender_weight_transposed, receiver_weight_transposed, n_nodes, grad_out, grad_hidden,
    grad_received, grad_nodes,
    WIDTH: tl.constexpr, ROWS: tl.constexpr, TERMS_ARE_USED: tl.constexpr,
    OPERAND: tl.constexpr, ACCUMULATOR: tl.constexpr, PRECISION: tl.constexpr,
    PIN: tl.constexpr,
):  # fmt: skip
    """Write the gradients of one tile's layers and inputs.

    From grad_hidden, grad_out and the terms' gradients those of weights follow for all steps in
    one product each.
    """
    node, channel = tl.program_id(0) * ROWS + tl.arange(0, ROWS), tl.arange(0, WIDTH)
    stored = grad_nodes.dtype.element_ty
    inside = (node < n_nodes)[:, None]
    tile = node.to(tl.int64)[:, None] * WIDTH + channel[None, :]
    grad = rows_of(grad_updated, tile, inside).to(ACCUMULATOR)
    if TERMS_ARE_USED:
        s = rows_of(grad_sender_terms, tile, inside)
        from_sent = weights(sender_weight_transposed, WIDTH, WIDTH, WIDTH)
        grad = product(s, from_sent, grad, OPERAND, PRECISION)
        r = rows_of(grad_receiver_terms, tile, inside)
        from_own = weights(receiver_weight_transposed, WIDTH, WIDTH, WIDTH)
        grad = product(r, from_own, grad, OPERAND, PRECISION)
    y = rows_of(updated, tile, inside).to(ACCUMULATOR)
    grad = rounded(gate(grad, y), stored, PIN)
    tl.store(grad_out + tile, grad, mask=inside)
    h = rows_of(hidden, tile, inside).to(ACCUMULATOR)
    from_out = weights(out_weight_transposed, WIDTH, WIDTH, WIDTH)
    pre = multiplied(grad, from_out, ROWS, WIDTH, OPERAND, ACCUMULATOR, PRECISION)
    pre = gate(pre, h).to(stored)
    tl.store(grad_hidden + tile, pre, mask=inside)
    from_hidden = weights(received_weight_transposed, WIDTH, WIDTH, WIDTH)
    m = multiplied(pre, from_hidden, ROWS, WIDTH, OPERAND, ACCUMULATOR, PRECISION)
    tl.store(grad_received + tile, m.to(stored), mask=inside)
    from_hidden = weights(node_weight_transposed, WIDTH, WIDTH, WIDTH)
    x = multiplied(pre, from_hidden, ROWS, WIDTH, OPERAND, ACCUMULATOR, PRECISION)
    tl.store(grad_nodes + tile, x.to(stored), mask=inside)
