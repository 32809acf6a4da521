"""Weights on disk: safetensors and a model card, never a pickle."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save

from glassbotan.errors import InputError
from glassbotan.io.atomic import atomic_output
from glassbotan.models.botan import Botan
from glassbotan.models.caged.network import CagedNetwork
from glassbotan.models.card import CARD, WEIGHTS, Card, read_card
from glassbotan.models.network import Network, Settings
from glassbotan.models.node_only import NodeOnly
from glassbotan.models.state import load_state

ARCHITECTURES: dict[str, type[Network]] = {
    Botan.architecture: Botan,
    NodeOnly.architecture: NodeOnly,
    CagedNetwork.architecture: CagedNetwork,
}


def build(architecture: str, settings: Settings) -> Network:
    """Return a network with fresh random weights.

    Raises
    ------
    InputError
        No such architecture.

    """
    if architecture not in ARCHITECTURES:
        raise InputError(
            f"unknown architecture {architecture!r}; known are {', '.join(ARCHITECTURES)}"
        )
    return ARCHITECTURES[architecture](settings)


def save_network(folder: Path, network: Network, card: Card) -> None:
    """Write weights.safetensors and model.json into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {k: v.detach().contiguous() for k, v in network.state_dict().items()}
    with atomic_output(folder / WEIGHTS) as temporary:
        # Not by save_file: it makes files that their owner alone can read.
        temporary.write_bytes(save(tensors))
    save_card(folder, card)


def save_card(folder: Path, card: Card) -> None:
    """Write model.json into ``folder``."""
    with atomic_output(folder / CARD) as temporary:
        temporary.write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")


def load_network(folder: Path) -> tuple[Network, Card]:
    """Read what ``save_network`` wrote.

    Raises
    ------
    InputError
        A file is missing or broken, or the weights are not of the card's network.

    """
    card = read_card(folder / CARD)
    if card.architecture not in ARCHITECTURES:
        raise InputError(
            f"{folder / CARD}: unknown architecture {card.architecture!r}; "
            f"known are {', '.join(ARCHITECTURES)}"
        )
    path = folder / WEIGHTS
    try:
        state = load_file(path)
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file; a model folder holds {WEIGHTS} and {CARD}"
        ) from None
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: not a safetensors file ({error})") from None
    network = build(card.architecture, settings_of(card))
    return load_state(network, state, path), card


def settings_of(card: Card) -> Settings:
    """Return the settings that rebuild the card's network."""
    return Settings(
        times=tuple(card.times),
        dimension=card.dimension,
        cutoff=card.cutoff,
        width=card.width,
        steps=card.steps,
    )
