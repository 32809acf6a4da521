"""What computes the networks' loops: native kernels on a CPU, Triton's on a GPU, or PyTorch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Literal

import torch
from torch import Tensor

from glassbotan.models.kernels import native
from glassbotan.native_library import Variant

TRITON_WIDTHS = (16, 32, 64, 128)
"""Powers of two that matrix units take and whose tiles fit a multiprocessor."""


@dataclass(frozen=True)
class Triton:
    """The kernels in gpu/.

    Attributes
    ----------
    precision
        How float32 numbers are multiplied: "tf32" rounds them to 10 bits, "tf32x3" to 21 by
        products of two parts, which leaves float32's own accuracy and is several times as fast as
        "ieee", the exact products outside of the matrix units.
    interpreted
        Whether Triton's interpreter runs them, on the CPU.

    """

    precision: Literal["ieee", "tf32", "tf32x3"]
    interpreted: bool = False


Path = Variant | Triton | None
"""None is PyTorch, which computes everything everywhere."""

_forced: list[Path] = []


@contextmanager
def using(path: Path) -> Iterator[None]:
    """Compute by this path within the context, where it can."""
    _forced.append(path)
    try:
        yield
    finally:
        _forced.pop()


def chosen(width: int, tensors: Sequence[Tensor]) -> Path:
    """Return what computes with these tensors, which lie on one device.

    PyTorch does where no kernels were built or installed, and for what they do not take: see
    ``native.suits``; Triton's take a width of 16, 32, 64 or 128 in float32 or, also by autocast,
    bfloat16. On a GPU float32 products are as accurate as
    ``torch.set_float32_matmul_precision`` says.
    """
    path = _forced[-1] if _forced else _default(tensors[0].device)
    if isinstance(path, Variant):
        return path if native.suits(width, tensors) else None
    if isinstance(path, Triton):
        return path if _triton_suits(path, width, tensors) else None
    return None


def working_precision(tensor: Tensor) -> torch.dtype:
    """Return the precision to compute in: autocast's, or the tensor's own."""
    device = tensor.device.type
    if torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return tensor.dtype


def _default(device: torch.device) -> Path:
    if device.type == "cpu":
        variants = native.variants()
        return variants[0] if variants else None
    if device.type == "cuda" and _has_triton(device):
        exact = torch.get_float32_matmul_precision() == "highest"
        return Triton("tf32x3" if exact else "tf32")
    return None


@cache
def _has_triton(device: torch.device) -> bool:
    # TF32 and bfloat16 came with compute capability 8.
    return (
        torch.version.cuda is not None
        and find_spec("triton") is not None
        and torch.cuda.get_device_capability(device) >= (8, 0)
    )


def _triton_suits(path: Triton, width: int, tensors: Sequence[Tensor]) -> bool:
    precisions = {torch.float32, torch.bfloat16}
    if path.interpreted:
        precisions.add(torch.float64)
    device = "cpu" if path.interpreted else "cuda"
    return width in TRITON_WIDTHS and all(
        x.device.type == device and working_precision(x) in precisions for x in tensors
    )
