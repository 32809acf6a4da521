"""Models by name, file or folder."""

from importlib.resources import files
from pathlib import Path

from glassbotan.errors import InputError
from glassbotan.models.card import Card, read_card
from glassbotan.models.network import Network
from glassbotan.models.published import load_published_botan, load_published_node_only
from glassbotan.models.storage import CARD, WEIGHTS, load_network


def bundled_folder() -> Path:
    """Return the folder that holds the bundled models."""
    return Path(str(files("glassbotan.models") / "bundled"))


def bundled_names() -> list[str]:
    """Return the names of the bundled networks."""
    return sorted(p.parent.name for p in bundled_folder().glob(f"*/{WEIGHTS}"))


def load_model(model: str | Path) -> Network:
    """Load a network, ready to predict.

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


def load_model_and_card(model: str | Path) -> tuple[Network, Card]:
    """Load a network and its model card."""
    path = _locate(model)
    if path.suffix == ".pth":
        network: Network = load_published_botan(path)
    elif path.suffix == ".npz":
        network = load_published_node_only(path)
    else:
        return load_network(path)
    settings = network.settings
    return network, Card(
        name=path.stem,
        architecture=network.architecture,
        times=list(settings.times),
        description=f"published parameters from {path.name}",
    )


def cards() -> list[Card]:
    """Return the cards of all bundled networks."""
    return [read_card(bundled_folder() / name / CARD) for name in bundled_names()]


def _locate(model: str | Path) -> Path:
    if str(model) in bundled_names():
        return bundled_folder() / str(model)
    path = Path(model)
    if path.name in (WEIGHTS, CARD):
        path = path.parent
    if path.is_dir() or (path.is_file() and path.suffix in (".pth", ".npz")):
        return path
    if path.is_file():
        raise InputError(
            f"{path}: not a model; expected {WEIGHTS}, {CARD}, a published .pth or .npz, or a folder"
        )
    raise InputError(
        f"no model {str(model)!r}: neither a file or folder nor one of the bundled "
        f"{', '.join(bundled_names())}"
    )
