"""glassbotan predict: from snapshots to motion."""

from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from glassbotan import io
from glassbotan.cli.console import console, plain_warnings
from glassbotan.cli.options import parse_box, parse_species
from glassbotan.dynamics import Motion
from glassbotan.errors import InputError

PICTURES = (".png", ".pdf", ".svg")


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
            help="Prediction as .npz (with bonds), .extxyz, .csv, .dump or .gsd; "
            "a folder with several snapshots.",
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
    from glassbotan.models.predictor import load_predictor

    edges, letters = parse_box(box), parse_species(species)
    targets = _targets(snapshots, output)
    _check_picture(snapshots, picture)
    predictor = load_predictor(model)
    for path, target in zip(snapshots, targets, strict=True):
        snapshot = gb.read(path, box=edges, species=letters, frame=frame)
        with plain_warnings():
            motion = gb.predict(snapshot, predictor)
        console().print(_table(motion, path.name))
        _write(path, motion, model, target, picture)


def _targets(snapshots: list[Path], output: Path | None) -> list[Path | None]:
    """Return the file that each snapshot's prediction goes to, before anything is computed."""
    if output is None:
        return [None] * len(snapshots)
    if len(snapshots) == 1:
        if not io.writable(output, Motion):
            raise InputError(
                f"{output}: unknown suffix; use one of {', '.join(_motion_suffixes())}"
            )
        return [output]
    if output.suffix and not output.is_dir():
        raise InputError(f"{output}: with several snapshots, --output names a folder (no suffix)")
    targets: dict[Path, Path] = {}
    for path in snapshots:
        target = output / f"{path.stem}.extxyz"
        if target in targets:
            raise InputError(
                f"{path}: its prediction and that of {targets[target]} would both be {target}; "
                "predict them into two folders"
            )
        targets[target] = path
    _make_folder(output)
    return list(targets)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: this folder cannot be made ({error.strerror})") from None


def _check_picture(snapshots: list[Path], picture: Path | None) -> None:
    if picture is None:
        return
    if len(snapshots) > 1:
        raise InputError("--map draws one snapshot; give one, or leave it out")
    if picture.suffix.lower() not in PICTURES:
        raise InputError(f"{picture}: unknown suffix; use one of {', '.join(PICTURES)}")


def _motion_suffixes() -> list[str]:
    return [
        suffix
        for entry in io.FORMATS.values()
        if entry.write_motion is not None
        for suffix in entry.suffixes
    ]


def _write(
    source: Path, motion: Motion, model: str, target: Path | None, picture: Path | None
) -> None:
    from glassbotan.provenance import provenance

    if target is not None:
        io.write(target, motion, provenance=provenance([source], model=model))
        typer.echo(f"prediction: {target}")
    if picture is not None:
        from glassbotan.figures.map import save_map

        save_map(picture, motion)
        typer.echo(f"map: {picture}")


def _table(motion: Motion, name: str) -> Table:
    import numpy as np

    from glassbotan.datasets.groups import bond_groups, particle_groups

    title = escape(f"{name}: predicted by {motion.source}")
    table = Table(box=SIMPLE, title=title, title_justify="left")
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
