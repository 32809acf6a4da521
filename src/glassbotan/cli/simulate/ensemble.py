"""glassbotan simulate ensemble: many trajectories of a snapshot, with velocities drawn anew."""

from pathlib import Path
from typing import Annotated, Any

import typer

from glassbotan.cli.options import parse_box, parse_numbers
from glassbotan.cli.simulate.options import (
    BatchOption,
    BatchSystem,
    Device,
    Scheduler,
    TimeLimit,
    Workers,
    carry_out,
    parse_duration,
    parse_resources,
)
from glassbotan.errors import InputError

EXAMPLE = (
    "glassbotan simulate ensemble data/published/isoconfig_N4096T0.44_401_tc07.npz "
    "--times 0.13,1.3 --trajectories 8 --workers 2 -o ensemble.zarr"
)


def ensemble(
    snapshots: Annotated[
        list[str],
        typer.Argument(
            metavar="SNAPSHOT...",
            help="Files, folders or parts of public data sets.",
            show_default=False,
        ),
    ],
    *,
    temperature: Annotated[
        float | None,
        typer.Option("--temperature", "-T", metavar="T", help="Default: the snapshot's own."),
    ] = None,
    trajectories: Annotated[
        str,
        typer.Option(metavar="R", help="One number, or with commas one for each time."),
    ] = "32",
    times: Annotated[
        str,
        typer.Option(
            metavar="TIMES", help="With commas, or FIRST..LAST for ten a decade, evenly in log t."
        ),
    ] = "0.1..10",
    seed: Annotated[int, typer.Option(metavar="N", help="Of the velocities.")] = 0,
    engine: Annotated[
        str, typer.Option(metavar="NAME", help="ensemble (fastest) or lammps.")
    ] = "ensemble",
    device: Device = "cpu",
    potential: Annotated[
        str, typer.Option(metavar="NAME", help="A mixture's name, or a YAML file.")
    ] = "kob-andersen-3d",
    integrator: Annotated[
        str, typer.Option(metavar="NAME", help="nve, nose-hoover or langevin.")
    ] = "nve",
    damping: Annotated[
        float, typer.Option(metavar="TIME", help="In which a thermostat takes hold.")
    ] = 1.0,
    timestep: Annotated[float, typer.Option(metavar="TIME", help="Of the integration.")] = 0.005,
    targets_only: Annotated[
        bool,
        typer.Option(
            "--targets-only",
            help="Keep propensity, bond extension and bond breaking, not the positions.",
        ),
    ] = False,
    cutoff: Annotated[
        float, typer.Option(metavar="LENGTH", help="Of the bonds, with --targets-only.")
    ] = 2.0,
    minimise: Annotated[
        bool,
        typer.Option("--minimise", help="Part overlapping particles first: inherent structure."),
    ] = False,
    box: Annotated[
        str | None,
        typer.Option(metavar="LENGTHS", help="Edges, for files without: 15.05658 or 10,10,12."),
    ] = None,
    ranks: Annotated[
        int,
        typer.Option(
            metavar="K", help="Processes that share each trajectory: one large system, lammps only."
        ),
    ] = 1,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    batch: BatchSystem = None,
    batch_option: BatchOption = None,
    time_limit: TimeLimit = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="STORE", help="A Zarr store: NAME.zarr.")
    ] = Path("ensemble.zarr"),
) -> None:
    """Run an isoconfigurational ensemble from each snapshot.

    The same command goes on with a store that is not complete.
    """
    resources = parse_resources(workers, scheduler, batch, batch_option)
    limit = parse_duration(time_limit)
    edges = parse_box(box)
    asked: dict[str, Any] = {
        "name": output.stem or "ensemble",
        "snapshots": snapshots,
        "box": edges,
        "temperature": temperature,
        "trajectories": _counts(trajectories),
        "times": _times(times),
        "seed": seed,
        "engine": engine,
        "device": device,
        "ranks": ranks,
        "potential": potential,
        "integrator": integrator,
        "damping": damping,
        "timestep": timestep,
        "keep": "targets" if targets_only else "positions",
        "cutoff": cutoff,
        "minimise": minimise,
    }

    from glassbotan.simulation.campaign import make_campaign

    carry_out(make_campaign(asked, source="simulate ensemble"), output, resources, limit)


def _counts(text: str) -> int | list[int]:
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise InputError(f"--trajectories {text!r}: expected whole numbers, such as 32 or 32,32,8")
    return int(text) if len(parts) == 1 else [int(part) for part in parts]


def _times(text: str) -> list[float] | dict[str, float]:
    first, dots, last = text.partition("..")
    if not dots:
        return parse_numbers(text, "--times") or []
    ends = [*(parse_numbers(first, "--times") or []), *(parse_numbers(last, "--times") or [])]
    if len(ends) != 2:
        raise InputError(f"--times {text!r}: expected two times, such as 0.1..100")
    return {"first": ends[0], "last": ends[1]}
