"""The Zarr 3 store that a campaign writes to, one group a snapshot.

What is in it is told in :mod:`glassbotan.io.ensemble_layout`. What is under way lies in the folder
``.work``.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassbotan.dynamics.quantities import QUANTITIES
from glassbotan.errors import InputError
from glassbotan.io import ensemble_layout as layout
from glassbotan.io.ensemble_layout import Attributes, group_name, open_group
from glassbotan.io.ensemble_store import read, read_attributes
from glassbotan.simulation.plan import Plan
from glassbotan.simulation.protocol import USUAL, Block, Protocol, difference
from glassbotan.simulation.targets import averages, followed, stored_form
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray

if TYPE_CHECKING:
    import zarr

WORK = ".work"


@dataclass(frozen=True)
class Store:
    """A store on disk, and what was asked of it; cheap to open anywhere.

    Attributes
    ----------
    path
        The folder.
    protocol
        What is done with every snapshot.
    snapshots
        Their number.

    """

    path: Path
    protocol: Protocol
    snapshots: int

    @classmethod
    def open(cls, path: Path) -> "Store":
        """Open a store.

        Raises
        ------
        InputError
            There is none, or it is damaged.

        """
        kept = read_attributes(path)
        try:
            return cls(path, Protocol.model_validate(kept["protocol"]), len(kept["snapshots"]))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: its campaign is damaged ({error})") from None

    def snapshot(self, index: int) -> Snapshot:
        """Return a snapshot with the temperature that it is run at."""
        return read(self.group_path(index))

    def group_path(self, index: int) -> Path:
        """Return the folder of a snapshot's group."""
        return self.path / group_name(index)

    def is_finished(self, index: int) -> bool:
        """Tell whether a snapshot's data are complete."""
        return bool(open_group(self.group_path(index)).attrs.get("finished", False))

    def work(self, block: Block) -> Path:
        """Return the folder of a block that is under way; the first call makes it."""
        folder = self.path / WORK / f"{block.snapshot:04d}" / f"{block.number:03d}"
        with disk_errors(self.path):
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def keep_displacements(self, block: Block, time: int, displacements: FloatArray) -> None:
        """Write the displacements [R, N, d] of a block at the time of that index."""
        chosen = slice(block.trajectories.start, block.trajectories.stop)
        with disk_errors(self.path):
            array = layout.array(self._group(block.snapshot), "displacements")
            array[time, chosen] = displacements.astype(np.float32)

    def finish(
        self, index: int, energies: FloatArray, sums: Sequence[Mapping[str, Sequence[FloatArray]]]
    ) -> None:
        """Write a snapshot's averages, mark it as finished and forget how it was made.

        Parameters
        ----------
        index
            The snapshot's.
        energies
            Total energies, shape [T, R].
        sums
            For each time, by quantity, the sums [3, X] of all blocks; nothing with positions.

        """
        group = self._group(index)
        with disk_errors(self.path):
            layout.array(group, "energy")[...] = energies
            if sums:
                self._write_averages(group, sums)
            for left in self.group_path(index).rglob("*.partial"):
                left.unlink()
            group.attrs["finished"] = True
            shutil.rmtree(self.path / WORK / f"{index:04d}", ignore_errors=True)

    def _write_averages(
        self, group: "zarr.Group", sums: Sequence[Mapping[str, Sequence[FloatArray]]]
    ) -> None:
        protocol = self.protocol
        for name in QUANTITIES:
            rows = [
                stored_form(averages(at_time[name], count), protocol.resolution)
                for at_time, count in zip(sums, protocol.trajectories, strict=True)
            ]
            for part, suffix in (("mean", ""), ("error", "_error"), ("split", "_split")):
                values = np.stack([getattr(row, part) for row in rows])
                layout.array(group, name + suffix)[...] = values

    def _group(self, index: int) -> "zarr.Group":
        return open_group(self.group_path(index), mode="r+")


def prepare(path: Path, plan: Plan, provenance: Mapping[str, object]) -> Store:
    """Make the store of a plan, or open it where it is there already.

    Raises
    ------
    InputError
        There is a store of another campaign (names the difference), or something else.
    RunError
        The disk is full.

    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        _check_same(path, plan)
        return Store.open(path)
    with layout.new_store(path) as beside:
        _make(beside, plan, provenance)
    return Store.open(path)


def disk_errors(path: Path) -> AbstractContextManager[None]:
    """Turn what a full or failing disk raises into one line for people."""
    return layout.disk_errors(
        path, "what is finished is kept, and the same command goes on from there"
    )


def _make(path: Path, plan: Plan, provenance: Mapping[str, object]) -> None:
    protocol = plan.campaign
    root = layout.create_store(
        path,
        name=plan.campaign.name,
        snapshots=_snapshots(plan),
        provenance=provenance,
        protocol=protocol.to_json(),
    )
    for index, snapshot in enumerate(plan.snapshots):
        group = layout.create_snapshot(
            root,
            index,
            snapshot,
            file=plan.files[index],
            times=protocol.times,
            trajectories=protocol.trajectories,
            cutoff=protocol.cutoff,
        )
        _make_results(group, snapshot, protocol)


def _make_results(group: "zarr.Group", snapshot: Snapshot, protocol: Protocol) -> None:
    n_times, most = len(protocol.times), protocol.trajectories[0]
    n, d = snapshot.positions.shape
    layout.create_array(group, "energy", (n_times, most), "float64")
    if protocol.keep == "positions":
        # Whole blocks, each written by the one worker that runs it.
        together = min(protocol.block, most)
        layout.create_array(
            group, "displacements", (n_times, most, n, d), chunk=(1, together, n, d)
        )
        return
    bonds = followed(snapshot, protocol.cutoff)
    layout.put(group, "bonds", np.stack([bonds.first, bonds.second]).astype(np.int32))
    sizes = {"particles": n, "bonds": len(bonds.first)}
    for name, one in QUANTITIES.items():
        layout.create_averages(group, name, (n_times, sizes[one.place]))


def _snapshots(plan: Plan) -> list[Attributes]:
    return [
        layout.snapshot_record(snapshot, file)
        for file, snapshot in zip(plan.files, plan.snapshots, strict=True)
    ]


def _check_same(path: Path, plan: Plan) -> None:
    """Raise InputError, with the difference, unless the store is this plan's."""
    if not path.is_dir():
        raise InputError(f"{path}: is a file; a store is a folder")
    kept = read_attributes(path)
    if "protocol" not in kept:
        raise InputError(
            f"{path}: was made from other files by glassbotan convert, not by a campaign; "
            "write to another store"
        )
    here = {**USUAL, **json.loads(json.dumps(plan.campaign.to_json()))}
    there: dict[str, Any] = {**USUAL, **kept["protocol"]}
    found = f"{path}: was made by another campaign"
    advice = "change the campaign back, or write to another store"
    for key in [*here, *there]:
        if here.get(key) != there.get(key):
            what = difference(key, there.get(key), here.get(key))
            raise InputError(f"{found}: {what}; {advice}")
    old, new = kept.get("snapshots", []), _snapshots(plan)
    for index, (one, other) in enumerate(zip(old, new, strict=False)):
        if one.get("temperature") != other["temperature"]:
            raise InputError(
                f"{found}: the temperature of snapshot {index} is {one.get('temperature')} there "
                f"and {other['temperature']} here; {advice}"
            )
        if one.get("sha256") != other["sha256"]:
            raise InputError(
                f"{found}: its snapshot {index} is {one.get('file')}, and here it is "
                f"{other['file']} with other positions, box or species; {advice}"
            )
    if len(old) != len(new):
        raise InputError(f"{found}: it has {len(old)} snapshots, here are {len(new)}; {advice}")


def clean(path: Path) -> None:
    """Remove the folder of work under way, once all is finished."""
    with suppress(OSError):
        shutil.rmtree(path / WORK)
