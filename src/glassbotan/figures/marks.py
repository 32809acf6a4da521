"""Colour and marker of each model, the same in every picture."""

from collections.abc import Sequence
from itertools import cycle, product
from typing import NamedTuple


class Mark(NamedTuple):
    """How a model is drawn."""

    colour: str
    marker: str


# Okabe and Ito's colours, as in the style; black and grey are left to what is no model.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_MARKERS = ("o", "s", "^", "D", "v")
_KNOWN = {"botan": 0, "node-only": 1, "linear": 2, "caged": 5}
"""Places in the list of colours that are kept for these models."""


def model_marks(names: Sequence[str]) -> dict[str, Mark]:
    """Return a mark for each name: bundled models have their own, others the next free one.

    Of several results of a bundled model, "botan (first)" and "botan (second)", the first has the
    model's own. Marks differ as long as there are not more than thirty names.
    """
    marks = [Mark(colour, marker) for marker, colour in product(_MARKERS, _COLOURS)]
    free = cycle(mark for k, mark in enumerate(marks) if k not in _KNOWN.values())
    kept = {model: marks[k] for model, k in _KNOWN.items()}
    for model in _KNOWN:
        if model not in names:
            first = next((name for name in names if name.startswith(f"{model} (")), model)
            kept[first] = kept[model]
    return {name: kept[name] if name in kept else next(free) for name in dict.fromkeys(names)}
