"""Many blocks of a campaign at once, as the boxes of a batch on one device.

Files are those of ``work.py``: a block's frames, its checkpoint and the mark that it is done, so
that which blocks shared a batch leaves no trace, and another batch goes on from there.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glassbotan.io.atomic import atomic_output
from glassbotan.simulation import checkpoint
from glassbotan.simulation.engine import State, Task
from glassbotan.simulation.protocol import Block
from glassbotan.simulation.store import Store
from glassbotan.simulation.targets import Reduction
from glassbotan.simulation.trajectories import (
    FIRST_SLICE,
    SLICE,
    StoppedError,
    not_at_rest,
    not_finite,
)
from glassbotan.simulation.work import (
    CHECKPOINT,
    DONE,
    Outcome,
    Stop,
    Tell,
    checkpoint_key,
    frame_name,
)

if TYPE_CHECKING:
    from glassbotan.simulation.device.engine import Part
    from glassbotan.simulation.device.targets import DeviceReduction

SECONDS_BETWEEN_CHECKPOINTS = 240.0

BYTES_OF_A_PARTICLE, BYTES_OF_A_PLACE = 24_000, 160
"""Of memory, for lists of a particle and for state, forces and copies in one trajectory."""

USED_MEMORY = 0.7
"""Part of the device's free memory that a batch may fill."""

PLAIN_PLACES = 20_000
"""Particles times trajectories of a batch in the plain form, which is slow enough with them."""

MOST_PLACES = 1 << 25
"""The same on a GPU, which is long filled by then."""


def run_blocks(
    store: Store,
    blocks: Sequence[Block],
    *,
    record: Callable[[Block, Outcome], None],
    stop: Stop = lambda: False,
    tell: Tell = lambda block, step: None,  # noqa: ARG005 - nobody to tell
) -> None:
    """Run blocks of a store to their last times, as many at once as fit.

    Parameters
    ----------
    store
        Of a campaign with a device.
    blocks
        Not done yet.
    record
        Told how each block ended.
    stop, tell
        As :func:`glassbotan.simulation.work.run_block`.

    Raises
    ------
    RunError
        The disk is full, or there is no memory for the pair lists.

    """
    waiting = [_Member.of(store, block) for block in blocks]
    while waiting and not stop():
        chosen = _that_fit(store, waiting)
        waiting = [member for member in waiting if member not in chosen]
        try:
            _Company(store, chosen, record, tell).run(stop)
        except StoppedError:
            return


@dataclass(eq=False)
class _Member:
    """A block, and the state that it goes on from; None at the beginning."""

    block: Block
    task: Task
    folder: Path
    key: str
    state: State | None

    @classmethod
    def of(cls, store: Store, block: Block) -> "_Member":
        snapshot, protocol = store.snapshot(block.snapshot), store.protocol
        task = protocol.task(snapshot, block)
        folder, key = store.work(block), checkpoint_key(snapshot, protocol, block)
        found = _Found()
        if not checkpoint.resume(folder / CHECKPOINT, found, key):
            return cls(block, task, folder, key, None)
        passed = int((protocol.steps[: block.times] <= int(found.kept["step"])).sum())
        whole = all((folder / frame_name(t)).exists() for t in range(passed))
        return cls(block, task, folder, key, found.kept if whole else None)

    @property
    def step(self) -> int:
        """Where it goes on."""
        return 0 if self.state is None else int(self.state["step"])

    @property
    def places(self) -> int:
        """Particles times lanes."""
        return len(self.task.trajectories) * self.task.snapshot.n_particles


class _Found:
    """Takes a checkpoint's state up, to be looked at."""

    def __init__(self) -> None:
        self.kept: State = {}

    def state(self) -> State:
        return self.kept

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        self.kept = dict(state)


class _Company:
    """Blocks that run together, all at one step and to the same last time."""

    def __init__(
        self,
        store: Store,
        members: Sequence[_Member],
        record: Callable[[Block, Outcome], None],
        tell: Tell,
    ) -> None:
        self._store, self._record, self._tell = store, record, tell
        self._members = list(members)
        self._reductions: dict[int, DeviceReduction] = {}
        self._saved = time.monotonic()
        self._slice = FIRST_SLICE
        self._gather()

    def run(self, stop: Stop) -> None:
        """Run to the last time; StoppedError, with checkpoints, where it is asked to stop."""
        block = self._members[0].block
        steps = [int(step) for step in self._store.protocol.steps[: block.times]]
        start = self._members[0].step
        for time_index, step in enumerate(steps):
            if step <= start:
                continue
            while self._members and self._batch.step < step:
                self._advance(min(self._slice, step - self._batch.step))
                self._pause(stop)
            self._drop_unsound()
            for member, part in zip(self._members, self._parts, strict=True):
                self._keep(member, part, time_index)
        for member in self._members:
            with atomic_output(member.folder / DONE):
                pass
            (member.folder / CHECKPOINT).unlink(missing_ok=True)
            self._record(member.block, Outcome(done=True))
        self._batch.close()

    def _gather(self) -> None:
        """Put the members' boxes into one batch, at their states."""
        from glassbotan.simulation.device.batch import Batch, split_tasks
        from glassbotan.simulation.device.engine import Part, torch_device

        spread = [split_tasks(member.task) for member in self._members]
        tasks = [task for tasks in spread for task in tasks]
        self._batch = Batch(tasks, device=torch_device(self._store.protocol.device))
        self._parts: list[Part] = []
        first = 0
        for member, own in zip(self._members, spread, strict=True):
            self._parts.append(Part(self._batch, range(first, first + len(own)), member.task))
            first += len(own)
        states: list[State] = []
        for member, part in zip(self._members, self._parts, strict=True):
            if member.state is not None:
                states += part.split(member.state)
        if states:
            self._batch.restore(states)

    def _advance(self, steps: int) -> None:
        """Move on; a block that blows up leaves the company, and the others go on."""
        from glassbotan.simulation.device.blow_up import BatchBlownUpError

        start, before = time.perf_counter(), self._batch.step
        try:
            self._batch.advance(steps)
        except BatchBlownUpError as error:
            self._drop(error.box, str(error))
        elapsed = max(time.perf_counter() - start, 1e-6)
        done = max(self._batch.step - before, 1) if self._members else 1
        self._slice = max(1, min(int(done * SLICE / elapsed), 4 * self._slice))

    def _drop(self, box: int, why: str) -> None:
        gone = next(k for k, part in enumerate(self._parts) if box in part.boxes)
        self._record(self._members[gone].block, Outcome(done=False, failure=why))
        for member, part in zip(self._members, self._parts, strict=True):
            member.state = part.state()
        self._batch.close()
        del self._members[gone]
        if self._members:
            self._gather()

    def _drop_unsound(self) -> None:
        """Part with blocks whose momentum or positions are not sound at a frame."""
        k = 0
        while k < len(self._members):
            why = self._unsound(self._members[k], self._parts[k])
            if why is None:
                k += 1
            else:
                self._drop(self._parts[k].boxes[0], why)

    def _unsound(self, member: _Member, part: "Part") -> str | None:
        energies = np.sum(part.energies(), axis=0)
        moved = max(
            float(self._batch.displacements_on_device(box).abs().max()) for box in part.boxes
        )
        unsound = not_finite(self._batch.step, energies, moved)
        if unsound is not None or self._store.protocol.integrator != "nve":
            return unsound
        momenta = self._batch.momentum()[part.boxes.start : part.boxes.stop]
        return not_at_rest(self._batch.step, momenta / member.task.snapshot.n_particles)

    def _keep(self, member: _Member, part: "Part", time_index: int) -> None:
        """Write a frame: targets summed on the device, or displacements."""
        kept: dict[str, Any] = {"energies": np.sum(part.energies(), axis=0)}
        if self._store.protocol.keep == "targets":
            import torch

            rows = torch.cat([self._batch.displacements_on_device(box) for box in part.boxes])
            kept |= self._reduction(member).sums(rows, member.block.trajectories)
        else:
            self._store.keep_displacements(member.block, time_index, part.displacements())
        with atomic_output(member.folder / frame_name(time_index)) as temporary:
            np.savez(temporary, **kept)

    def _reduction(self, member: _Member) -> "DeviceReduction":
        """Return the sums' bonds, which all blocks of a snapshot share."""
        from glassbotan.simulation.device.targets import DeviceReduction

        index, snapshot = member.block.snapshot, member.task.snapshot
        if index not in self._reductions:
            bonds = Reduction(snapshot, self._store.protocol.cutoff).bonds
            self._reductions[index] = DeviceReduction(
                bonds, snapshot.n_particles, self._batch.system.device
            )
        return self._reductions[index]

    def _pause(self, stop: Stop) -> None:
        """Report, write checkpoints from time to time, and stop where that is asked for."""
        for member in self._members:
            self._tell(member.block, self._batch.step)
        stopping = stop()
        if stopping or time.monotonic() - self._saved > SECONDS_BETWEEN_CHECKPOINTS:
            for member, part in zip(self._members, self._parts, strict=True):
                checkpoint.save(member.folder / CHECKPOINT, part, member.key)
            self._saved = time.monotonic()
        if stopping:
            raise StoppedError


def _that_fit(store: Store, waiting: Sequence[_Member]) -> list[_Member]:
    """Return members of one step and one last time, as many as the device holds."""
    first = waiting[0]
    alike = [
        member
        for member in waiting
        if (member.step, member.block.times) == (first.step, first.block.times)
    ]
    chosen: list[_Member] = []
    places, size = 0, 0
    most, memory = _room(store.protocol.device)
    for member in alike:
        lists = member.task.snapshot.n_particles * -(-len(member.task.trajectories) // 32)
        places += member.places
        size += member.places * BYTES_OF_A_PLACE + lists * BYTES_OF_A_PARTICLE
        if chosen and (places > most or size > memory):
            break
        chosen.append(member)
    return chosen


def _room(device: str) -> tuple[int, float]:
    """Return how many particles times trajectories are of use at once, and how many bytes fit."""
    if device != "cuda":
        return PLAIN_PLACES, np.inf
    import torch

    return MOST_PLACES, USED_MEMORY * torch.cuda.mem_get_info()[0]
