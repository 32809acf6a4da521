"""Named tensors into a network, with every mismatch told apart."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from glassbotan.errors import InputError
from glassbotan.models.network import Network

N = TypeVar("N", bound=Network)
V = TypeVar("V")


def load_state(model: N, state: Mapping[str, Tensor], path: str | Path) -> N:
    """Copy ``state`` into ``model``.

    Raises
    ------
    InputError
        A tensor is missing, left over, of another shape or not finite; names the first such one.

    """
    expected = model.state_dict()
    for name, tensor in state.items():
        if not torch.all(torch.isfinite(tensor)):
            raise InputError(f"{path}: {name} holds values that are not finite numbers")
    for name in expected:
        tensor = entry_of(state, name, path)
        if tensor.shape != expected[name].shape:
            raise InputError(
                f"{path}: {name} has shape {list(tensor.shape)}, "
                f"but a {model.architecture} model of these settings has "
                f"{list(expected[name].shape)}"
            )
    for name in state:
        if name not in expected:
            raise InputError(f"{path}: {name} is no tensor of a {model.architecture} model")
    model.load_state_dict(dict(state))
    return model.eval()


def entry_of(entries: Mapping[str, V], name: str, path: str | Path) -> V:
    """Return the entry of that name; raise InputError where there is none."""
    if name not in entries:
        raise InputError(f"{path}: {name} is missing; this is another network's file")
    return entries[name]
