"""What the commands of simulate have in common: where work is done, and how they end."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glassbotan.errors import InputError

if TYPE_CHECKING:
    from glassbotan.simulation.campaign import Campaign
    from glassbotan.simulation.schedule import Resources

UNITS = {"": 1, "s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400}

Workers = Annotated[
    int, typer.Option("--workers", "-w", metavar="N", help="Processes, or jobs with --batch.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="A running Dask scheduler, such as tcp://node7:8786.",
    ),
]
BatchSystem = Annotated[
    str | None,
    typer.Option("--batch", metavar="SYSTEM", help="Submit workers as jobs: slurm or pbs."),
]
BatchOption = Annotated[
    list[str] | None,
    typer.Option(
        "--batch-option",
        metavar="KEY=VALUE",
        help="Of dask-jobqueue, such as queue=short or walltime=04:00:00; may be repeated.",
    ),
]
TimeLimit = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Stop with checkpoints after: 90min, 4h, 1d or seconds."),
]


def parse_duration(text: str | None) -> float | None:
    """Return the seconds of "90", "90s", "15min", "4h", "1d" or "1:30:00"; None for None.

    Raises
    ------
    InputError
        The text has another form, or is no positive time.

    """
    if text is None:
        return None
    seconds = 0.0
    if found := re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d|)", text.strip()):
        seconds = float(found[1]) * UNITS[found[2]]
    elif found := re.fullmatch(r"(\d+):(\d\d):(\d\d)", text.strip()):
        seconds = int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3])
    if not seconds > 0:
        raise InputError(f"--time-limit {text!r}: expected a time such as 90min, 4h or 1:30:00")
    return seconds


def parse_resources(
    workers: int, scheduler: str | None, batch: str | None, batch_options: Sequence[str] | None
) -> "Resources":
    """Return where work is done.

    Raises
    ------
    InputError
        An option has another form, or two contradict each other.

    """
    from glassbotan.simulation.schedule import Resources

    options: dict[str, Any] = {}
    for pair in batch_options or []:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise InputError(f"--batch-option {pair}: expected KEY=VALUE")
        options[key] = int(value) if value.isdecimal() else value
    return Resources(
        workers=workers,
        scheduler=scheduler,
        batch=batch,  # type: ignore[arg-type]  # checked there
        batch_options=options,
    )


def carry_out(
    campaign: "Campaign", output: Path, resources: "Resources", time_limit: float | None
) -> None:
    """Run a campaign, show how far it is, and say how it ended.

    Raises
    ------
    KeyboardInterrupt
        It was stopped; checkpoints are written.

    """
    from glassbotan.progress_bar import shown
    from glassbotan.simulation.run import run_campaign

    with shown() as progress:
        summary = run_campaign(
            campaign, output, resources=resources, time_limit=time_limit, progress=progress
        )
    if summary.complete:
        typer.echo(f"store: {output}")
        return
    typer.echo(
        f"store: {output}, not complete ({progress.text}); the same command goes on from here"
    )
    if summary.interrupted:
        raise KeyboardInterrupt
