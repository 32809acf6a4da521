"""Models by name, file or folder; torch is imported where weights are read."""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from glassbotan.errors import InputError
from glassbotan.models.card import CARD, LINEAR_WEIGHTS, WEIGHTS, Card, Domain, read_card

if TYPE_CHECKING:
    from glassbotan.models.network import Network


def bundled_folder() -> Path:
    """Return the folder that holds the bundled models."""
    return Path(str(files("glassbotan.models") / "bundled"))


def bundled_names() -> list[str]:
    """Return the names of the bundled models."""
    return sorted(p.parent.name for p in bundled_folder().glob(f"*/{CARD}"))


def load_model(model: str | Path) -> "Network":
    """Load a graph network, ready to predict.

    Parameters
    ----------
    model
        A bundled name; a folder with weights.safetensors and model.json, or one of these two
        files; a published BOTAN state dict (.pth); the published node-only variables (.npz).

    Raises
    ------
    InputError
        Nothing of that name, the file is no such model, or it is the linear baseline, which is no
        torch module.

    """
    return load_model_and_card(model)[0]


def load_model_and_card(model: str | Path) -> "tuple[Network, Card]":
    """Load a graph network and its model card."""
    from glassbotan.models import published
    from glassbotan.models.storage import load_network

    path = locate(model)
    if path.suffix == ".pth":
        return _published(published.load_published_botan(path), path, ["bonds"])
    if path.suffix == ".npz":
        return _published(published.load_published_node_only(path), path, ["particles A"])
    if is_linear(path):
        raise InputError(
            f"{model}: is the linear baseline, not a graph network; use glassbotan.load_predictor"
        )
    return load_network(path)


def card_of(model: str | Path) -> Card:
    """Return a model's card."""
    path = locate(model)
    return read_card(path / CARD) if path.is_dir() else load_model_and_card(model)[1]


def cards() -> list[Card]:
    """Return the cards of all bundled models."""
    return [read_card(bundled_folder() / name / CARD) for name in bundled_names()]


def is_linear(path: Path) -> bool:
    """Tell whether a model folder holds the linear baseline."""
    return path.is_dir() and (path / LINEAR_WEIGHTS).is_file()


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
    if path.name in (WEIGHTS, CARD, LINEAR_WEIGHTS):
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


def _published(network: "Network", path: Path, targets: list[str]) -> "tuple[Network, Card]":
    card = Card(
        name=path.stem,
        architecture=network.architecture,
        times=list(network.settings.times),
        targets=targets,
        domain=Domain(density=1.2, composition=[0.8, 0.2]),
        description=f"published parameters from {path.name}",
    )
    return network, card
