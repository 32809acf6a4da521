"""Named arrays into a model, with every mismatch told apart."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from safetensors import SafetensorError

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
    isfinite: Callable[[Any], Any],
) -> None:
    """Refuse arrays that are not those of a model.

    Raises
    ------
    InputError
        One is missing, left over, of another shape or not finite; names the first such one.

    """
    for name, values in state.items():
        if not isfinite(values).all():
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
    check_state(state, shapes, model.architecture, path, isfinite=torch.isfinite)
    model.load_state_dict(dict(state))
    model.eval()


def entry_of(entries: Mapping[str, V], name: str, path: str | Path) -> V:
    """Return the entry of that name; raise InputError where there is none."""
    if name not in entries:
        raise InputError(f"{path}: {name} is missing; this is another network's file")
    return entries[name]


def read_weights(path: Path, load_file: Callable[[Path], dict[str, V]]) -> dict[str, V]:
    """Read safetensors by NumPy's or PyTorch's ``load_file``; raise InputError for other files."""
    try:
        return load_file(path)
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file; a model folder holds {WEIGHTS} and {CARD}"
        ) from None
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: not a safetensors file ({error})") from None
