"""Models by name, file or folder; PyTorch is imported where a model needs it."""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from glassbotan.errors import InputError
from glassbotan.models.card import CARD, RIDGE, WEIGHTS, Card, read_card

if TYPE_CHECKING:
    from glassbotan.models.architecture import Model


def bundled_folder() -> Path:
    """Return the folder that holds the bundled models."""
    return Path(str(files("glassbotan.models") / "bundled"))


def bundled_names() -> list[str]:
    """Return the names of the bundled models."""
    return sorted(p.parent.name for p in bundled_folder().glob(f"*/{CARD}"))


def load_model(model: str | Path) -> "Model":
    """Load a model, ready to predict.

    Parameters
    ----------
    model
        A bundled name; a folder with weights.safetensors and model.json, or one of these two
        files; a published BOTAN state dict (.pth); the published node-only variables (.npz).

    Raises
    ------
    InputError
        Nothing of that name, or the file is no such model.

    """
    return load_model_and_card(model)[0]


def load_model_and_card(model: str | Path) -> "tuple[Model, Card]":
    """Load a model and its card."""
    path = locate(model)
    if path.is_file():
        from glassbotan.models.published import load_published

        return load_published(path)
    from glassbotan.models.storage import load_saved

    return load_saved(path)


def card_of(model: str | Path) -> Card:
    """Return a model's card."""
    path = locate(model)
    return read_card(path / CARD) if path.is_dir() else load_model_and_card(model)[1]


def cards() -> list[Card]:
    """Return the cards of all bundled models."""
    return [read_card(bundled_folder() / name / CARD) for name in bundled_names()]


def locate(model: str | Path) -> Path:
    """Return the folder or file of a model.

    Raises
    ------
    InputError
        Nothing of that name, or a file that is no model.

    """
    if str(model) in bundled_names():
        return bundled_folder() / str(model)
    path = Path(model)
    if path.name in (WEIGHTS, CARD, RIDGE):
        path = path.parent
    if path.is_dir() or (path.is_file() and path.suffix in (".pth", ".npz")):
        return path
    if path.is_file():
        raise InputError(
            f"{path}: not a model; expected {WEIGHTS}, {CARD}, a published .pth or .npz, "
            "or a folder"
        )
    raise InputError(
        f"no model {str(model)!r}: neither a file or folder nor one of the bundled "
        f"{', '.join(bundled_names())}"
    )
