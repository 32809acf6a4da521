# ruff: noqa: ANN001, ANN201 - Triton reads an annotation as a machine type.
# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator"
"""The nodes' part of a recurrent step, in tiles of nodes.

hidden = relu(nodes B^T + received C^T + node_terms), updated = relu(hidden V^T + c), and the terms
that edges see in the next step: updated S^T + sender_constants, updated R^T + receiver_constants.
"""

import triton
import triton.language as tl

from glassbotan.models.kernels.gpu.tile import gate, product, relu, rounded, weights


@triton.jit(do_not_specialize=["n_nodes"])
def nodes_forward(
    nodes,
    received,
    node_terms,
    sender_constants,
    receiver_constants,
    node_weight,
    received_weight,
    out_weight,
    out_bias,
    sender_weight,
    receiver_weight,
    n_nodes,
    hidden,
    updated,
    sender_terms,
    receiver_terms,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
    KEEP_HIDDEN: tl.constexpr,
    TERMS_ARE_USED: tl.constexpr,
    OPERAND: tl.constexpr,
    ACCUMULATOR: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """Update one tile of nodes."""
    node, channel = tl.program_id(0) * ROWS + tl.arange(0, ROWS), tl.arange(0, WIDTH)
    stored = updated.dtype.element_ty
    inside = (node < n_nodes)[:, None]
    tile = node.to(tl.int64)[:, None] * WIDTH + channel[None, :]
    x = tl.load(nodes + tile, mask=inside, other=0.0)
    m = tl.load(received + tile, mask=inside, other=0.0)
    h = tl.load(node_terms + tile, mask=inside, other=0.0).to(ACCUMULATOR)
    h = product(x, weights(node_weight, WIDTH, WIDTH, WIDTH), h, OPERAND, PRECISION)
    h = product(m, weights(received_weight, WIDTH, WIDTH, WIDTH), h, OPERAND, PRECISION)
    h = relu(h).to(stored)
    if KEEP_HIDDEN:
        tl.store(hidden + tile, h, mask=inside)
    y = tl.zeros([ROWS, WIDTH], ACCUMULATOR)
    y = product(h, weights(out_weight, WIDTH, WIDTH, WIDTH), y, OPERAND, PRECISION)
    y = relu(y + tl.load(out_bias + channel).to(ACCUMULATOR)[None, :]).to(stored)
    tl.store(updated + tile, y, mask=inside)
    if TERMS_ARE_USED:
        s = tl.zeros([ROWS, WIDTH], ACCUMULATOR)
        s = product(y, weights(sender_weight, WIDTH, WIDTH, WIDTH), s, OPERAND, PRECISION)
        r = tl.zeros([ROWS, WIDTH], ACCUMULATOR)
        r = product(y, weights(receiver_weight, WIDTH, WIDTH, WIDTH), r, OPERAND, PRECISION)
        if sender_constants is not None:
            s += tl.load(sender_constants + tile, mask=inside, other=0.0).to(ACCUMULATOR)
            r += tl.load(receiver_constants + tile, mask=inside, other=0.0).to(ACCUMULATOR)
        tl.store(sender_terms + tile, s.to(stored), mask=inside)
        tl.store(receiver_terms + tile, r.to(stored), mask=inside)


@triton.jit(do_not_specialize=["n_nodes"])
def nodes_backward(
    grad_updated,
    grad_sender_terms,
    grad_receiver_terms,
    hidden,
    updated,
    node_weight_transposed,
    received_weight_transposed,
    out_weight_transposed,
    sender_weight_transposed,
    receiver_weight_transposed,
    n_nodes,
    grad_out,
    grad_hidden,
    grad_received,
    grad_nodes,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
    TERMS_ARE_USED: tl.constexpr,
    OPERAND: tl.constexpr,
    ACCUMULATOR: tl.constexpr,
    PRECISION: tl.constexpr,
    PIN: tl.constexpr,
):
    """Write the gradients of one tile's layers and inputs.

    From grad_hidden, grad_out and the terms' gradients those of weights follow for all steps in
    one product each.
    """
    node, channel = tl.program_id(0) * ROWS + tl.arange(0, ROWS), tl.arange(0, WIDTH)
    stored = grad_nodes.dtype.element_ty
    inside = (node < n_nodes)[:, None]
    tile = node.to(tl.int64)[:, None] * WIDTH + channel[None, :]
    grad = tl.load(grad_updated + tile, mask=inside, other=0.0).to(ACCUMULATOR)
    if TERMS_ARE_USED:
        s = tl.load(grad_sender_terms + tile, mask=inside, other=0.0)
        from_sent = weights(sender_weight_transposed, WIDTH, WIDTH, WIDTH)
        grad = product(s, from_sent, grad, OPERAND, PRECISION)
        r = tl.load(grad_receiver_terms + tile, mask=inside, other=0.0)
        from_own = weights(receiver_weight_transposed, WIDTH, WIDTH, WIDTH)
        grad = product(r, from_own, grad, OPERAND, PRECISION)
    y = tl.load(updated + tile, mask=inside, other=0.0).to(ACCUMULATOR)
    grad = rounded(gate(grad, y), stored, PIN)
    tl.store(grad_out + tile, grad, mask=inside)
    h = tl.load(hidden + tile, mask=inside, other=0.0).to(ACCUMULATOR)
    pre = tl.zeros([ROWS, WIDTH], ACCUMULATOR)
    from_out = weights(out_weight_transposed, WIDTH, WIDTH, WIDTH)
    pre = gate(product(grad, from_out, pre, OPERAND, PRECISION), h).to(stored)
    tl.store(grad_hidden + tile, pre, mask=inside)
    m = tl.zeros([ROWS, WIDTH], ACCUMULATOR)
    from_hidden = weights(received_weight_transposed, WIDTH, WIDTH, WIDTH)
    m = product(pre, from_hidden, m, OPERAND, PRECISION)
    tl.store(grad_received + tile, m.to(stored), mask=inside)
    x = tl.zeros([ROWS, WIDTH], ACCUMULATOR)
    from_hidden = weights(node_weight_transposed, WIDTH, WIDTH, WIDTH)
    x = product(pre, from_hidden, x, OPERAND, PRECISION)
    tl.store(grad_nodes + tile, x.to(stored), mask=inside)
