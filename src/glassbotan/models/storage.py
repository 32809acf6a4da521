"""Models on disk: weights as safetensors and a card, never a pickle."""

from pathlib import Path

from glassbotan.errors import InputError
from glassbotan.io.atomic import atomic_output
from glassbotan.models.architecture import Model, architecture
from glassbotan.models.card import CARD, RIDGE, WEIGHTS, Card, read_card
from glassbotan.models.potential import with_potential
from glassbotan.settings import checked


def save_model(folder: Path, model: Model, card: Card) -> None:
    """Write weights.safetensors and model.json into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_output(folder / WEIGHTS) as temporary:
        # Not by safetensors' save_file: it makes files that their owner alone can read.
        temporary.write_bytes(model.weights())
    with atomic_output(folder / CARD) as temporary:
        temporary.write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")


def load_saved(folder: Path) -> tuple[Model, Card]:
    """Read what ``save_model`` wrote.

    Raises
    ------
    InputError
        A file is missing or broken, or the weights are not of the card's model.

    """
    card = read_card(folder / CARD)
    if (folder / RIDGE).is_file() and not (folder / WEIGHTS).is_file():
        from glassbotan.models.linear import load_ridge

        return load_ridge(folder / RIDGE, card)
    try:
        kind = architecture(card.architecture)
        settings = checked(
            kind.settings_type,
            {**with_potential(card.settings, kind.settings_type), "times": tuple(card.times)},
            naming=lambda place: ".".join(("settings", *map(str, place))),
        )
    except InputError as error:
        raise InputError(f"{folder / CARD}: {error}") from None
    now, then = settings.record(), with_potential(card.inputs, kind.settings_type)
    other = [key for key in {**then, **now} if then.get(key) != now.get(key)]
    if card.inputs and other:
        raise InputError(
            f"{folder / CARD}: model {card.name!r} was trained on inputs that this version does "
            f"not compute (other {', '.join(other)}); train it anew"
        )
    model = kind(settings)
    model.load_weights(folder / WEIGHTS)
    return model, card
