"""Colour and marker of each model, the same in every picture."""

from collections.abc import Sequence
from itertools import cycle, product
from typing import NamedTuple

from glassbotan.models.architecture import ARCHITECTURES


class Mark(NamedTuple):
    """How a model is drawn."""

    colour: str
    marker: str


# Okabe and Ito's colours, as in the style; black and grey are left to what is no model.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#56B4E9", "#CC79A7", "#E69F00")
_MARKERS = ("o", "s", "^", "D", "v")


def model_marks(names: Sequence[str]) -> dict[str, Mark]:
    """Return a mark for each name.

    Models that are called like an architecture have their own, others the next free one. Of several
    results of such a model, "botan (first)" and "botan (second)", the first has the model's own.
    Marks differ as long as there are not more than thirty names.
    """
    marks = [Mark(colour, marker) for marker, colour in product(_MARKERS, _COLOURS)]
    free = cycle(marks[len(ARCHITECTURES) :])
    kept = dict(zip(ARCHITECTURES, marks, strict=False))
    for model in ARCHITECTURES:
        if model not in names:
            first = next((name for name in names if name.startswith(f"{model} (")), model)
            kept[first] = kept[model]
    return {name: kept[name] if name in kept else next(free) for name in dict.fromkeys(names)}
