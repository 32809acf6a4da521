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
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from glassbotan.dynamics.quantities import QUANTITIES
from glassbotan.errors import RunError
from glassbotan.io.atomic import atomic_output
from glassbotan.provenance import package_version
from glassbotan.simulation import checkpoint
from glassbotan.simulation.engine import Run, State
from glassbotan.simulation.pacing import BlownUpError, Pacer, StoppedError
from glassbotan.simulation.protocol import Block
from glassbotan.simulation.store import Store
from glassbotan.simulation.targets import followed, sums_over
from glassbotan.simulation.trajectories import run_through
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
    files, protocol = BlockFiles(store, block), store.protocol
    targets = protocol.keep == "targets"
    bonds = followed(files.task.snapshot, protocol.cutoff) if targets else None
    try:
        with _begun(files) as run:
            run_through(
                run,
                protocol.steps[: block.times],
                files.task.masses,
                conserves_momentum=protocol.integrator == "nve",
                keep=partial(files.keep, bonds=bonds),
                pacer=Pacer(
                    tell=lambda: tell(block, run.step),
                    stop=stop,
                    save=lambda: files.save(run.state()),
                    interval=SECONDS_BETWEEN_CHECKPOINTS,
                ),
            )
    except StoppedError:
        return Outcome(done=False)
    except BlownUpError as error:
        return Outcome(done=False, failure=str(error))
    files.finish()
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


class BlockFiles:
    """What is kept of a block that is under way: frames, a checkpoint, the mark that it is done.

    Attributes
    ----------
    block, task
        Which, and what an engine is asked to run.
    checkpoint
        The file.

    """

    def __init__(self, store: Store, block: Block) -> None:
        snapshot = store.snapshot(block.snapshot)
        self.block, self.task = block, store.protocol.task(snapshot, block)
        self._store, self._folder = store, store.work(block)
        self.checkpoint = self._folder / CHECKPOINT
        # What a checkpoint must agree with: the task, and the program that runs it.
        asked = [
            fingerprint(snapshot),
            snapshot.temperature,
            store.protocol.to_json(),
            block.snapshot,
            list(block.trajectories),
            package_version(),
        ]
        self._key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    def start(self) -> Run:
        """Begin the trajectories anew."""
        return self._store.protocol.start(self.task.snapshot, self.block)

    def state(self) -> State | None:
        """Return the state that the block is to go on from; None where it begins anew."""
        state = checkpoint.read(self.checkpoint, self._key)
        if state is None:
            return None
        steps = self._store.protocol.steps[: self.block.times]
        passed = int((steps <= int(state["step"])).sum())
        whole = all((self._folder / frame_name(t)).exists() for t in range(passed))
        return state if whole else None

    def save(self, state: State) -> None:
        """Write a checkpoint."""
        checkpoint.save(self.checkpoint, state, self._key)

    def keep(self, time: int, moved: Any, energies: FloatArray, bonds: Any) -> None:
        """Write a frame.

        Parameters
        ----------
        time
            Its index.
        moved
            Displacements, shape [R, N, d], as ``bonds`` takes them.
        energies
            Total energies, shape [R].
        bonds
            That are followed, in NumPy or on a device; None where positions are kept.

        """
        kept: dict[str, Any] = {"energies": energies}
        if bonds is None:
            self._store.keep_displacements(self.block, time, moved)
        else:
            kept |= sums_over(bonds, moved, self.block.trajectories)
        with atomic_output(self._folder / frame_name(time)) as temporary:
            np.savez(temporary, **kept)

    def finish(self) -> None:
        """Take note that all frames are kept."""
        with atomic_output(self._folder / DONE):
            pass
        self.checkpoint.unlink(missing_ok=True)


@contextmanager
def _begun(files: BlockFiles) -> Iterator[Run]:
    """Start a block's run, or take it up where it was left."""
    run = files.start()
    try:
        state = files.state()
        if state is not None and not checkpoint.take_up(run.restore, state, files.checkpoint):
            run.close()
            run = files.start()
        yield run
    finally:
        run.close()


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
