"""Where a campaign's work is done, and for how long."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from glassbotan.settings import Settings, told

UNITS = {"": 1, "s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400}


def seconds(given: Any) -> Any:
    """Return the seconds of "90", "90s", "15min", "4h", "1d" or "1:30:00"; else what is given.

    Raises
    ------
    ValueError
        The text has another form, or is no positive time.

    """
    if not isinstance(given, str):
        return given
    found, told = 0.0, given.strip()
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d|)", told):
        found = float(match[1]) * UNITS[match[2]]
    elif match := re.fullmatch(r"(\d+):(\d\d):(\d\d)", told):
        found = int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3])
    if not found > 0:
        raise ValueError("expected a time such as 90min, 4h or 1:30:00")
    return found


def _pairs(given: Any) -> Any:
    """Return a list of KEY=VALUE as a mapping, and anything else as it is."""
    if not isinstance(given, list):
        return given or {}
    pairs = [pair.partition("=") for pair in given]
    if not all(key and equals for key, equals, _ in pairs):
        raise ValueError("expected KEY=VALUE")
    return {key: int(value) if value.isdecimal() else value for key, _, value in pairs}


class Resources(Settings):
    """Where work is done; without scheduler and batch, one worker is this process itself."""

    workers: Annotated[int, Field(ge=1)] = told(1, "N", "Processes, or jobs with --batch.")
    scheduler: str | None = told(
        None, "ADDRESS", "A running Dask scheduler, such as tcp://node7:8786."
    )
    batch: Literal["slurm", "pbs"] | None = told(
        None, "SYSTEM", "Submit workers as jobs: slurm or pbs."
    )
    batch_option: Annotated[dict[str, Any], BeforeValidator(_pairs)] = told(
        None,
        "KEY=VALUE",
        "Of dask-jobqueue, such as queue=short or walltime=04:00:00; may be repeated.",
    )
    time_limit: Annotated[float | None, BeforeValidator(seconds)] = told(
        None, "TIME", "Stop with checkpoints after: 90min, 4h, 1d or seconds.", ge=0
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Refuse what contradicts itself."""
        if self.batch is not None and self.scheduler is not None:
            raise ValueError("a running scheduler has workers of its own; leave out slurm or pbs")
        if self.batch_option and self.batch is None:
            raise ValueError("options of a batch system are given, and no batch system")
        return self

    @property
    def local(self) -> bool:
        """Whether all is done in this process."""
        return self.workers == 1 and self.scheduler is None and self.batch is None
