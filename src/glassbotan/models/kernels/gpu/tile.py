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
