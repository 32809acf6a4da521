"""The networks' native library as ctypes sees it (native/network/perceptron.h)."""

import ctypes
from collections.abc import Sequence
from ctypes import POINTER, byref, c_int, c_int64, c_void_p
from functools import cache

import torch
from torch import Tensor

from glassbotan.errors import RunError
from glassbotan.native_library import Signatures, Variant, open_library, variants_of

WIDTH_MULTIPLE = 16
"""What vector registers of every instruction set are filled by."""

PRECISIONS = {torch.float32: "float", torch.float64: "double"}
COUNTS = ("rows", "inputs_width", "width", "nodes")


class Perceptron(ctypes.Structure):
    """Inputs, weights and outputs; arrays are pointers that the caller keeps alive."""

    _fields_ = tuple((name, c_int64) for name in COUNTS) + tuple(
        (name, c_void_p)
        for name in (
            *("senders", "receivers", "offsets", "by_sender", "sender_offsets"),
            *("sender_terms", "receiver_terms", "row_terms", "first_bias", "inputs"),
            *("first_weight", "out_weight", "out_bias", "hidden", "outputs", "received"),
        )
    )


class Gradients(ctypes.Structure):
    """The outputs' gradients, and where those of all else are to be written."""

    _fields_ = tuple(
        (name, c_void_p)
        for name in (
            *("outputs", "received", "row_terms", "inputs", "sender_terms", "receiver_terms"),
            *("first_weight", "first_bias", "out_weight", "out_bias"),
        )
    )


@cache
def load() -> ctypes.CDLL | None:
    """Return the library, or None where it was not built for this version."""
    forward = [POINTER(Perceptron), c_int, c_int]
    backward = [POINTER(Perceptron), POINTER(Gradients), c_int, c_int]
    signatures: Signatures = {
        **{f"forward_{name}": (c_int, forward) for name in PRECISIONS.values()},
        **{f"backward_{name}": (c_int, backward) for name in PRECISIONS.values()},
    }
    structures = {"perceptron": Perceptron, "gradients": Gradients}
    return open_library("glassbotan.models._network", "network", signatures, structures)


@cache
def variants() -> tuple[Variant, ...]:
    """Return the instruction sets that can be used here, best first; none without the library."""
    return variants_of(load(), "network")


def suits(width: int, tensors: Sequence[Tensor]) -> bool:
    """Whether the kernels take these tensors: dense ones of one precision on the CPU."""
    precision = tensors[0].dtype
    return (
        width % WIDTH_MULTIPLE == 0
        and width > 0
        and precision in PRECISIONS
        and all(
            x.device.type == "cpu" and x.dtype == precision and x.is_contiguous() for x in tensors
        )
    )


def run(
    variant: Variant,
    precision: torch.dtype,
    perceptron: Perceptron,
    gradients: Gradients | None = None,
) -> None:
    """Fill hidden, outputs and received; or the gradients that are asked for."""
    way, given = ("forward", ()) if gradients is None else ("backward", (byref(gradients),))
    function = getattr(load(), f"network_{way}_{PRECISIONS[precision]}")
    if function(byref(perceptron), *given, variant.index, torch.get_num_threads()) != 0:
        raise RunError("not enough memory for the network's weights")
