"""Make data on a GPU within a time limit, resumably, and keep compact targets.

    python benchmarks/gpu_campaign.py pack FILE... -o snapshots.npz
    python benchmarks/gpu_campaign.py ensembles snapshots.npz -o FOLDER [--times 0.13,...,4120]
        [--trajectories 32] [--minutes 9] [--group 64] [--no-bonds] [--device cuda]
    python benchmarks/gpu_campaign.py hold snapshots.npz -o new.npz --time 12000
        [--trajectories 8] [--damping 10] [--minutes 9] [--device cuda]
    python benchmarks/gpu_campaign.py compare FOLDER PUBLISHED...

``pack`` gathers snapshots of one mixture in one small file. ``ensembles`` runs every one of them
with velocities of its own to the last time, as many at once as ``--group`` says, and writes
``targets-NN.npz`` with 16 snapshots each: means, standard errors and splits of propensity, bond
breaking and bond extension at every time reached, as whole numbers of 2^-11. ``hold`` keeps
snapshots at their temperature, by Langevin's dynamics, until they have forgotten where they began,
and packs where each trajectory is: new snapshots in equilibrium. Both stop before the minutes are
over, and the same command goes on from its checkpoint. ``compare`` correlates the A particles'
propensity with that of published ensembles of the same snapshots and times, tells what is to be
expected of as many trajectories, and ends with status 1 where one falls short by more than 0.02.
The bonds' ends are not kept: they are ``followed(snapshot, 2)`` in its order.

Kob-Andersen mixture, time step 0.005. Needs PyTorch, Triton and NumPy and no more (src on
PYTHONPATH). Without a GPU it says so and ends with status 1; ``--device cpu`` is the plain form,
for a trial with few particles.
"""

import argparse
import re
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from glassbotan import io
from glassbotan.dynamics import IsoconfigurationalEnsemble
from glassbotan.errors import InputError, RunError
from glassbotan.io.atomic import atomic_output
from glassbotan.simulation.device.batch import Batch
from glassbotan.simulation.device.targets import DeviceBonds
from glassbotan.simulation.engine import Task
from glassbotan.simulation.settings import DynamicsSettings
from glassbotan.simulation.targets import averages, followed, sums_over
from glassbotan.structure.periodic import wrap
from glassbotan.structure.potential import KOB_ANDERSEN
from glassbotan.structure.snapshot import Snapshot

TIMES = "0.13,1.3,13,130,412,1300,4120"
TIMESTEP = 0.005
CUTOFF = 2.0
"""Of the bonds that are followed."""
UNIT = 2.0**-11
"""Of what is kept, length units; an eighth of the noise of 32 trajectories at the first time."""
SHARD = 16
SECONDS_BETWEEN_CHECKPOINTS = 120.0
AT_ONCE = 500
"""Steps between two looks at the clock."""
TOLERANCE = 0.02
"""By which a correlation with published ensembles may fall short of what is expected."""
NO_GPU = "no GPU: PyTorch finds no CUDA device here; --device cpu is for a trial"


def main() -> None:
    """Do what the first word says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    for name, action in (
        ("pack", pack), ("ensembles", ensembles), ("hold", hold), ("compare", compare),
    ):  # fmt: skip
        command = commands.add_parser(name)
        command.set_defaults(action=action)
        if name == "compare":
            command.add_argument("folder", type=Path)
            command.add_argument("published", nargs="+", type=Path)
            continue
        command.add_argument("snapshots", nargs="+", type=Path)
        command.add_argument("--output", "-o", type=Path, required=True)
        if name != "pack":
            command.add_argument("--trajectories", type=int, default=32 if name[0] == "e" else 8)
            command.add_argument("--minutes", type=float, default=9.0)
            command.add_argument("--seed", type=int, default=1)
            command.add_argument("--group", type=int, default=64)
            command.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
        if name == "ensembles":
            command.add_argument("--times", default=TIMES)
            command.add_argument("--no-bonds", action="store_true")
        if name == "hold":
            command.add_argument("--time", type=float, required=True)
            command.add_argument("--damping", type=float, default=10.0)
    arguments = parser.parse_args()
    if getattr(arguments, "device", "cpu") == "cuda" and not torch.cuda.is_available():
        print(NO_GPU)
        sys.exit(1)
    try:
        arguments.action(arguments)
    except (InputError, RunError, FileNotFoundError) as error:
        raise SystemExit(str(error)) from None


# Snapshots


def pack(arguments: argparse.Namespace) -> None:
    """Gather snapshots in one file."""
    snapshots = [io.read(path) for path in arguments.snapshots]
    names = [path.stem for path in arguments.snapshots]
    write_pack(arguments.output, snapshots, names)


def write_pack(path: Path, snapshots: Sequence[Snapshot], names: Sequence[str]) -> None:
    """Write snapshots of one number of particles."""
    write(
        path,
        positions=np.stack([wrap(s.positions, s.box) for s in snapshots]),
        species=np.stack([s.species for s in snapshots]).astype(np.int8),
        box=np.stack([s.box for s in snapshots]),
        temperature=np.array([s.temperature for s in snapshots], dtype=float),
        names=np.array(names),
    )


def read_pack(paths: Sequence[Path]) -> tuple[list[Snapshot], list[str]]:
    """Return the snapshots of packs and other files, with their names."""
    snapshots, names = [], []
    for path in paths:
        if not is_pack(path):
            snapshots.append(io.read(path))
            names.append(path.stem)
            continue
        with np.load(path, allow_pickle=False) as stored:
            packed = {name: stored[name] for name in stored.files}
        for k, name in enumerate(packed["names"]):
            snapshots.append(
                Snapshot(
                    packed["positions"][k],
                    packed["species"][k].astype(int),
                    packed["box"][k],
                    temperature=float(packed["temperature"][k]),
                    source=str(name),
                )
            )
            names.append(str(name))
    return snapshots, names


def is_pack(path: Path) -> bool:
    """Return whether a file is one that ``pack`` writes."""
    if not zipfile.is_zipfile(path):
        return False
    with np.load(path, allow_pickle=False) as stored:
        return "names" in stored


def write(path: Path, **arrays: Any) -> None:
    """Write arrays, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_output(path) as temporary, temporary.open("wb") as out:
        np.savez_compressed(out, **arrays)


# Running


class Timed:
    """A batch that is taken on until the clock says stop, from a checkpoint where there is one."""

    def __init__(self, batch: Batch, checkpoint: Path, key: str, deadline: float) -> None:
        self.batch, self.checkpoint, self.key, self.deadline = batch, checkpoint, key, deadline
        self.saved = self.begun = time.monotonic()
        if checkpoint.exists():
            with np.load(checkpoint, allow_pickle=False) as stored:
                if str(stored["key"]) == key:
                    batch.restore(
                        [
                            {
                                name.partition(":")[2]: stored[name]
                                for name in stored.files
                                if name.startswith(f"{box}:")
                            }
                            for box in range(len(batch.tasks))
                        ]
                    )
        self.first = batch.step

    def to(self, step: int) -> bool:
        """Go to a step; False where the time is over first, with a checkpoint."""
        while self.batch.step < step:
            if time.monotonic() > self.deadline:
                self.save()
                return False
            self.batch.advance(min(AT_ONCE, step - self.batch.step))
            if time.monotonic() - self.saved > SECONDS_BETWEEN_CHECKPOINTS:
                self.save()
        return True

    def save(self) -> None:
        """Write all that is needed to go on."""
        states = {
            f"{box}:{name}": values
            for box in range(len(self.batch.tasks))
            for name, values in self.batch.state(box).items()
        }
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        with atomic_output(self.checkpoint) as temporary, temporary.open("wb") as out:
            np.savez(out, key=np.array(self.key), **states)
        self.saved = time.monotonic()
        self.tell()

    def tell(self) -> None:
        """Print how far and how fast."""
        batch, taken = self.batch, max(time.monotonic() - self.begun, 1e-9)
        places = sum(len(t.trajectories) * t.snapshot.n_particles for t in batch.tasks)
        fast = places * (batch.step - self.first) / taken
        print(f"t = {batch.time:g}: {fast:.3g} particle-steps/s, {batch.counters}", flush=True)


def tasks_of(
    snapshots: Sequence[Snapshot], first: int, arguments: argparse.Namespace, **settings: Any
) -> list[Task]:
    """Return the task of every snapshot; the first has that number."""
    return [
        Task(
            snapshot,
            KOB_ANDERSEN,
            DynamicsSettings(snapshot.temperature, timestep=TIMESTEP, **settings),
            tuple(range(arguments.trajectories)),
            seed=arguments.seed,
            snapshot_index=first + k,
        )
        for k, snapshot in enumerate(snapshots)
    ]


def ensembles(arguments: argparse.Namespace) -> None:
    """Run ensembles and keep their targets."""
    deadline = time.monotonic() + 60 * arguments.minutes
    snapshots, names = read_pack(arguments.snapshots)
    times = [float(text) for text in arguments.times.split(",")]
    steps = [round(t / TIMESTEP) for t in times]
    checkpoint = arguments.output / "checkpoint.npz"
    for first in range(0, len(snapshots), arguments.group):
        chosen = snapshots[first : first + arguments.group]
        records = [
            read_record(arguments.output, first + k, snapshot, names[first + k], arguments, times)
            for k, snapshot in enumerate(chosen)
        ]
        if all(len(record["done"]) == len(times) for record in records):
            continue
        batch = Batch(tasks_of(chosen, first, arguments), device=arguments.device)
        own = names[first : first + len(chosen)]
        key = f"{first} {arguments.trajectories} {arguments.seed} {own}"
        run = Timed(batch, checkpoint, key, deadline)
        bonds = [DeviceBonds(followed(one, CUTOFF), arguments.device) for one in chosen]
        for time_index, step in enumerate(steps):
            if step < batch.step or all(time_index in record["done"] for record in records):
                continue
            if not run.to(step):
                print(f"stopped at t = {batch.time:g}; the same command goes on from there")
                return
            for box, (record, own_bonds) in enumerate(zip(records, bonds, strict=True)):
                moved = batch.displacements_on_device(box)
                sums = sums_over(own_bonds, moved, range(arguments.trajectories))
                keep(record, time_index, sums, arguments)
            write_records(arguments.output, first, records)
            run.save()
        batch.close()
        checkpoint.unlink(missing_ok=True)
    print(f"complete: {len(snapshots)} snapshots in {arguments.output}")


def keep(record: dict[str, Any], time_index: int, sums: Any, arguments: argparse.Namespace) -> None:
    """Note a time's averages in a record."""
    for quantity, values in sums.items():
        if quantity == "bond_extension" and arguments.no_bonds:
            continue
        average = averages([values], arguments.trajectories)
        for part in ("mean", "error", "split"):
            if quantity == "bond_extension" and part == "split":
                continue
            whole = np.rint(np.nan_to_num(getattr(average, part)) / UNIT)
            record["values"][f"{quantity}_{part}/{time_index}"] = np.clip(
                whole, -32767, 32767
            ).astype(np.int16)
    record["done"].add(time_index)


def shard_path(folder: Path, number: int) -> Path:
    """Return the file that holds a snapshot's targets."""
    return folder / f"targets-{number // SHARD:02d}.npz"


def read_record(
    folder: Path,
    number: int,
    snapshot: Snapshot,
    name: str,
    arguments: argparse.Namespace,
    times: Sequence[float],
) -> dict[str, Any]:
    """Return what is known of a snapshot's targets."""
    record: dict[str, Any] = {
        "number": number,
        "about": {
            "name": np.array(name),
            "positions": snapshot.positions,
            "species": snapshot.species.astype(np.int8),
            "box": snapshot.box,
            "temperature": np.array(snapshot.temperature),
            "times": np.array(times),
            "trajectories": np.array(arguments.trajectories),
            "seed": np.array(arguments.seed),
            "unit": np.array(UNIT),
        },
        "values": {},
        "done": set(),
    }
    path, prefix = shard_path(folder, number), f"{number:04d}/"
    if not path.exists():
        return record
    with np.load(path, allow_pickle=False) as stored:
        if f"{prefix}name" not in stored or str(stored[f"{prefix}name"]) != name:
            return record
        same = all(
            np.array_equal(stored[f"{prefix}{key}"], record["about"][key])
            for key in ("times", "trajectories", "seed")
        )
        if not same:
            raise SystemExit(f"{path}: is of other times, trajectories or seed; choose another -o")
        for key in stored.files:
            quantity, _, index = key.removeprefix(prefix).rpartition("/")
            if key.startswith(prefix) and index.isdecimal():
                record["values"][f"{quantity}/{index}"] = stored[key]
                record["done"].add(int(index))
    return record


def write_records(folder: Path, first: int, records: Sequence[dict[str, Any]]) -> None:
    """Write the shards that hold a group's records; what others hold of them is kept."""
    last = first + len(records)
    for shard in range(first // SHARD, (last - 1) // SHARD + 1):
        path = shard_path(folder, shard * SHARD)
        arrays: dict[str, Any] = {}
        if path.exists():
            with np.load(path, allow_pickle=False) as stored:
                arrays = {key: stored[key] for key in stored.files}
        for record in records:
            if record["number"] // SHARD == shard:
                prefix = f"{record['number']:04d}/"
                arrays |= {prefix + key: value for key, value in record["about"].items()}
                arrays |= {prefix + key: value for key, value in record["values"].items()}
        write(path, **arrays)


def hold(arguments: argparse.Namespace) -> None:
    """Make new snapshots in equilibrium from those that are."""
    deadline = time.monotonic() + 60 * arguments.minutes
    snapshots, names = read_pack(arguments.snapshots)
    step = round(arguments.time / TIMESTEP)
    made: list[Snapshot] = []
    labels: list[str] = []
    for first in range(0, len(snapshots), arguments.group):
        chosen = snapshots[first : first + arguments.group]
        wanted = tasks_of(
            chosen, first, arguments, integrator="langevin", damping=arguments.damping
        )
        batch = Batch(wanted, device=arguments.device)
        place = arguments.output.with_name(f"{arguments.output.name}.{first:04d}.checkpoint")
        key = f"hold {first} {arguments.trajectories} {arguments.seed} {arguments.damping} {names}"
        run = Timed(batch, place, key, deadline)
        if not run.to(step):
            print(f"stopped at t = {batch.time:g}; the same command goes on from there")
            return
        run.save()
        for box, snapshot in enumerate(chosen):
            moved = batch.displacements(box)
            away = np.sqrt(np.mean(np.sum(moved**2, axis=2)))
            left = np.mean(np.sum(moved**2, axis=2) < 0.3**2)
            print(
                f"{names[first + box]}: moved by {away:.2f}, {left:.1%} within 0.3 of their place"
            )
            for k, displacement in enumerate(moved):
                made.append(replace(snapshot, positions=snapshot.positions + displacement))
                labels.append(f"{names[first + box]}-{arguments.seed}-{k}")
        batch.close()
    write_pack(arguments.output, made, labels)
    for place in arguments.output.parent.glob(f"{arguments.output.name}.*.checkpoint"):
        place.unlink()
    print(f"complete: {len(made)} snapshots in {arguments.output}")


# Comparison


def compare(arguments: argparse.Namespace) -> None:
    """Print correlations with published ensembles."""
    found = {name_of_snapshot(name): record for name, record in records_of(arguments.folder)}
    short = False
    for path in arguments.published:
        record = found.get(name_of_snapshot(path.stem))
        if record is None:
            raise InputError(
                f"{path}: {arguments.folder} has no targets of a snapshot of that name; it has "
                f"those of {', '.join(sorted(found)) or 'none'}"
            )
        short |= tell_correlation(path, record, io.read_ensemble(path))
    if short:
        raise SystemExit(1)


def name_of_snapshot(stem: str) -> str:
    """Return a file's name without its time, as in ``isoconfig_N4096T0.44_401``."""
    return re.sub(r"_tc?[\d.]+$", "", stem)


def records_of(folder: Path) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Give the name of every snapshot in a folder, and what is kept of it."""
    for path in sorted(folder.glob("targets-*.npz")):
        with np.load(path, allow_pickle=False) as stored:
            for prefix in [key.removesuffix("name") for key in stored.files if "/name" in key]:
                own = [key for key in stored.files if key.startswith(prefix)]
                record = {key.removeprefix(prefix): stored[key] for key in own}
                yield str(record["name"]), record


def tell_correlation(
    path: Path, record: dict[str, np.ndarray], published: IsoconfigurationalEnsemble
) -> bool:
    """Print how the propensity of A particles correlates; return whether it is too little."""
    moment = float(published.times[0])
    same = np.flatnonzero(np.isclose(record["times"], moment))
    if len(same) == 0 or f"propensity_mean/{same[0]}" not in record:
        raise InputError(f"{path}: there are no targets at its time, t = {moment:g}")
    a = record["species"] == 0
    unit = float(record["unit"])
    ours, split = (unit * record[f"propensity_{part}/{same[0]}"][a] for part in ("mean", "split"))
    moved = np.linalg.norm(published.positions[0] - published.snapshot.positions, axis=2)[:, a]
    theirs = moved.mean(axis=0)
    reliabilities = (
        reliability(ours + split / 2, ours - split / 2),
        reliability(moved[::2].mean(axis=0), moved[1::2].mean(axis=0)),
    )
    expected = float(np.sqrt(np.prod(reliabilities)))
    rho = float(np.corrcoef(ours, theirs)[0, 1])
    short = not rho >= expected - TOLERANCE
    print(
        f"{'SHORT' if short else 'ok':5} {path.stem}, t = {moment:g}: correlation {rho:.3f}, "
        f"expected {expected:.3f} (reliability of ours {reliabilities[0]:.3f}, of theirs "
        f"{reliabilities[1]:.3f}); mean {ours.mean():.4f} against {theirs.mean():.4f}"
    )
    return short


def reliability(one: np.ndarray, other: np.ndarray) -> float:
    """Return the reliability of the mean of two halves (Spearman and Brown)."""
    halves = max(float(np.corrcoef(one, other)[0, 1]), 0.0)
    return 2 * halves / (1 + halves)


if __name__ == "__main__":
    main()
