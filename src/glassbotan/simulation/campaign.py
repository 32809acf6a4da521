"""A campaign: which ensembles are to be made, from one YAML file."""

import difflib
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from glassbotan.errors import InputError
from glassbotan.simulation.engines import DEVICES, HOMES, together
from glassbotan.simulation.settings import Integrator
from glassbotan.simulation.times import log_times
from glassbotan.yaml_mapping import read_mapping

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Natural = Annotated[int, Field(ge=0)]


class LogTimes(BaseModel):
    """Times evenly spaced in log t."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first: Positive
    last: Positive
    per_decade: Count = 10


class Campaign(BaseModel):
    """Isoconfigurational ensembles of many snapshots.

    Attributes
    ----------
    name
        Of the store, where no other is given.
    snapshots
        Files, folders, globs or parts of public data sets such as ``botan-small/train``.
    box
        Edge lengths, for files that lack them.
    potential
        A bundled mixture's name or a YAML file.
    engine
        "ensemble" or "lammps".
    device
        "cpu", or "cuda": the engine "ensemble" on a GPU, many snapshots at once.
    temperature
        Of the velocities and the thermostat; every snapshot is run at each of several; its own
        without one.
    integrator, damping, timestep
        See :class:`glassbotan.simulation.DynamicsSettings`.
    times
        When motion is kept: numbers, or first, last and per_decade of log-spaced ones.
    trajectories
        One number, or one for each time, never more than for the time before: trajectories run to
        the last time that they are wanted at.
    block
        Trajectories that run together, the unit of work. By default what the engine runs best.
    ranks
        Processes of one machine that share each trajectory, for one large system; "lammps" only.
    seed
        With the indices of snapshot and trajectory, what velocities follow from.
    minimise
        Whether trajectories begin at inherent structures, for snapshots whose particles overlap.
    keep
        "targets": propensity, bond extension and bond breaking, with errors. "positions": those of
        every trajectory.
    cutoff
        Of the bonds whose extension is kept, length units.
    resolution
        To which targets are rounded (to a power of two that is not above it), length units.

    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(default="ensembles", pattern=r"^[\w.-]+$")
    snapshots: list[str] = Field(min_length=1)
    box: list[Positive] | None = Field(default=None, min_length=1, max_length=3)
    potential: str = "kob-andersen-3d"
    engine: str = "ensemble"
    device: str = "cpu"
    temperature: Positive | Annotated[list[Positive], Field(min_length=1)] | None = None
    integrator: Integrator = "nve"
    damping: Positive = 1.0
    timestep: Positive = 0.005
    times: LogTimes | Annotated[list[Positive], Field(min_length=1)]
    trajectories: Count | Annotated[list[Count], Field(min_length=1)] = 32
    block: Count | None = None
    ranks: Annotated[int, Field(ge=1, le=1024)] = 1
    seed: Natural = 0
    minimise: bool = False
    keep: Literal["targets", "positions"] = "targets"
    cutoff: Positive = 2.0
    resolution: Positive = 1e-4

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.engine not in HOMES:
            raise ValueError(f"engine: {self.engine!r} is unknown; use {' or '.join(HOMES)}")
        if self.device not in DEVICES:
            raise ValueError(f"device: {self.device!r} is unknown; use cpu or cuda")
        counts = self.trajectories_by_time
        if len(counts) != len(self.all_times):
            raise ValueError(
                f"trajectories: {len(counts)} numbers for {len(self.all_times)} times; give one "
                "for each time, or one for all"
            )
        if any(later > earlier for earlier, later in pairwise(counts)):
            raise ValueError(
                f"trajectories: {counts} must not grow with time; those that are wanted later "
                "have passed the earlier times as well"
            )
        for count in counts:
            if count < counts[0] and count % self.block_size:
                raise ValueError(
                    f"trajectories: {count} is no multiple of the block of {self.block_size} that "
                    "runs together; change one of the two"
                )
        return self

    @property
    def all_times(self) -> list[float]:
        """Return the times as a list, log-spaced ones worked out."""
        if isinstance(self.times, list):
            return self.times
        first, last, per_decade = self.times.first, self.times.last, self.times.per_decade
        return list(map(float, log_times(first, last, per_decade, timestep=self.timestep)))

    @property
    def trajectories_by_time(self) -> list[int]:
        """Return the number of trajectories at each time."""
        given = self.trajectories
        return list(given) if isinstance(given, list) else [given] * len(self.all_times)

    @property
    def block_size(self) -> int:
        """Return how many trajectories run together."""
        if self.block is not None:
            return self.block
        counts = self.trajectories_by_time
        size = min(together(self.engine, self.device), counts[0])
        # Trajectories that stop early stop as whole blocks.
        while any(count < counts[0] and count % size for count in counts):
            size -= 1
        return size


def load_campaign(path: str | Path) -> Campaign:
    """Read and validate a campaign.

    Raises
    ------
    InputError
        The file is missing or no YAML mapping, or a key or value is wrong; names the key and, for
        an unknown one, the nearest known.

    """
    content = read_mapping(path, kind="a campaign", expected="of a campaign's keys")
    return make_campaign({"name": Path(path).stem, **content}, source=str(path))


def make_campaign(content: dict[str, Any], *, source: str = "campaign") -> Campaign:
    """Validate a campaign's keys and values.

    Raises
    ------
    InputError
        As :func:`load_campaign`.

    """
    try:
        return Campaign.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{source}: {_explain(error)}") from None


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    key = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        name = str(first["loc"][-1])
        known = [*Campaign.model_fields, *LogTimes.model_fields]
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        return f"unknown key {name!r}{hint}"
    if first["type"] == "missing":
        return f"the key {key!r} is missing"
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    return f"{key}: {first['msg'][0].lower()}{first['msg'][1:]} (it is {first['input']!r})"
