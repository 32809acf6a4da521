"""What the commands of simulate have in common: how a campaign is run, and how it ends."""

from pathlib import Path

import typer

from glassbotan.progress_bar import shown
from glassbotan.simulation.campaign import Campaign
from glassbotan.simulation.resources import Resources
from glassbotan.simulation.run import run_campaign


def carry_out(campaign: Campaign, output: Path, resources: Resources) -> None:
    """Run a campaign, show how far it is, and say how it ended.

    Raises
    ------
    KeyboardInterrupt
        It was stopped; checkpoints are written.

    """
    with shown() as progress:
        summary = run_campaign(campaign, output, resources=resources, progress=progress)
    if summary.complete:
        typer.echo(f"store: {output}")
        return
    typer.echo(
        f"store: {output}, not complete ({progress.text}); the same command goes on from here"
    )
    if summary.interrupted:
        raise KeyboardInterrupt
