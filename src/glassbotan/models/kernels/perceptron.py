"""Two linear layers, each followed by a ReLU, over many rows."""

import torch
from torch import Tensor
from torch.nn.functional import linear

from glassbotan.models.kernels import native, native_perceptron


def perceptron(x: Tensor, weights: tuple[Tensor, Tensor, Tensor, Tensor]) -> Tensor:
    """Return relu(relu(x M^T + a) W^T + b) along the last axis: [..., K] -> [..., H].

    Parameters
    ----------
    x
        Inputs.
    weights
        M [H, K], a [H], W [H, H], b [H].

    """
    variant = _variant(x, weights)
    if variant is None:
        first_weight, first_bias, out_weight, out_bias = weights
        return linear(linear(x, first_weight, first_bias).relu(), out_weight, out_bias).relu()
    first_weight, first_bias, out_weight, out_bias = weights
    rows = x.reshape(-1, x.shape[-1])
    inputs = (None, None, None, first_bias, rows, first_weight, out_weight, out_bias)
    outputs, _ = native_perceptron.apply(inputs, None, variant)
    return outputs.reshape(*x.shape[:-1], outputs.shape[-1])


def _variant(x: Tensor, weights: tuple[Tensor, ...]) -> native.Variant | None:
    # Inputs' gradients are written by vectors, and autocast wants another precision.
    narrow = x.shape[-1] % native.WIDTH_MULTIPLE != 0
    if (x.requires_grad and narrow) or torch.is_autocast_enabled(x.device.type):
        return None
    return native.chosen(weights[-1].shape[0], (x, *weights))
