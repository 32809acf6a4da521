"""A campaign's work, done here or given to a cluster."""

import logging
import time
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from glassbotan.errors import GlassbotanError, RunError
from glassbotan.progress import Progress
from glassbotan.simulation.cluster import ALLOWED_DEATHS, check_sees
from glassbotan.simulation.plan import Plan
from glassbotan.simulation.protocol import Block
from glassbotan.simulation.signals import Signals
from glassbotan.simulation.store import WORK, Store
from glassbotan.simulation.work import (
    Outcome,
    finish_snapshot,
    is_done,
    run_block,
    steps_kept,
)

if TYPE_CHECKING:
    from distributed import Client, Future

LOGGER = logging.getLogger("glassbotan")

STOP = "stop"
"""A file in the store's folder of work; workers that see it write a checkpoint and stop."""

POLL = 0.5
"""Seconds between two looks at signals, the clock and the scheduler."""

GRACE = 120.0
"""Seconds that workers have for a checkpoint when all is to stop."""


class Job:
    """The work of a campaign that is left, and how it goes."""

    def __init__(
        self, store: Store, plan: Plan, deadline: float, progress: Progress, signals: Signals
    ) -> None:
        self.store, self.deadline, self.signals = store, deadline, signals
        self.unfinished = {s for s in range(store.snapshots) if not store.is_finished(s)}
        self.pending = [b for b in plan.blocks if not is_done(store, b)]
        self.failures: dict[int, str] = {}
        self._not_done = set(self.pending)
        self._progress = progress
        self._steps = {block: steps_kept(store, block) for block in plan.blocks}
        self._particles = {
            block: len(block.trajectories) * plan.snapshots[block.snapshot].n_particles
            for block in plan.blocks
        }
        ends = store.protocol.steps
        self._total = sum(int(ends[b.times - 1]) * n for b, n in self._particles.items())
        self._tell()
        for snapshot in self.unfinished - {block.snapshot for block in self.pending}:
            self.finish(snapshot)

    def must_stop(self) -> bool:
        """Tell whether a signal came, or the time is over."""
        return self.signals.seen > 0 or time.time() > self.deadline

    def at(self, block: Block, step: int) -> None:
        """Take note of a step that a block is at, told perhaps late, when it is done."""
        if block in self._not_done:
            self._steps[block] = step
            self._tell()

    def record(self, block: Block, outcome: Outcome) -> bool:
        """Take note of how a block ended; return whether its snapshot is ready to be finished."""
        if outcome.failure is not None:
            self.failures.setdefault(block.snapshot, outcome.failure)
        if not outcome.done:
            return False
        self.at(block, int(self.store.protocol.steps[block.times - 1]))
        self._not_done.discard(block)
        return all(other.snapshot != block.snapshot for other in self._not_done)

    def conclude(self, block: Block, outcome: Outcome) -> None:
        """Take note of how a block ended, and finish its snapshot if it was the last one."""
        if self.record(block, outcome):
            self.finish(block.snapshot)

    def finish(self, snapshot: int) -> None:
        """Finish a snapshot in this process."""
        finish_snapshot(self.store.path, snapshot)
        self.finished(snapshot)

    def finished(self, snapshot: int) -> None:
        """Take note that a snapshot is finished."""
        self.unfinished.discard(snapshot)
        self._tell()

    def raise_failures(self) -> None:
        """Raise RunError where trajectories blew up."""
        if self.failures:
            first = min(self.failures)
            others = len(self.failures) - 1
            also = f" (and {others} more snapshots failed)" if others else ""
            raise RunError(f"snapshot {first}: {self.failures[first]}{also}")

    def _tell(self) -> None:
        snapshots = self.store.snapshots
        self._progress(
            sum(step * self._particles[block] for block, step in self._steps.items()),
            self._total,
            unit="particle-steps",
            note=f"{snapshots - len(self.unfinished)} of {snapshots} snapshots finished",
        )


def run_here(job: Job) -> None:
    """Do the work in this process, one block after another, or many at once on a device."""
    if job.store.protocol.device != "cpu":
        from glassbotan.simulation.batches import run_blocks

        run_blocks(job.store, job.pending, record=job.conclude, stop=job.must_stop, tell=job.at)
        return
    for block in job.pending:
        if block.snapshot in job.failures:
            continue
        job.conclude(block, run_block(job.store.path, block, stop=job.must_stop, tell=job.at))
        if job.must_stop():
            return


def run_on(client: "Client", job: Job) -> None:
    """Give the work to a Dask cluster, and follow it."""
    path, topic = job.store.path.resolve(), f"glassbotan-{token_hex(8)}"
    check_sees(client, path)
    blocks = {(block.snapshot, block.number): block for block in job.pending}

    def heard(event: tuple[float, Any]) -> None:
        snapshot, number, step = event[1]
        job.at(blocks[snapshot, number], int(step))

    client.subscribe_topic(topic, heard)
    # What is awaited: the end of a block, or of a snapshot.
    work: dict[Future, Block | int] = {}
    try:
        for block in job.pending:
            asked = (_block_there, str(path), block, job.deadline, topic)
            work[client.submit(*asked, priority=-block.snapshot, pure=False)] = block
        _follow(client, job, work)
    finally:
        with suppress(Exception):
            client.unsubscribe_topic(topic)
            client.cancel(list(work))


def _follow(client: "Client", job: Job, work: "dict[Future, Block | int]") -> None:
    """Wait for all work; let workers stop where a signal, the clock or an error says so."""
    from concurrent.futures import CancelledError

    from distributed import wait

    path = job.store.path.resolve()
    error: Exception | None = None
    patience = float("inf")
    while work and time.monotonic() < patience:
        # Where the scheduler was lost, each future tells so below.
        with suppress(TimeoutError, CancelledError):
            wait(list(work), timeout=POLL, return_when="FIRST_COMPLETED")
        for future in [f for f in work if f.done()]:
            ended = work.pop(future)
            try:
                result = future.result()
                if not isinstance(ended, Block):
                    job.finished(ended)
                elif job.record(ended, result):
                    finish = client.submit(
                        finish_snapshot, path, ended.snapshot, priority=1, pure=False
                    )
                    work[finish] = ended.snapshot
            except Exception as raised:  # noqa: BLE001 - whatever a worker raises; told below
                error = error or raised
        if patience == float("inf") and (error is not None or job.must_stop()):
            with suppress(OSError):
                (job.store.path / WORK / STOP).touch()
            patience = time.monotonic() + GRACE
    if error is not None:
        raise _told(error, job.store.path) from None


def _told(error: Exception, path: Path) -> GlassbotanError:
    """Return what came from a worker or the scheduler as an error for people."""
    from concurrent.futures import CancelledError

    from distributed import KilledWorker

    if isinstance(error, GlassbotanError):
        return error
    again = "what is finished is kept, and the same command goes on from there"
    if isinstance(error, KilledWorker):
        return RunError(
            f"{path}: {ALLOWED_DEATHS + 1} workers died at the same work, perhaps for want of "
            f"memory; {again}"
        )
    if isinstance(error, (CancelledError, OSError)):
        return RunError(f"{path}: the scheduler was lost ({type(error).__name__}); {again}")
    return RunError(f"{path}: a worker failed ({type(error).__name__}: {error}); {again}")


def _block_there(path: str, block: Block, deadline: float, topic: str) -> Outcome:
    """Run a block on a worker."""
    from distributed import get_worker

    worker, stop_file = get_worker(), Path(path) / WORK / STOP
    return run_block(
        Path(path),
        block,
        stop=lambda: time.time() > deadline or stop_file.exists(),
        tell=lambda at, step: worker.log_event(topic, (at.snapshot, at.number, step)),
    )
