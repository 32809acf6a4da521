"""The two-layer perceptron of many rows as a function with a hand-written gradient."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from glassbotan.models.kernels.choice import TRITON_WIDTHS, Triton
from glassbotan.models.kernels.gpu.launch import Launcher
from glassbotan.models.kernels.gpu.rows import rows_backward, rows_forward

SMALLEST_PRODUCT = 16
"""Numbers over which a product sums at least."""


def suits(x: Tensor) -> bool:
    """Whether the kernels take these inputs [..., K] and can write their gradient, if wanted."""
    inputs = x.shape[-1]
    return inputs in TRITON_WIDTHS or (inputs < SMALLEST_PRODUCT and not x.requires_grad)


def perceptron(
    x: Tensor, weights: tuple[Tensor, Tensor, Tensor, Tensor], precision: torch.dtype, path: Triton
) -> Tensor:
    """Return relu(relu(x M^T + a) W^T + b) of rows x, shape [R, K], for (M, a, W, b) = weights.

    Parameters
    ----------
    x, weights
        As above.
    precision
        The one computed in.
    path
        How float32 is multiplied.

    """
    inputs = (x, *weights)
    if torch.is_grad_enabled() and any(t.requires_grad for t in inputs):
        outputs: Tensor = _Perceptron.apply(*inputs, precision, path)  # type: ignore[no-untyped-call]
        return outputs
    dense = _dense(inputs, precision)
    return _forward(dense, Launcher(path, dense[0], weights[3].shape[0]), keep=False)[1]


class _Perceptron(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Tensor:
        *inputs, precision, path = arguments
        dense = _dense(tuple(inputs), precision)
        ctx.launcher = Launcher(path, dense[0], dense[4].shape[0])
        hidden, outputs = _forward(dense, ctx.launcher, keep=True)
        ctx.save_for_backward(dense[0], dense[1], dense[3], hidden, outputs)
        ctx.precisions = [x.dtype for x in inputs]
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_outputs: Tensor) -> tuple[Tensor | None, ...]:
        found = _backward(
            of_outputs.contiguous(),
            ctx.saved_tensors,
            ctx.launcher,
            inputs_are_variable=ctx.needs_input_grad[0],
        )
        wanted = zip(found, ctx.precisions, strict=True)
        return (*(None if g is None else g.to(dtype) for g, dtype in wanted), None, None)


def _dense(inputs: tuple[Tensor, ...], precision: torch.dtype) -> tuple[Tensor, ...]:
    return tuple(x.detach().to(precision).contiguous() for x in inputs)


def _forward(
    inputs: tuple[Tensor, ...], launcher: Launcher, *, keep: bool
) -> tuple[Tensor, Tensor]:
    x, first_weight, first_bias, out_weight, out_bias = inputs
    n_rows, width = len(x), len(out_bias)
    outputs = launcher.empty(n_rows, width)
    hidden = torch.empty_like(outputs) if keep else launcher.empty(0, width)
    launcher.over_tiles(
        rows_forward,
        n_rows,
        *(x, first_weight, first_bias, out_weight, out_bias, n_rows, hidden, outputs),
        INPUTS=x.shape[1],
        PADDED=max(x.shape[1], SMALLEST_PRODUCT),
        KEEP_HIDDEN=keep,
    )
    return hidden, outputs


def _backward(
    of_outputs: Tensor,
    saved: tuple[Tensor, ...],
    launcher: Launcher,
    *,
    inputs_are_variable: bool,
) -> tuple[Tensor | None, ...]:
    x, first_weight, out_weight, hidden, outputs = saved
    (n_rows, width), inputs = outputs.shape, x.shape[1]
    padded = max(inputs, SMALLEST_PRODUCT)
    programs = launcher.programs(rows_backward, n_rows)
    of_x = torch.empty_like(x)
    of_first = launcher.sums(programs, width, padded)
    of_out = launcher.sums(programs, width, width)
    of_biases = launcher.sums(programs, 2, width)
    launcher.start(
        rows_backward,
        programs,
        *(of_outputs, x, hidden, outputs),
        *(first_weight.T.contiguous(), out_weight.T.contiguous(), n_rows),
        *(of_x, of_first, of_out, of_biases),
        INPUTS=inputs,
        PADDED=padded,
        INPUTS_ARE_VARIABLE=inputs_are_variable,
    )
    first_bias, out_bias = of_biases.sum(0)
    return (
        of_x if inputs_are_variable else None,
        of_first.sum(0)[:, :inputs],
        first_bias,
        of_out.sum(0),
        out_bias,
    )
