"""A campaign worked out: snapshots read and checked, and the blocks of work."""

from dataclasses import dataclass, replace

from glassbotan import io
from glassbotan.datasets.public import resolve_all
from glassbotan.errors import InputError
from glassbotan.simulation.campaign import Campaign
from glassbotan.simulation.engines import check_engine
from glassbotan.simulation.plausible import check_plausible
from glassbotan.simulation.protocol import Block
from glassbotan.simulation.settings import temperature_of
from glassbotan.simulation.targets import followed
from glassbotan.structure import Snapshot
from glassbotan.structure.inherent import inherent_structure
from glassbotan.structure.potentials import load_mixture


@dataclass(frozen=True, eq=False)
class Plan:
    """All that a campaign does.

    Attributes
    ----------
    campaign
        What is done, with every snapshot.
    snapshots
        With the temperature that they are run at; one that is run at several is there as often.
    files
        Where they were read.

    """

    campaign: Campaign
    snapshots: tuple[Snapshot, ...]
    files: tuple[str, ...]

    @property
    def blocks(self) -> list[Block]:
        """All blocks, snapshot by snapshot, so that each is finished before much of the next."""
        return [b for s in range(len(self.snapshots)) for b in self.campaign.blocks(s)]


def plan(campaign: Campaign) -> Plan:
    """Read a campaign's snapshots and check whatever can be checked before anything runs.

    Raises
    ------
    InputError
        A snapshot cannot be read, its temperature is not known, its particles overlap, its box is
        too small, its species or dimension are not the potential's; or the engine cannot run here,
        or a time is no whole number of timesteps.

    """
    check_engine(campaign.engine, campaign.ranks, campaign.device, campaign.integrator)
    snapshots: list[Snapshot] = []
    files: list[str] = []
    for path in resolve_all(campaign.snapshots):
        snapshot = io.read(path, box=campaign.box)
        _check_dimension(snapshot, campaign)
        if campaign.minimise:
            minimum = inherent_structure(snapshot, campaign.interaction)
            snapshot = replace(snapshot, positions=minimum.positions)
        for temperature in campaign.temperature or (temperature_of(snapshot),):
            check_plausible(snapshot, campaign.interaction, campaign.settings(temperature))
            snapshots.append(replace(snapshot, temperature=temperature, fields={}))
            files.append(str(path))
        if campaign.keep == "targets":
            followed(snapshot, campaign.cutoff)
    return Plan(campaign, tuple(snapshots), tuple(files))


def _check_dimension(snapshot: Snapshot, campaign: Campaign) -> None:
    if not isinstance(campaign.potential, str):
        return
    wanted = load_mixture(campaign.potential).dimension
    if wanted is not None and snapshot.dimension != wanted:
        raise InputError(
            f"{snapshot.source}: has {snapshot.dimension} dimensions, and the potential "
            f"{campaign.potential} is for {wanted}"
        )
