"""The two kinds of work in a campaign: running a block of trajectories, finishing a snapshot.

Both are functions of a store's path and of indices, so that any process that sees the store can do
them, and doing them twice or after an interruption gives the same data to the last bit.
"""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from glassbotan.errors import RunError
from glassbotan.io.atomic import atomic_output
from glassbotan.provenance import package_version
from glassbotan.simulation import checkpoint
from glassbotan.simulation.engine import Run, State
from glassbotan.simulation.pacing import BlownUpError, Pacer, StoppedError
from glassbotan.simulation.protocol import Block, Protocol
from glassbotan.simulation.store import Store
from glassbotan.simulation.targets import QUANTITIES, Reduction
from glassbotan.simulation.trajectories import Frame, run_through
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import fingerprint

CHECKPOINT = "checkpoint.npz"
DONE = "done"

SECONDS_BETWEEN_CHECKPOINTS = 120.0

Stop = Callable[[], bool]
Tell = Callable[[Block, int], None]


@dataclass(frozen=True)
class Outcome:
    """How a block ended.

    Attributes
    ----------
    done
        Whether all its times are kept; else it was stopped, and goes on from its checkpoint.
    failure
        Why it cannot be done: its trajectories blew up.

    """

    done: bool
    failure: str | None = None


def run_block(
    path: Path,
    block: Block,
    *,
    stop: Stop = lambda: False,
    tell: Tell = lambda block, step: None,  # noqa: ARG005 - nobody to tell
) -> Outcome:
    """Run a block of trajectories to its last time, from its checkpoint where it has one.

    Parameters
    ----------
    path
        Of the store.
    block
        Which.
    stop
        Asked about twice a second; once it is true, a checkpoint is written and the block stops.
    tell
        Told about twice a second how many steps are done.

    Raises
    ------
    RunError
        The disk is full.

    """
    store = Store.open(path)
    if is_done(store, block):
        return Outcome(done=True)
    if stop():
        return Outcome(done=False)
    folder = store.work(block)
    snapshot, protocol = store.snapshot(block.snapshot), store.protocol
    key = checkpoint_key(snapshot, protocol, block)
    try:
        with _begun(store, block, snapshot, key) as run:
            run_through(
                run,
                protocol.steps[: block.times],
                protocol.interaction.particle_masses(snapshot.species),
                conserves_momentum=protocol.integrator == "nve",
                keep=_keeper(store, block, snapshot, folder),
                pacer=Pacer(
                    tell=lambda: tell(block, run.step),
                    stop=stop,
                    save=lambda: checkpoint.save(folder / CHECKPOINT, run.state(), key),
                    interval=SECONDS_BETWEEN_CHECKPOINTS,
                ),
            )
    except StoppedError:
        return Outcome(done=False)
    except BlownUpError as error:
        return Outcome(done=False, failure=str(error))
    mark_done(folder)
    return Outcome(done=True)


def finish_snapshot(path: Path, index: int) -> None:
    """Write a snapshot's averages from its blocks, all done, and mark it as finished."""
    store = Store.open(path)
    if store.is_finished(index):
        return
    protocol = store.protocol
    energies = np.full((len(protocol.times), protocol.trajectories[0]), np.nan)
    sums: list[dict[str, list[FloatArray]]] = []
    for time_index in range(len(protocol.times)):
        at_time: dict[str, list[FloatArray]] = {name: [] for name in QUANTITIES}
        for block in protocol.blocks(index):
            if time_index >= block.times:
                continue
            kept = _read_frame(store.work(block) / frame_name(time_index))
            chosen = slice(block.trajectories.start, block.trajectories.stop)
            energies[time_index, chosen] = kept["energies"]
            for name in QUANTITIES if protocol.keep == "targets" else ():
                at_time[name].append(kept[name])
        sums.append(at_time)
    store.finish(index, energies, sums if protocol.keep == "targets" else [])


def is_done(store: Store, block: Block) -> bool:
    """Tell whether a block is done, and nothing of it has to be run again."""
    return store.is_finished(block.snapshot) or (store.work(block) / DONE).exists()


def steps_kept(store: Store, block: Block) -> int:
    """Return the steps that a block has certainly done, by the frames that it kept."""
    steps = store.protocol.steps[: block.times]
    if is_done(store, block):
        return int(steps[-1])
    folder = store.work(block)
    kept = [int(step) for t, step in enumerate(steps) if (folder / frame_name(t)).exists()]
    return max(kept, default=0)


def mark_done(folder: Path) -> None:
    """Take note in a block's folder that all its frames are kept."""
    with atomic_output(folder / DONE):
        pass
    (folder / CHECKPOINT).unlink(missing_ok=True)


def kept_state(store: Store, block: Block, key: str) -> State | None:
    """Return the state that a block is to go on from; None where it begins anew.

    Parameters
    ----------
    store, block
        Whose checkpoint.
    key
        See :func:`checkpoint_key`.

    """
    folder = store.work(block)
    state = checkpoint.read(folder / CHECKPOINT, key)
    if state is None:
        return None
    passed = int((store.protocol.steps[: block.times] <= int(state["step"])).sum())
    return state if all((folder / frame_name(t)).exists() for t in range(passed)) else None


@contextmanager
def _begun(store: Store, block: Block, snapshot: Snapshot, key: str) -> Iterator[Run]:
    """Start a block's run, or take it up where it was left."""
    run = store.protocol.start(snapshot, block)
    try:
        state = kept_state(store, block, key)
        if state is not None and not checkpoint.take_up(run, state, store.work(block) / CHECKPOINT):
            run.close()
            run = store.protocol.start(snapshot, block)
        yield run
    finally:
        run.close()


def checkpoint_key(snapshot: Snapshot, protocol: Protocol, block: Block) -> str:
    """Return what a checkpoint must agree with: the task, and the program that runs it."""
    task = [
        fingerprint(snapshot),
        snapshot.temperature,
        protocol.to_json(),
        block.snapshot,
        list(block.trajectories),
        package_version(),
    ]
    return hashlib.sha256(json.dumps(task, sort_keys=True).encode()).hexdigest()


def _keeper(
    store: Store, block: Block, snapshot: Snapshot, folder: Path
) -> Callable[[Frame], None]:
    """Return the function that writes a block's frames."""
    targets = store.protocol.keep == "targets"
    reduction = Reduction(snapshot, store.protocol.cutoff) if targets else None

    def keep(frame: Frame) -> None:
        kept: dict[str, Any] = {"energies": frame.energies}
        if reduction is None:
            store.keep_displacements(block, frame.time, frame.displacements)
        else:
            kept |= reduction.sums(frame.displacements, block.trajectories)
        with atomic_output(folder / frame_name(frame.time)) as temporary:
            np.savez(temporary, **kept)

    return keep


def _read_frame(file: Path) -> dict[str, FloatArray]:
    try:
        with np.load(file, allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise RunError(
            f"{file}: cannot be read ({error}); remove its folder, and these trajectories are run "
            "again"
        ) from None


def frame_name(time_index: int) -> str:
    """Return the name of the file that keeps a block's frame."""
    return f"frame-{time_index:04d}.npz"
