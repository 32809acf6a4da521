"""glassbotan predict: from snapshots to motion."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from glassbotan.cli.options import parse_box, parse_species
from glassbotan.errors import InputError

if TYPE_CHECKING:
    from glassbotan.dynamics import Motion

OUTPUTS = (".extxyz", ".xyz", ".npz", ".csv")


def predict(
    snapshots: Annotated[list[Path], typer.Argument(help="Files with a snapshot each.")],
    model: Annotated[
        str, typer.Option("--model", "-m", help="Bundled name, file or folder.")
    ] = "botan",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Prediction as .extxyz, .npz or .csv; a folder with several snapshots.",
        ),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--map", help="Slice coloured by predicted propensity.")
    ] = None,
    box: Annotated[
        str | None, typer.Option(help="Edge lengths, for files without: 15.05658 or 10,10,12.")
    ] = None,
    species: Annotated[
        str | None, typer.Option(help="Species of the file's names, such as Ni:0,P:1.")
    ] = None,
    frame: Annotated[int, typer.Option(help="Frame of a file with several.")] = -1,
) -> None:
    """Predict the motion of every particle and bond from one snapshot."""
    import glassbotan as gb
    from glassbotan.models.predictor import OutOfDomainWarning, load_predictor

    _check_outputs(snapshots, output, picture)
    predictor = load_predictor(model)
    for path in snapshots:
        snapshot = gb.read(path, box=parse_box(box), species=parse_species(species), frame=frame)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", OutOfDomainWarning)
            motion = gb.predict(snapshot, predictor)
        for warning in caught:
            typer.echo(f"warning: {warning.message}", err=True)
        Console().print(_table(motion, path.name))
        _write(path, motion, model, output, picture)


def _check_outputs(snapshots: list[Path], output: Path | None, picture: Path | None) -> None:
    if len(snapshots) > 1:
        if picture is not None:
            raise InputError("--map draws one snapshot; give one, or leave it out")
        if output is not None and output.suffix:
            raise InputError(
                f"{output}: with several snapshots, --output names a folder (no suffix)"
            )
    elif output is not None and output.suffix not in OUTPUTS:
        raise InputError(f"{output}: unknown suffix; use one of {', '.join(OUTPUTS)}")
    if picture is not None and picture.suffix not in (".png", ".pdf", ".svg"):
        raise InputError(f"{picture}: unknown suffix; use .png, .pdf or .svg")


def _write(
    source: Path, motion: "Motion", model: str, output: Path | None, picture: Path | None
) -> None:
    import glassbotan as gb
    from glassbotan.provenance import provenance

    if output is not None:
        target = output
        if not output.suffix:
            output.mkdir(parents=True, exist_ok=True)
            target = output / f"{source.stem}.extxyz"
        gb.write(target, motion, provenance=provenance([source], model=model))
        typer.echo(f"prediction: {target}")
    if picture is not None:
        from glassbotan.figures.map import save_map

        save_map(picture, motion)
        typer.echo(f"map: {picture}")


def _table(motion: "Motion", name: str) -> Table:
    import numpy as np

    from glassbotan.datasets.groups import bond_groups, particle_groups

    table = Table(title=f"{name}: predicted by {motion.source}", title_justify="left")
    for heading in ("t", "of", "number", "mean", "median", "fastest 5 %"):
        table.add_column(heading, justify="right")
    for t, time in enumerate(motion.times):
        parts = [
            (f"propensity {g.name}", motion.propensity[t, g.members])
            for g in particle_groups(motion.snapshot)
        ]
        if motion.graph is not None and motion.bond_extension is not None:
            parts += [
                (f"bond extension {g.name}", motion.bond_extension[t, g.members])
                for g in bond_groups(motion.graph)
            ]
        for label, values in parts:
            if np.isnan(values).any():
                continue
            top = float(values[values >= np.quantile(values, 0.95)].mean())
            table.add_row(
                f"{time:g}",
                label,
                str(len(values)),
                f"{values.mean():.4f}",
                f"{np.median(values):.4f}",
                f"{top:.4f}",
            )
    return table
