"""glassbotan models: what is bundled."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glassbotan.cli.console import show, write_json
from glassbotan.cli.options import complete_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassbotan.models.card import Card

EXAMPLE = "glassbotan models botan"

FEW = 3
"""Times that a table names one by one."""


def models(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Show the whole card, JSON, of this bundled name, file or folder.",
            autocompletion=complete_model,
        ),
    ] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="All cards as a JSON list.")] = False,
) -> None:
    """List the bundled models, or show one model's card."""
    from glassbotan.models.registry import card_of, cards

    if name is not None:
        write_json(Path("-"), card_of(name).model_dump(mode="json"))
    elif json:
        write_json(Path("-"), [card.model_dump(mode="json") for card in cards()])
    else:
        _show(cards())


def _show(bundled: "list[Card]") -> None:
    from rich.box import SIMPLE
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE, title="Bundled models", title_justify="left")
    longest = max((len(card.name) for card in bundled), default=0)
    # A name is there to be typed: whatever else must give way, it is never wrapped or cut.
    table.add_column("name", no_wrap=True, min_width=longest)
    for heading in ("architecture", "system", "T", "times", "predicts", "Pearson"):
        table.add_column(heading, no_wrap=heading in ("system", "times"))
    for card in bundled:
        temperature = card.domain.temperature if card.domain else None
        table.add_row(
            escape(card.name),
            card.architecture,
            escape(card.system),
            "-" if temperature is None else f"{temperature:g}",
            _times(card.times),
            ", ".join(card.targets),
            card.headline,
        )
    show(table)


def _times(times: "Sequence[float]") -> str:
    if len(times) > FEW:
        return f"{times[0]:g} to {times[-1]:g} ({len(times)})"
    return ", ".join(f"{t:g}" for t in times)
