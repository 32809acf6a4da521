"""How an isoconfigurational ensemble is run and what is kept of it: the same for every snapshot."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import (
    BeforeValidator,
    Field,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)

from glassbotan.settings import LISTED, Count, Positive, Settings, checked, told
from glassbotan.simulation.engine import Run, Task
from glassbotan.simulation.engines import EngineSettings, start_task, together
from glassbotan.simulation.settings import DynamicsSettings, Integrator
from glassbotan.simulation.times import log_times, steps_at
from glassbotan.structure import Snapshot
from glassbotan.structure.potential import PairPotential
from glassbotan.structure.potentials import load_mixture
from glassbotan.structure.snapshot import IntArray

USUAL: dict[str, Any] = {"ranks": 1, "device": "cpu"}
"""Entries of a protocol that are not written where they are the usual ones: what is asked for is
then the same as of versions that knew no such thing."""


@dataclass(frozen=True)
class Block:
    """Trajectories of one snapshot that run together.

    Attributes
    ----------
    snapshot, number
        Indices of the snapshot in the store, and of the block among its blocks.
    trajectories
        Numbers of the trajectories in the ensemble.
    times
        How many of the times, from the first, they run to.

    """

    snapshot: int
    number: int
    trajectories: range
    times: int


def _potential(given: Any) -> Any:
    """Return the potential of a record, a path as text, and anything else as it is."""
    if not isinstance(given, dict):
        return str(given) if isinstance(given, Path) else given
    return PairPotential.from_json(given)


def difference(name: str, there: Any, here: Any, told: Callable[[object], object] = str) -> str:
    """Return in words how an entry of one record differs from the same of another."""
    if isinstance(there, dict) and isinstance(here, dict):
        if name == "potential":
            # A record does not name what is as usual.
            there, here = (PairPotential.from_json(r).to_json(complete=True) for r in (there, here))
        for inner in [*here, *there]:
            if there.get(inner) != here.get(inner):
                return difference(f"{name}.{inner}", there.get(inner), here.get(inner), told)
    return f"{name} is {told(there)} there and {told(here)} here"


class LogTimes(Settings):
    """Times evenly spaced in log t."""

    first: Positive
    last: Positive
    per_decade: Count = 10


class EnsembleSettings(EngineSettings):
    """How trajectories of an isoconfigurational ensemble are run.

    Widmer-Cooper, Harrowell, Fynewever, Phys. Rev. Lett. 93, 135701 (2004).
    """

    integrator: Integrator = told("nve", "NAME", "nve, nose-hoover or langevin.")
    damping: Positive = told(1.0, "TIME", "In which a thermostat takes hold.")
    potential: Annotated[str | PairPotential, BeforeValidator(_potential)] = told(
        "kob-andersen-3d", "NAME", "A mixture's name, or a YAML file."
    )
    minimise: bool = told(
        default=False,
        title=None,
        description="Part overlapping particles first: inherent structure.",
    )
    ranks: Annotated[int, Field(ge=1, le=1024)] = told(
        1, "K", "Processes that share each trajectory: one large system, lammps only."
    )
    times: Annotated[tuple[float, ...], LISTED] = told(
        ..., "TIMES", "With commas, or FIRST..LAST for ten a decade, evenly in log t."
    )
    trajectories: Annotated[tuple[Count, ...], LISTED] = told(
        (32,), "R", "One number, or with commas one for each time."
    )
    block: Count = told(None, "N", "Trajectories that run together; default: what is fastest.")

    @field_validator("times", mode="before")
    @classmethod
    def _worked_out(cls, given: Any, known: ValidationInfo) -> Any:
        """Take {first, last, per_decade} or "FIRST..LAST" for times that are evenly in log t."""
        if isinstance(given, str) and ".." in given:
            given = dict(zip(("first", "last"), given.split("..", 1), strict=True))
        if isinstance(given, dict):
            wanted = checked(LogTimes, given, source="times")
            return log_times(**wanted.model_dump(), timestep=known.data.get("timestep", 1)).tolist()
        return given

    @field_validator("block", mode="before")
    @classmethod
    def _largest(cls, given: Any, known: ValidationInfo) -> Any:
        """Return the engine's block by default, or less where trajectories stop early.

        They stop as whole blocks.
        """
        if given is not None or not {"engine", "device", "trajectories"} <= known.data.keys():
            return given or 1
        counts = known.data["trajectories"]
        size = min(together(known.data["engine"], known.data["device"]), counts[0])
        while any(count < counts[0] and count % size for count in counts):
            size -= 1
        return size

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.steps  # noqa: B018 - refuses times that are none
        counts = self.trajectories
        if len(counts) == 1 < len(self.times):
            counts = counts * len(self.times)
            object.__setattr__(self, "trajectories", counts)
        if len(counts) != len(self.times):
            raise ValueError(
                f"trajectories: {len(counts)} numbers for {len(self.times)} times; give one "
                "for each time, or one for all"
            )
        if any(later > earlier for earlier, later in pairwise(counts)):
            raise ValueError(
                f"trajectories: {list(counts)} must not grow with time; those that are wanted "
                "later have passed the earlier times as well"
            )
        for count in counts:
            if count < counts[0] and count % self.block:
                raise ValueError(
                    f"trajectories: {count} is no multiple of the block of {self.block} that "
                    "runs together; change one of the two"
                )
        return self

    @field_serializer("potential")
    def _recorded(self, potential: str | PairPotential) -> str | dict[str, Any]:
        return potential if isinstance(potential, str) else potential.to_json()

    @cached_property
    def interaction(self) -> PairPotential:
        """The potential, read where only its name was given."""
        given = self.potential
        return load_mixture(given).potential if isinstance(given, str) else given

    @property
    def steps(self) -> IntArray:
        """The number of the step at each time, shape [T]."""
        return steps_at(self.times, self.timestep)

    def settings(self, temperature: float) -> DynamicsSettings:
        """Return the equations of motion at a temperature."""
        return DynamicsSettings(temperature, self.timestep, self.integrator, self.damping)

    def task(self, snapshot: Snapshot, block: Block) -> Task:
        """Return what an engine is asked to run of a snapshot that has its temperature."""
        return Task(
            snapshot,
            self.interaction,
            self.settings(snapshot.temperature or np.nan),
            tuple(block.trajectories),
            seed=self.seed,
            snapshot_index=block.snapshot,
        )

    def start(self, snapshot: Snapshot, block: Block) -> Run:
        """Begin a block's trajectories."""
        return start_task(self.task(snapshot, block), self.engine, self.ranks, self.device)

    def blocks(self, snapshot: int) -> list[Block]:
        """Return the blocks of the snapshot with that index."""
        blocks = []
        for number, first in enumerate(range(0, self.trajectories[0], self.block)):
            last = min(first + self.block, self.trajectories[0])
            times = sum(count > first for count in self.trajectories)
            blocks.append(Block(snapshot, number, range(first, last), times))
        return blocks


class Protocol(EnsembleSettings):
    """What is done with every snapshot; the store keeps it, and workers read it there."""

    keep: Literal["targets", "positions"] = told(
        "targets", "NAME", "targets (means over trajectories, with errors), or positions."
    )
    cutoff: Positive = told(2.0, "LENGTH", "Of the bonds whose extension is kept.")
    resolution: Positive = told(
        1e-4, "LENGTH", "To which targets are rounded: to a power of two not above it."
    )

    def to_json(self) -> dict[str, Any]:
        """Return the protocol as JSON-ready values; numbers keep every digit."""
        record = self.model_dump(mode="json", include=set(Protocol.model_fields) - {"potential"})
        usual = {name for name, value in USUAL.items() if record[name] == value}
        return {k: v for k, v in record.items() if k not in usual} | {
            "potential": self.interaction.to_json()
        }
