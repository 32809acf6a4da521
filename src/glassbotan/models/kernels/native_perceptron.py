"""Two-layer perceptrons and the edge update by the native kernels, with their gradients."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from glassbotan.models.kernels import native
from glassbotan.models.kernels.edge_layout import EdgeLayout
from glassbotan.native_library import Variant

INPUTS = (
    *("sender_terms", "receiver_terms", "row_terms", "first_bias", "inputs"),
    *("first_weight", "out_weight", "out_bias"),
)
"""The tensors of ``apply`` in order; with a graph no bias, without one no terms."""


def apply(
    inputs: tuple[Tensor | None, ...],
    layout: EdgeLayout | None,
    variant: Variant,
    *,
    in_place: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Return outputs [E, H] and, with a graph, their sums at the receivers [N, H].

    outputs = relu(relu(terms + inputs M^T) W^T + b), where the terms of row e = (i -> j) are
    sender_terms[i] + receiver_terms[j] + row_terms[e], or first_bias without a graph.

    Parameters
    ----------
    inputs
        As in ``INPUTS``: terms of nodes [N, H] and of rows [E, H], first bias [H], rows' inputs
        [E, K], weights M [H, K], W [H, H], b [H].
    layout
        The graph's edges.
    variant
        The instruction set.
    in_place
        Where no gradient is recorded, the outputs may overwrite the inputs [E, H].

    """
    if torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in inputs):
        outputs, received = _Perceptron.apply(*inputs, layout, variant)  # type: ignore[no-untyped-call]
        return outputs, received
    tensors = _dense(inputs)
    rows = tensors["inputs"]
    outputs = rows if in_place else rows.new_empty(len(rows), len(tensors["out_bias"]))
    return outputs, _forward(tensors, layout, variant, outputs, hidden=None)


def _dense(inputs: tuple[Tensor | None, ...]) -> dict[str, Tensor]:
    named = zip(INPUTS, inputs, strict=True)
    return {name: x.detach().contiguous() for name, x in named if x is not None}


def _forward(
    tensors: dict[str, Tensor],
    layout: EdgeLayout | None,
    variant: Variant,
    outputs: Tensor,
    hidden: Tensor | None,
) -> Tensor | None:
    received = None if layout is None else outputs.new_empty(layout.n_nodes, outputs.shape[1])
    perceptron = _structure(
        {**tensors, "hidden": hidden, "outputs": outputs, "received": received},
        layout,
        ("senders", "receivers", "offsets"),
    )
    native.run(variant, outputs.dtype, perceptron)
    return received


def _structure(
    tensors: dict[str, Tensor | None], layout: EdgeLayout | None, indices_read: tuple[str, ...]
) -> native.Perceptron:
    indices: dict[str, Tensor] = {}
    if layout is not None:
        indices = {name: getattr(layout, name) for name in indices_read}
    inputs, bias = tensors["inputs"], tensors["out_bias"]
    assert inputs is not None
    assert bias is not None
    return native.Perceptron(
        rows=inputs.shape[0],
        inputs_width=inputs.shape[1],
        width=len(bias),
        nodes=0 if layout is None else layout.n_nodes,
        **_pointers({**tensors, **indices}),
    )


def _pointers(tensors: dict[str, Any]) -> dict[str, int | None]:
    return {name: None if x is None else x.data_ptr() for name, x in tensors.items()}


class _Perceptron(torch.autograd.Function):
    """Keeps the hidden layer: reading it is quicker than computing it again."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> tuple[Tensor, Tensor | None]:
        *inputs, layout, variant = arguments
        tensors = _dense(tuple(inputs))
        rows = tensors["inputs"]
        hidden = rows.new_empty(len(rows), len(tensors["out_bias"]))
        outputs = torch.empty_like(hidden)
        received = _forward(tensors, layout, variant, outputs, hidden)
        ctx.set_materialize_grads(False)
        kept = (rows, tensors["first_weight"], tensors["out_weight"], tensors["out_bias"])
        ctx.save_for_backward(*kept, hidden, outputs)
        ctx.layout, ctx.variant = layout, variant
        return outputs, received

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        names = ("inputs", "first_weight", "out_weight", "out_bias", "hidden", "outputs")
        tensors = dict(zip(names, ctx.saved_tensors, strict=True))
        layout: EdgeLayout | None = ctx.layout
        found = _room_for_gradients(tensors, layout, inputs=ctx.needs_input_grad[4])
        of_outputs, of_received = (None if g is None else g.contiguous() for g in gradients)
        given = {"outputs": of_outputs, "received": of_received}
        native.run(
            ctx.variant,
            tensors["inputs"].dtype,
            _structure(tensors, layout, ("receivers", "offsets", "by_sender", "sender_offsets")),
            native.Gradients(**_pointers({**found, **given})),
        )
        return (*(found.get(name) for name in INPUTS), None, None)


def _room_for_gradients(
    tensors: dict[str, Tensor], layout: EdgeLayout | None, *, inputs: bool
) -> dict[str, Tensor]:
    hidden = tensors["hidden"]
    width = hidden.shape[1]
    same = ("first_weight", "out_weight", "out_bias", *(("inputs",) if inputs else ()))
    room = {name: torch.empty_like(tensors[name]) for name in same}
    if layout is None:
        return {**room, "first_bias": hidden.new_empty(width)}
    nodes = (hidden.new_empty(layout.n_nodes, width) for _ in range(2))
    terms = dict(zip(("sender_terms", "receiver_terms"), nodes, strict=True))
    return {**room, **terms, "row_terms": torch.empty_like(hidden)}
