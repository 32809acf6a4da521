# ruff: noqa: ANN001, ANN201 - Triton reads an annotation as a machine type.
# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator"
"""A two-layer perceptron of many rows, in tiles of rows; perceptron.py has the formula."""

import triton
import triton.language as tl

from glassbotan.models.kernels.gpu.tile import (
    multiplied,
    product,
    rows_of,
    second_layer,
    second_layer_backward,
    weights,
)


@triton.jit(do_not_specialize=["n_rows"])
def rows_forward(
    inputs, first_weight, first_bias, out_weight, out_bias, n_rows, hidden, outputs,
    INPUTS: tl.constexpr, PADDED: tl.constexpr, WIDTH: tl.constexpr, ROWS: tl.constexpr,
    KEEP_HIDDEN: tl.constexpr, OPERAND: tl.constexpr, ACCUMULATOR: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """Compute one tile of rows."""
    row, channel = tl.arange(0, ROWS), tl.arange(0, WIDTH)
    k = tl.arange(0, PADDED)
    start = tl.program_id(0).to(tl.int64) * ROWS
    inside = (row < n_rows - start)[:, None]
    tile = start * WIDTH + (row[:, None] * WIDTH + channel[None, :])
    place = inputs + start * INPUTS + (row[:, None] * INPUTS + k[None, :])
    x = tl.load(place, mask=inside & (k < INPUTS)[None, :], other=0.0)
    matrix = weights(first_weight, INPUTS, PADDED, WIDTH)
    pre = multiplied(x, matrix, ROWS, WIDTH, OPERAND, ACCUMULATOR, PRECISION)
    pre += tl.load(first_bias + channel).to(ACCUMULATOR)[None, :]
    y = second_layer(
        pre, out_weight, out_bias, hidden, tile, inside, ROWS, WIDTH, KEEP_HIDDEN,
        OPERAND, ACCUMULATOR, PRECISION,
    )  # fmt: skip
    tl.store(outputs + tile, y.to(outputs.dtype.element_ty), mask=inside)


@triton.jit(do_not_specialize=["n_rows"])
def rows_backward(
    grad_outputs, inputs, hidden, outputs, first_weight_transposed, out_weight_transposed,
    n_rows, grad_inputs, grad_first_weight, grad_out_weight, grad_biases,
    INPUTS: tl.constexpr, PADDED: tl.constexpr, WIDTH: tl.constexpr, ROWS: tl.constexpr,
    INPUTS_ARE_VARIABLE: tl.constexpr, OPERAND: tl.constexpr, ACCUMULATOR: tl.constexpr,
    PRECISION: tl.constexpr, PIN: tl.constexpr,
):  # fmt: skip
    """Write the gradients of inputs, and each program's share of those of weights.

    Those have shapes [programs, WIDTH, PADDED], [programs, WIDTH, WIDTH], [programs, 2, WIDTH].
    """
    row, channel = tl.arange(0, ROWS), tl.arange(0, WIDTH)
    k = tl.arange(0, PADDED)
    stored = hidden.dtype.element_ty
    from_out = weights(out_weight_transposed, WIDTH, WIDTH, WIDTH)
    of_first = tl.zeros([WIDTH, PADDED], ACCUMULATOR)
    of_out = tl.zeros([WIDTH, WIDTH], ACCUMULATOR)
    of_first_bias = tl.zeros([WIDTH], ACCUMULATOR)
    of_out_bias = tl.zeros([WIDTH], ACCUMULATOR)
    for number in range(tl.program_id(0), tl.cdiv(n_rows, ROWS), tl.num_programs(0)):
        here = number * ROWS + row
        inside = (here < n_rows)[:, None]
        tile = here.to(tl.int64)[:, None] * WIDTH + channel[None, :]
        grad = rows_of(grad_outputs, tile, inside).to(ACCUMULATOR)
        pre, of_out, of_out_bias = second_layer_backward(
            grad, outputs, hidden, tile, inside, from_out, of_out, of_out_bias,
            ROWS, WIDTH, OPERAND, ACCUMULATOR, PRECISION, PIN,
        )  # fmt: skip
        of_first_bias += tl.sum(pre, 0)
        pre = pre.to(stored)
        place = here.to(tl.int64)[:, None] * INPUTS + k[None, :]
        wanted = inside & (k < INPUTS)[None, :]
        x = tl.load(inputs + place, mask=wanted, other=0.0)
        of_first = product(tl.trans(pre), x, of_first, OPERAND, PRECISION)
        if INPUTS_ARE_VARIABLE:
            # INPUTS is then a power of two, PADDED the same.
            from_hidden = weights(first_weight_transposed, WIDTH, WIDTH, PADDED)
            before = multiplied(pre, from_hidden, ROWS, PADDED, OPERAND, ACCUMULATOR, PRECISION)
            tl.store(grad_inputs + place, before.to(stored), mask=wanted)
    program = tl.program_id(0)
    first = channel[:, None] * PADDED + k[None, :]
    tl.store(grad_first_weight + program * WIDTH * PADDED + first, of_first)
    out = channel[:, None] * WIDTH + channel[None, :]
    tl.store(grad_out_weight + program * WIDTH * WIDTH + out, of_out)
    tl.store(grad_biases + program * 2 * WIDTH + channel, of_first_bias)
    tl.store(grad_biases + (program * 2 + 1) * WIDTH + channel, of_out_bias)
