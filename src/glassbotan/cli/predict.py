"""glassbotan predict: from snapshots to motion."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from glassbotan import io
from glassbotan.cli.console import plain_warnings, show, write_json
from glassbotan.cli.lasting import lasting
from glassbotan.cli.options import (
    Box,
    Frame,
    JsonFile,
    OneModel,
    QuantityName,
    SpeciesNames,
    check_picture,
    checked_by,
)
from glassbotan.dynamics import Motion
from glassbotan.dynamics.quantities import PROPENSITY
from glassbotan.errors import InputError
from glassbotan.io.formats import formats_that
from glassbotan.models import DEFAULT_MODEL
from glassbotan.progress import part
from glassbotan.progress_bar import shown

if TYPE_CHECKING:
    from rich.table import Table

EXAMPLE = (
    "glassbotan predict data/published/isoconfig_N4096T0.44_401_tc07.npz "
    "--output prediction.npz --map map.png"
)


class Row(NamedTuple):
    """What is told of one quantity at one time: of one species, or one pair of bonded species."""

    time: float
    quantity: str
    group: str
    number: int
    mean: float
    median: float
    fastest: float
    """Mean of the largest 5 %."""
    half_width: float | None
    """Mean half-width of the 90 % interval; None where the model tells none."""


def predict(
    snapshots: Annotated[
        list[Path],
        typer.Argument(help="Files, one snapshot each.", show_default=False),
    ],
    *,
    model: OneModel = DEFAULT_MODEL,
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
        Path | None,
        typer.Option(
            "--map",
            metavar="FILE",
            help="Slice at the last time, coloured by --quantity: .png, .pdf or .svg.",
            callback=checked_by(check_picture),
        ),
    ] = None,
    quantity: QuantityName = PROPENSITY.name,
    json: JsonFile = None,
    box: Box = None,
    species: SpeciesNames = None,
    frame: Frame = -1,
) -> None:
    """Predict the motion of every particle and bond from one snapshot."""
    targets = _targets(snapshots, output)
    if picture is not None and len(snapshots) > 1:
        raise InputError("--map draws one snapshot; give one, or leave it out")
    told = []
    total = len(snapshots)
    with shown() as progress:
        progress(0, total, "loading the model", unit="snapshots")
        import glassbotan as gb
        from glassbotan.models.predictor import load_predictor

        with lasting():
            predictor = load_predictor(model)
            if picture is not None:
                import matplotlib.figure  # noqa: F401 - used where the map is
        for k, (path, target) in enumerate(zip(snapshots, targets, strict=True)):
            progress(k, total, "reading", unit="snapshots")
            snapshot = gb.read(path, box=box, species=species, frame=frame)
            predicting = part(progress, k + 0.1, k + 0.7, total, "snapshots")
            predicting(0, 1, "predicting")
            with plain_warnings():
                motion = gb.predict(snapshot, predictor, progress=predicting)
            rows = list(_rows(motion))
            told.append(
                {"snapshot": str(path), "model": motion.source, "rows": [r._asdict() for r in rows]}
            )
            if str(json) != "-":
                with progress.aside():
                    show(_table(rows, f"{path.name}: predicted by {motion.source}"))
            progress(k + 0.8, total, "writing", unit="snapshots")
            written = list(_write(path, motion, model, target, picture, quantity))
            with progress.aside():
                for line in written:
                    typer.echo(line, err=str(json) == "-")
    if json is not None:
        write_json(json, told)
        if str(json) != "-":
            typer.echo(f"table: {json}")


def _targets(snapshots: list[Path], output: Path | None) -> list[Path | None]:
    """Return the file that each snapshot's prediction goes to, before anything is computed."""
    if output is None:
        return [None] * len(snapshots)
    if len(snapshots) == 1:
        if not io.writable(output, Motion):
            able = [s for n in formats_that("write", Motion) for s in io.FORMATS[n].suffixes]
            raise InputError(f"{output}: unknown suffix; use one of {', '.join(able)}")
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


def _write(
    source: Path,
    motion: Motion,
    model: str,
    target: Path | None,
    picture: Path | None,
    quantity: str,
) -> Iterator[str]:
    from glassbotan.provenance import provenance

    if target is not None:
        io.write(target, motion, provenance=provenance([source], model=model))
        yield f"prediction: {target}"
    if picture is not None:
        from glassbotan.evaluation.comparison import Comparison
        from glassbotan.figures.map import map_figure
        from glassbotan.figures.style import save_figure

        last = [float(motion.times[-1])]
        comparison = Comparison(motion.snapshot, predictions=[motion])
        figure = map_figure(comparison, quantity=quantity, times=last)
        save_figure(picture, figure, provenance=provenance([source], model=model))
        yield f"map: {picture}"


def _rows(motion: Motion) -> Iterator[Row]:
    import numpy as np

    from glassbotan.datasets.groups import groups_of_motion
    from glassbotan.dynamics.quantities import QUANTITIES

    told = [one for name, one in QUANTITIES.items() if name in motion.values]
    parts = [(one, group) for one in told for group in groups_of_motion(motion, one.name)]
    for t, time in enumerate(motion.times):
        for one, (group, members) in parts:
            values, errors = motion[one.name][t, members], motion.errors.get(one.name)
            if np.isnan(values).any():
                continue
            yield Row(
                time=float(time),
                quantity=one.title,
                group=group,
                number=len(values),
                mean=float(values.mean()),
                median=float(np.median(values)),
                fastest=float(values[values >= np.quantile(values, 0.95)].mean()),
                half_width=None if errors is None else float(errors[t, members].mean()),
            )


def _table(rows: list[Row], title: str) -> "Table":
    from rich.box import SIMPLE
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE, title=escape(title), title_justify="left")
    told = any(row.half_width is not None for row in rows)
    headings = ["t", "of", "number", "mean", "median", "fastest 5 %", *["90 % within ±"] * told]
    for heading in headings:
        table.add_column(heading, justify="right")
    for row in rows:
        averages = [row.mean, row.median, row.fastest, *[row.half_width] * told]
        cells = ("-" if value is None else f"{value:.4f}" for value in averages)
        table.add_row(f"{row.time:g}", f"{row.quantity} {row.group}", str(row.number), *cells)
    return table
