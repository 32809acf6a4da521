"""glassbotan simulate campaign: ensembles of many snapshots, from one YAML file."""

from pathlib import Path
from typing import Annotated

import typer

from glassbotan.cli.simulate.options import (
    BatchOption,
    BatchSystem,
    Scheduler,
    TimeLimit,
    Workers,
    carry_out,
    parse_duration,
    parse_resources,
)

EXAMPLE = "glassbotan simulate campaign configs/campaign-quick.yaml --workers 2 -o quick.zarr"


def campaign(
    file: Annotated[
        Path,
        typer.Argument(metavar="CAMPAIGN", help="A YAML file (see configs/).", show_default=False),
    ],
    *,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Instead of the campaign's: cpu or cuda.", show_default=False
        ),
    ] = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    batch: BatchSystem = None,
    batch_option: BatchOption = None,
    time_limit: TimeLimit = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="STORE",
            help="A Zarr store; default: the campaign's name with .zarr.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run ensembles of many snapshots, here or on a cluster.

    It may be stopped and run again at any time: finished work is not done again, and the data do
    not depend on the number of workers or on interruptions.
    """
    resources = parse_resources(workers, scheduler, batch, batch_option)
    limit = parse_duration(time_limit)

    from glassbotan.simulation.campaign import load_campaign

    changes = {} if device is None else {"device": device}
    loaded = load_campaign(file, **changes)
    carry_out(loaded, output or Path(f"{loaded.name}.zarr"), resources, limit)
