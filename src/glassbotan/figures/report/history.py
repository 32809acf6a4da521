"""What a training run logged: figures by epoch, and how long it took."""

import csv
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from glassbotan.datasets.public import natural_order
from glassbotan.errors import InputError

Series = Mapping[int, float]
"""A figure's value by the number of epochs that were complete, counted over all stages."""


@dataclass(frozen=True)
class Stage:
    """One stage of a run.

    Attributes
    ----------
    number
        From 1.
    series
        By the log's names: ``train/loss``, ``validation/pearson_A`` ...
    seconds
        Spent in it, summed over resumed parts; None where the log does not tell.

    """

    number: int
    series: Mapping[str, Series]
    seconds: float | None = None

    def best(self, figure: str) -> tuple[int, float] | None:
        """Return the epoch and value of the best so far: a correlation's highest, else lowest."""
        series = self.series.get(figure, {})
        if not series:
            return None
        choose = max if figure.endswith("pearson_A") else min
        return choose(series.items(), key=lambda item: item[1])


@dataclass(frozen=True)
class History:
    """All stages of a run that have begun."""

    stages: Sequence[Stage]

    @property
    def epochs(self) -> int:
        """Epochs that are complete."""
        ends = [max(s, default=0) for stage in self.stages for s in stage.series.values()]
        return max(ends, default=0)

    @property
    def seconds(self) -> float | None:
        """Seconds of training, where every stage knows its own."""
        known = [s.seconds for s in self.stages if s.seconds is not None]
        return sum(known) if known and len(known) == len(self.stages) else None


def read_history(folder: Path, epochs: Sequence[int] = ()) -> History:
    """Read the logs of a run folder.

    Parameters
    ----------
    folder
        Holds stage-1, stage-2 ... with logs/*/metrics.csv each; a resumed run has several.
    epochs
        Of each stage by the recipe: a stage that was resumed after an early end counts from there.

    Raises
    ------
    InputError
        A log is no table of numbers; names file and line.

    """
    stages: list[Stage] = []
    first = 0
    names = (path.name for path in natural_order(folder.glob("stage-*")))
    for number in (int(name[6:]) for name in names if name[6:].isdecimal()):
        stage = folder / f"stage-{number}"
        series: dict[str, dict[int, float]] = {}
        # By folder: csv, csv-2, csv-3 ... in the order of resumption.
        for log in natural_order(stage.glob("logs/*")):
            if (log / "metrics.csv").is_file():
                _add(series, log / "metrics.csv", first)
        stages.append(Stage(number, series, _seconds(stage)))
        ran = max((max(s) for s in series.values() if s), default=first) - first
        first += epochs[number - 1] if 0 < number <= len(epochs) else ran
    return History(stages)


def _add(series: dict[str, dict[int, float]], log: Path, first: int) -> None:
    """Add a log's figures; rows of a resumed run replace those of the same epoch."""
    line = 1
    try:
        with log.open(encoding="utf-8", newline="") as file:
            for line, row in enumerate(csv.DictReader(file), start=2):  # noqa: B007 - for the error
                epoch = first + int(row.pop("epoch")) + 1
                row.pop("step", None)
                for name, value in ((name, float(text)) for name, text in row.items() if text):
                    if math.isfinite(value):
                        series.setdefault(name, {})[epoch] = value
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{log}: cannot be read as a table ({error})") from None
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"{log}, line {line}: expected an epoch and numbers in the log's columns"
        ) from None


def _seconds(stage: Path) -> float | None:
    """Return the time between the first and the last entry of each TensorBoard log, summed."""
    from tensorboard.backend.event_processing.event_file_loader import (  # type: ignore[import-untyped]
        EventFileLoader,
    )

    total = 0.0
    for path in stage.glob("logs/tensorboard/events.out.tfevents.*"):
        stamps = []
        # A log that broke off raises what its reader pleases; what stands before is good.
        with suppress(Exception):
            for event in EventFileLoader(str(path)).Load():
                stamps.append(event.wall_time)  # noqa: PERF401 - keeps what came before an error
        total += max(stamps) - min(stamps) if stamps else 0.0
    return total or None
