"""glassbotan models: what is bundled."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


def models(
    name: Annotated[str | None, typer.Argument(help="Show this model's whole card.")] = None,
) -> None:
    """List the bundled models, or show one model's card."""
    from glassbotan.models.registry import card_of, cards

    if name is not None:
        typer.echo(card_of(name).model_dump_json(indent=2))
        return
    table = Table(title="Bundled models", title_justify="left")
    for heading in ("name", "architecture", "system", "T", "times", "predicts", "Pearson A"):
        table.add_column(heading)
    for card in cards():
        temperature = card.domain.temperature if card.domain else None
        table.add_row(
            card.name,
            card.architecture,
            card.system,
            "-" if temperature is None else f"{temperature:g}",
            ", ".join(f"{t:g}" for t in card.times),
            ", ".join(card.targets),
            card.headline,
        )
    Console().print(table)
