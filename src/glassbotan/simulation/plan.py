"""A campaign worked out: snapshots read and checked, and the blocks of work."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassbotan import io
from glassbotan.datasets.public import resolve_all
from glassbotan.errors import InputError
from glassbotan.simulation.campaign import Campaign
from glassbotan.simulation.engines import check_engine
from glassbotan.simulation.plausible import check_plausible
from glassbotan.simulation.settings import DynamicsSettings
from glassbotan.simulation.targets import Reduction
from glassbotan.simulation.times import steps_at
from glassbotan.structure import Snapshot
from glassbotan.structure.inherent import inherent_structure
from glassbotan.structure.potential import PairPotential
from glassbotan.structure.potentials import load_mixture
from glassbotan.structure.snapshot import IntArray

USUAL: dict[str, Any] = {"ranks": 1, "device": "cpu"}
"""Entries of a protocol that are not written where they are the usual ones."""


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


@dataclass(frozen=True, eq=False)
class Protocol:
    """What is done with every snapshot; the store keeps it, and workers read it there.

    Attributes
    ----------
    engine, device, seed, keep, cutoff, resolution, block, ranks
        As in :class:`Campaign`.
    potential
        The mixture's interaction.
    settings
        Equations of motion, except for the temperature, which each snapshot has.
    times
        Shape [T].
    trajectories
        At each time, shape [T].

    """

    engine: str
    potential: PairPotential
    integrator: str
    damping: float
    timestep: float
    times: tuple[float, ...]
    trajectories: tuple[int, ...]
    block: int
    seed: int
    minimise: bool
    keep: str
    cutoff: float
    resolution: float
    ranks: int = 1
    device: str = "cpu"

    @classmethod
    def of(cls, campaign: Campaign) -> "Protocol":
        """Return a campaign's.

        Raises
        ------
        InputError
            There is no such potential, or a time is no whole number of timesteps.

        """
        steps_at(campaign.all_times, campaign.timestep)
        return cls(
            engine=campaign.engine,
            potential=load_mixture(campaign.potential).potential,
            integrator=campaign.integrator,
            damping=campaign.damping,
            timestep=campaign.timestep,
            times=tuple(campaign.all_times),
            trajectories=tuple(campaign.trajectories_by_time),
            block=campaign.block_size,
            seed=campaign.seed,
            minimise=campaign.minimise,
            keep=campaign.keep,
            cutoff=campaign.cutoff,
            resolution=campaign.resolution,
            ranks=campaign.ranks,
            device=campaign.device,
        )

    @property
    def steps(self) -> IntArray:
        """The number of the step at each time, shape [T]."""
        return steps_at(self.times, self.timestep)

    def settings(self, temperature: float) -> DynamicsSettings:
        """Return the equations of motion at a temperature."""
        return DynamicsSettings(
            temperature,
            timestep=self.timestep,
            integrator=self.integrator,  # type: ignore[arg-type]  # checked there
            damping=self.damping,
        )

    def blocks(self, snapshot: int) -> list[Block]:
        """Return the blocks of one snapshot."""
        blocks = []
        for number, first in enumerate(range(0, self.trajectories[0], self.block)):
            last = min(first + self.block, self.trajectories[0])
            times = sum(count > first for count in self.trajectories)
            blocks.append(Block(snapshot, number, range(first, last), times))
        return blocks

    def to_json(self) -> dict[str, Any]:
        """Return the protocol as JSON-ready values; numbers keep every digit."""
        record = {name: getattr(self, name) for name in self.__dataclass_fields__}
        for name, usual in USUAL.items():
            if record[name] == usual:
                # What is asked for is then the same as of versions that knew no such thing.
                del record[name]
        potential = self.potential
        assert potential.masses is not None
        return record | {
            "times": list(self.times),
            "trajectories": list(self.trajectories),
            "potential": {
                "epsilon": potential.epsilon.tolist(),
                "sigma": potential.sigma.tolist(),
                "cutoff": potential.cutoff.tolist(),
                "masses": potential.masses.tolist(),
                "shift": potential.shift,
            },
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Protocol":
        """Return what :meth:`to_json` gave."""
        table = record["potential"]
        arrays = {k: np.array(table[k]) for k in ("epsilon", "sigma", "cutoff", "masses")}
        return cls(
            **{
                **record,
                "times": tuple(record["times"]),
                "trajectories": tuple(record["trajectories"]),
                "potential": PairPotential(**arrays, shift=table["shift"]),
            }
        )


@dataclass(frozen=True, eq=False)
class Plan:
    """All that a campaign does.

    Attributes
    ----------
    name
        The campaign's.
    protocol
        What is done with every snapshot.
    snapshots
        With the temperature that they are run at; one that is run at several is there as often.
    files
        Where they were read.

    """

    name: str
    protocol: Protocol
    snapshots: tuple[Snapshot, ...]
    files: tuple[str, ...]

    @property
    def blocks(self) -> list[Block]:
        """All blocks, snapshot by snapshot, so that each is finished before much of the next."""
        return [b for s in range(len(self.snapshots)) for b in self.protocol.blocks(s)]

    def particle_steps(self, block: Block) -> int:
        """Return the work in a block."""
        steps = int(self.protocol.steps[block.times - 1])
        return steps * len(block.trajectories) * self.snapshots[block.snapshot].n_particles


def plan(campaign: Campaign) -> Plan:
    """Read a campaign's snapshots and check whatever can be checked before anything runs.

    Raises
    ------
    InputError
        A snapshot cannot be read, its temperature is not known, its particles overlap, its box is
        too small, its species or dimension are not the potential's; or the engine cannot run here,
        or a time is no whole number of timesteps.

    """
    protocol = Protocol.of(campaign)
    check_engine(campaign.engine, campaign.ranks, campaign.device)
    snapshots: list[Snapshot] = []
    files: list[str] = []
    for path in resolve_all(campaign.snapshots):
        snapshot = io.read(path, box=campaign.box)
        _check_dimension(snapshot, campaign.potential)
        if protocol.minimise:
            minimum = inherent_structure(snapshot, protocol.potential)
            snapshot = replace(snapshot, positions=minimum.positions)
        for temperature in _temperatures(campaign, snapshot):
            check_plausible(snapshot, protocol.potential, protocol.settings(temperature))
            snapshots.append(replace(snapshot, temperature=temperature, fields={}))
            files.append(str(path))
        if protocol.keep == "targets":
            Reduction(snapshot, protocol.cutoff)
    return Plan(campaign.name, protocol, tuple(snapshots), tuple(files))


def _temperatures(campaign: Campaign, snapshot: Snapshot) -> list[float]:
    given = campaign.temperature
    if given is None and snapshot.temperature is None:
        raise InputError(f"{snapshot.source}: the temperature is not in the file; give it")
    if isinstance(given, list):
        return given
    return [given or snapshot.temperature]  # type: ignore[list-item]  # one of the two is there


def _check_dimension(snapshot: Snapshot, potential: str) -> None:
    wanted = load_mixture(potential).dimension
    if wanted is not None and snapshot.dimension != wanted:
        raise InputError(
            f"{snapshot.source}: has {snapshot.dimension} dimensions, and the potential "
            f"{potential} is for {wanted}"
        )
