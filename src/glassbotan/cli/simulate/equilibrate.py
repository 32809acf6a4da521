"""glassbotan simulate equilibrate: snapshots in equilibrium, from nothing or from another."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from glassbotan.cli.console import check_folder
from glassbotan.cli.from_model import options_of, settings_of
from glassbotan.cli.options import Box, output_option
from glassbotan.errors import InputError
from glassbotan.io import read, write
from glassbotan.io.extxyz import read_provenance
from glassbotan.progress_bar import shown
from glassbotan.provenance import provenance
from glassbotan.simulation.equilibration.equilibrate import jobs_of
from glassbotan.simulation.equilibration.job import Equilibrated, Job, carry_out
from glassbotan.simulation.equilibration.settings import EquilibrationSettings
from glassbotan.simulation.pacing import StoppedError
from glassbotan.simulation.signals import listening

EXAMPLE = (
    "glassbotan simulate equilibrate --mixture kob-andersen-3d --particles 512 "
    "--temperature 0.8 --seed 1 -o glass.extxyz"
)

SUFFIXES = (".extxyz", ".xyz")

TASK = "task"
"""Entry of a file's provenance that says what it was made by."""


def check_name(output: Path) -> None:
    """Refuse a file that cannot hold all of a glass, or that cannot be written."""
    if output.suffix.lower() not in SUFFIXES:
        raise InputError(
            f"{output}: the name must end in .extxyz, which holds velocities and verdict; "
            "'glassbotan convert' makes other formats of it"
        )
    check_folder(output)


@options_of(
    EquilibrationSettings,
    first=("mixture", "particles", "density", "temperature", "number", "start"),
    leave_out=("start",),
    short={"temperature": "-T"},
)
def equilibrate(
    given: dict[str, Any],
    *,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="SNAPSHOT",
            help="One in equilibrium, to be forgotten instead of melting.",
        ),
    ] = None,
    box: Box = None,
    output: Annotated[Path, output_option("FILE", "NAME.extxyz.", check_name)] = Path(
        "glass.extxyz"
    ),
) -> None:
    """Make snapshots in equilibrium, and say how sure that is.

    The same command goes on where it was stopped.
    """
    snapshot = None if start is None else read(start, box=box)
    asked = settings_of(EquilibrationSettings, given, start=snapshot)
    plan, seed = jobs_of(asked), asked.seed
    batches = _batches(plan, output, asked.number)
    for batch in batches:
        batch.check()
    inputs = [path for path in (start, Path(given["mixture"])) if path and path.is_file()]
    for place, batch in enumerate(batches):
        if batch.done:
            for target in batch.targets:
                typer.echo(f"snapshot: {target}, made before")
        else:
            _make(batch, inputs, seed, place, len(batches))


@dataclass(frozen=True)
class _Batch:
    """A job and the files that come of it."""

    job: Job
    targets: list[Path]
    checkpoint: Path

    @property
    def tasks(self) -> list[str]:
        """What stands in each file for what made it."""
        return [sha256(f"{self.job.key} {k}".encode()).hexdigest() for k in self.job.trajectories]

    @property
    def done(self) -> bool:
        """Whether all of its files are there."""
        return all(target.exists() for target in self.targets)

    def check(self) -> None:
        """Refuse to replace a file that another run made."""
        for target, task in zip(self.targets, self.tasks, strict=True):
            if not target.exists():
                continue
            if not target.is_file() or read_provenance(target).get(TASK) != task:
                raise InputError(
                    f"{target}: is there already, and not from this command; remove it, or choose "
                    "another name"
                )


def _batches(plan: Sequence[Job], output: Path, number: int) -> list[_Batch]:
    """Return each job with its files: FILE, or with several FILE with numbers from 0001 on."""
    width = max(4, len(str(number)))
    targets = [
        output.with_name(f"{output.stem}-{k + 1:0{width}d}{output.suffix}") for k in range(number)
    ]
    if number == 1:
        targets = [output]
    batches = []
    for job in plan:
        own = [targets[k] for k in job.trajectories]
        place = output if len(plan) == 1 else own[0]
        batches.append(_Batch(job, own, place.with_name(f"{place.name}.checkpoint")))
    return batches


def _make(batch: _Batch, inputs: list[Path], seed: int, place: int, batches: int) -> None:
    """Do a job, write its files, and say what came out."""
    which = f"glass {place + 1} of {batches}, " if batches > 1 else ""
    try:
        with listening() as signals, shown() as bar:
            made = carry_out(
                batch.job,
                checkpoint_file=batch.checkpoint,
                stop=lambda: signals.seen > 0,
                progress=lambda done, total, what="", /, **how: bar(
                    done, total, which + what, **how
                ),
            )
    except StoppedError:
        typer.echo(f"stopped: the same command goes on from {batch.checkpoint}")
        raise KeyboardInterrupt from None
    for glass, target, task in zip(made, batch.targets, batch.tasks, strict=True):
        details = {
            TASK: task,
            "equilibration": batch.job.task,
            "judgement": glass.judgement.as_dict(),
        }
        if glass.decorrelation is not None:
            details["decorrelation"] = glass.decorrelation.of(made.index(glass))
        write(target, glass.snapshot, provenance=provenance(inputs, seed=seed, **details))
    batch.checkpoint.unlink(missing_ok=True)
    _tell(made, batch.targets)


def _tell(made: Sequence[Equilibrated], targets: Sequence[Path]) -> None:
    """Say what came of a job, which all of its glasses have in common."""
    glass = made[0]
    for target in targets:
        typer.echo(f"snapshot: {target}")
    typer.echo(f"{glass.judgement.verdict}: {glass.judgement.reason}")
    typer.echo(f"  {glass.judgement.describe()}")
    if glass.decorrelation is not None:
        independent = "" if glass.decorrelation.independent else "not "
        typer.echo(f"{independent}independent: {glass.decorrelation.describe()}")
    if glass.judgement.verdict == "not yet":
        first = targets[0] if len(targets) == 1 else f"{targets[0]} to {targets[-1].name}"
        typer.echo(f"warning: {first}: NOT equilibrated: {glass.judgement.reason}", err=True)
