"""glassbotan models: what is bundled."""

from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from glassbotan.cli.console import console


def models(
    name: Annotated[str | None, typer.Argument(help="Show this model's whole card.")] = None,
) -> None:
    """List the bundled models, or show one model's card."""
    from glassbotan.models.registry import card_of, cards

    if name is not None:
        typer.echo(card_of(name).model_dump_json(indent=2))
        return
    bundled = cards()
    table = Table(box=SIMPLE, title="Bundled models", title_justify="left")
    longest = max((len(card.name) for card in bundled), default=0)
    # A name is there to be typed: whatever else must give way, it is never wrapped or cut.
    table.add_column("name", no_wrap=True, min_width=longest)
    for heading in ("architecture", "system", "T", "times", "predicts", "Pearson"):
        table.add_column(heading)
    for card in bundled:
        temperature = card.domain.temperature if card.domain else None
        table.add_row(
            escape(card.name),
            card.architecture,
            escape(card.system),
            "-" if temperature is None else f"{temperature:g}",
            ", ".join(f"{t:g}" for t in card.times),
            ", ".join(card.targets),
            card.headline,
        )
    console().print(table)
