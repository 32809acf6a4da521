# ruff: noqa: ANN001, ANN201 - Triton reads an annotation as a machine type.
# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator"
"""What the kernels do with tiles of rows."""

import triton
import triton.language as tl


@triton.jit
def relu(x):
    """Return max(x, 0), and NaN for NaN, which a maximum would lose."""
    return tl.where(x < 0, 0.0, x)


@triton.jit
def gate(gradient, output):
    """Return the gradient of what a ReLU was given, from that of its output."""
    return tl.where(output <= 0, 0.0, gradient)


@triton.jit
def product(x, matrix, start, OPERAND: tl.constexpr, PRECISION: tl.constexpr):
    """Return start + x matrix, of operands in a precision that matrix units take."""
    return tl.dot(
        x.to(OPERAND),
        matrix.to(OPERAND),
        start,
        input_precision=PRECISION,
        out_dtype=start.dtype,
    )


@triton.jit
def weights(matrix, INPUTS: tl.constexpr, PADDED: tl.constexpr, OUTPUTS: tl.constexpr):
    """Load a layer's matrix [OUTPUTS, INPUTS] as its transpose [PADDED, OUTPUTS].

    Along inputs, which the product sums over, memory is contiguous: what TF32's units want.
    """
    k, n = tl.arange(0, PADDED), tl.arange(0, OUTPUTS)
    place = matrix + n[None, :] * INPUTS + k[:, None]
    return tl.load(place, mask=(k < INPUTS)[:, None], other=0.0)


@triton.jit
def rows_of(values, tile, inside, EVICT: tl.constexpr = ""):
    """Load a tile of rows, with zeros where there are none."""
    return tl.load(values + tile, mask=inside, other=0.0, eviction_policy=EVICT)


@triton.jit
def multiplied(
    x, matrix, ROWS: tl.constexpr, OUTPUTS: tl.constexpr, OPERAND: tl.constexpr,
    ACCUMULATOR: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Return x matrix."""
    start = tl.zeros([ROWS, OUTPUTS], ACCUMULATOR)
    return product(x, matrix, start, OPERAND, PRECISION)


@triton.jit
def second_layer(
    pre, out_weight, out_bias, hidden, tile, inside, ROWS: tl.constexpr, WIDTH: tl.constexpr,
    KEEP_HIDDEN: tl.constexpr, OPERAND: tl.constexpr, ACCUMULATOR: tl.constexpr,
    PRECISION: tl.constexpr, EVICT: tl.constexpr = "",
):  # fmt: skip
    """Return relu(h W^T + b) of h = relu(pre), which is kept where wanted."""
    h = relu(pre).to(hidden.dtype.element_ty)
    if KEEP_HIDDEN:
        tl.store(hidden + tile, h, mask=inside, eviction_policy=EVICT)
    matrix = weights(out_weight, WIDTH, WIDTH, WIDTH)
    y = multiplied(h, matrix, ROWS, WIDTH, OPERAND, ACCUMULATOR, PRECISION)
    return relu(y + tl.load(out_bias + tl.arange(0, WIDTH)).to(ACCUMULATOR)[None, :])


@triton.jit
def second_layer_backward(
    grad, outputs, hidden, tile, inside, from_out, of_out, of_bias, ROWS: tl.constexpr,
    WIDTH: tl.constexpr, OPERAND: tl.constexpr, ACCUMULATOR: tl.constexpr,
    PRECISION: tl.constexpr, PIN: tl.constexpr, EVICT: tl.constexpr = "",
):  # fmt: skip
    """Return the gradient of the hidden layer's sums, and those of weight and bias.

    The latter, shapes [WIDTH, WIDTH] and [WIDTH], are ``of_out`` and ``of_bias`` with this tile's
    part added.
    """
    y = rows_of(outputs, tile, inside, EVICT)
    grad = gate(grad, y.to(ACCUMULATOR))
    of_bias += tl.sum(grad, 0)
    grad = rounded(grad, hidden.dtype.element_ty, PIN)
    h = rows_of(hidden, tile, inside, EVICT)
    of_out = product(tl.trans(grad), h, of_out, OPERAND, PRECISION)
    pre = multiplied(grad, from_out, ROWS, WIDTH, OPERAND, ACCUMULATOR, PRECISION)
    return gate(pre, h.to(ACCUMULATOR)), of_out, of_bias


@triton.jit
def rounded(x, STORED: tl.constexpr, PIN: tl.constexpr):
    """Return x as it will be stored, worked out once.

    Unpinned, the compiler works x out again from memory in the layout of every product that takes
    it; the backward pass then needs half as many instructions more, and spills.
    """
    if PIN:
        x = tl.inline_asm_elementwise(
            "mov.b32 $0, $1;", "=r,r", [x], dtype=tl.float32, is_pure=False, pack=1
        )
    return x.to(STORED)
