"""Two linear layers, each followed by a ReLU, over many rows."""

from torch import Tensor
from torch.nn.functional import linear

from glassbotan.models.kernels import native, native_perceptron
from glassbotan.models.kernels.choice import Path, Triton, chosen, working_precision


def perceptron(x: Tensor, weights: tuple[Tensor, Tensor, Tensor, Tensor]) -> Tensor:
    """Return relu(relu(x M^T + a) W^T + b) along the last axis: [..., K] -> [..., H].

    Parameters
    ----------
    x
        Inputs.
    weights
        M [H, K], a [H], W [H, H], b [H].

    """
    path = _path(x, weights)
    first_weight, first_bias, out_weight, out_bias = weights
    if path is None:
        return linear(linear(x, first_weight, first_bias).relu(), out_weight, out_bias).relu()
    rows = x.reshape(-1, x.shape[-1])
    if isinstance(path, Triton):
        from glassbotan.models.kernels.gpu.perceptron import perceptron as on_gpu

        outputs = on_gpu(rows, weights, working_precision(x), path)
    else:
        inputs = (None, None, None, first_bias, rows, first_weight, out_weight, out_bias)
        outputs, _ = native_perceptron.apply(inputs, None, path)
    return outputs.reshape(*x.shape[:-1], outputs.shape[-1])


def _path(x: Tensor, weights: tuple[Tensor, ...]) -> Path:
    path = chosen(weights[-1].shape[0], (x, *weights))
    if isinstance(path, Triton):
        from glassbotan.models.kernels.gpu.perceptron import suits

        return path if suits(x) else None
    # The native kernels write inputs' gradients by vectors, and in the inputs' precision.
    narrow = x.requires_grad and x.shape[-1] % native.WIDTH_MULTIPLE != 0
    return None if narrow or working_precision(x) != x.dtype else path
