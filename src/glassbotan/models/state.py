"""Named arrays into a model, with every mismatch told apart."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from glassbotan.errors import InputError
from glassbotan.models.card import CARD, WEIGHTS

if TYPE_CHECKING:
    from torch import Tensor

    from glassbotan.models.network import Network

V = TypeVar("V")


def check_state(
    state: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]],
    architecture: str,
    path: str | Path,
    *,
    finite: Callable[[Any], bool],
) -> None:
    """Refuse arrays that are not those of a model.

    Raises
    ------
    InputError
        One is missing, left over, of another shape or not finite; names the first such one.

    """
    for name, values in state.items():
        if not finite(values):
            raise InputError(f"{path}: {name} holds values that are not finite numbers")
    for name, shape in shapes.items():
        found = tuple(entry_of(state, name, path).shape)
        if found != shape:
            raise InputError(
                f"{path}: {name} has shape {list(found)}, "
                f"but a {architecture} model of these settings has {list(shape)}"
            )
    for name in state:
        if name not in shapes:
            raise InputError(f"{path}: {name} is no tensor of a {architecture} model")


def load_state(model: "Network", state: "Mapping[str, Tensor]", path: str | Path) -> None:
    """Copy ``state`` into a network, which is then ready to predict; see :func:`check_state`."""
    import torch

    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    finite: Callable[[Tensor], bool] = lambda x: bool(torch.all(torch.isfinite(x)))  # noqa: E731
    check_state(state, shapes, model.architecture, path, finite=finite)
    model.load_state_dict(dict(state))
    model.eval()


def entry_of(entries: Mapping[str, V], name: str, path: str | Path) -> V:
    """Return the entry of that name; raise InputError where there is none."""
    if name not in entries:
        raise InputError(f"{path}: {name} is missing; this is another network's file")
    return entries[name]


def not_weights(path: Path, error: Exception) -> InputError:
    """Return what to raise for a file that cannot be read as safetensors."""
    if isinstance(error, FileNotFoundError):
        return InputError(f"{path}: no such file; a model folder holds {WEIGHTS} and {CARD}")
    return InputError(f"{path}: not a safetensors file ({error})")
