"""Many blocks of a campaign at once, as the boxes of a batch on one device.

Files are those of ``work.py``: a block's frames, its checkpoint and the mark that it is done, so
that which blocks shared a batch leaves no trace, and another batch goes on from there.
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from glassbotan.simulation.device.batch import Batch, split_tasks
from glassbotan.simulation.device.blow_up import BatchBlownUpError
from glassbotan.simulation.device.engine import Part
from glassbotan.simulation.device.targets import DeviceBonds
from glassbotan.simulation.pacing import Pacer, StoppedError
from glassbotan.simulation.protocol import Block
from glassbotan.simulation.store import Store
from glassbotan.simulation.targets import followed
from glassbotan.simulation.trajectories import not_at_rest, not_finite
from glassbotan.simulation.work import BlockFiles, Outcome, Stop, Tell

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
    waiting = [_BlockState(store, block) for block in blocks]
    while waiting and not stop():
        chosen = _that_fit(store, waiting)
        waiting = [one for one in waiting if one not in chosen]
        try:
            _BlockBatch(store, chosen, record, tell).run(stop)
        except StoppedError:
            return


class _BlockState(BlockFiles):
    """A block, and the state that it goes on from, None at the beginning; its part of a batch."""

    part: Part

    def __init__(self, store: Store, block: Block) -> None:
        super().__init__(store, block)
        self.at = self.state()

    @property
    def step(self) -> int:
        """Where it goes on."""
        return 0 if self.at is None else int(self.at["step"])

    @property
    def places(self) -> int:
        """Particles times lanes."""
        return len(self.task.trajectories) * self.task.snapshot.n_particles


class _BlockBatch:
    """Blocks that run together, all at one step and to the same last time."""

    def __init__(
        self,
        store: Store,
        blocks: Sequence[_BlockState],
        record: Callable[[Block, Outcome], None],
        tell: Tell,
    ) -> None:
        self._store, self._record, self._tell = store, record, tell
        self._blocks = list(blocks)
        self._bonds: dict[int, DeviceBonds] = {}
        self._gather()

    @property
    def step(self) -> int:
        """The number of timesteps done; without end where no block is left."""
        return self._batch.step if self._blocks else sys.maxsize

    def run(self, stop: Stop) -> None:
        """Run to the last time; StoppedError, with checkpoints, where it is asked to stop."""
        pacer = Pacer(
            tell=self._tell_all, stop=stop, save=self._save, interval=SECONDS_BETWEEN_CHECKPOINTS
        )
        times = self._blocks[0].block.times
        for time_index, step in enumerate(self._store.protocol.steps[:times]):
            pacer.advance(self, int(step), reached=partial(self._keep_all, time_index))
        for one in self._blocks:
            one.finish()
            self._record(one.block, Outcome(done=True))
        self._batch.close()

    def advance(self, steps: int) -> None:
        """Move on; a block that blows up leaves the batch, and the others go on."""
        try:
            self._batch.advance(steps)
        except BatchBlownUpError as error:
            self._drop(error.box, str(error))

    def _gather(self) -> None:
        """Put the blocks' boxes into one batch, at their states."""
        spread = [split_tasks(one.task) for one in self._blocks]
        tasks = [task for tasks in spread for task in tasks]
        self._batch = Batch(tasks, device=self._store.protocol.device)
        first = 0
        for one, own in zip(self._blocks, spread, strict=True):
            one.part = Part(self._batch, range(first, first + len(own)), one.task)
            first += len(own)
        begun = [(one.part, one.at) for one in self._blocks if one.at is not None]
        states = [state for part, at in begun for state in part.split(at)]
        if states:
            self._batch.restore(states)

    def _drop(self, box: int, why: str) -> None:
        gone = next(one for one in self._blocks if box in one.part.boxes)
        self._record(gone.block, Outcome(done=False, failure=why))
        for one in self._blocks:
            one.at = one.part.state()
        self._batch.close()
        self._blocks.remove(gone)
        if self._blocks:
            self._gather()

    def _keep_all(self, time_index: int) -> None:
        """Write the frames of one time: targets summed on the device, or displacements."""
        for one in list(self._blocks):
            why = self._unsound(one.part)
            if why is not None:
                self._drop(one.part.boxes[0], why)
        targets = self._store.protocol.keep == "targets"
        for one in self._blocks:
            moved: Any = one.part.displacements_on_device() if targets else one.part.displacements()
            energies = np.sum(one.part.energies(), axis=0)
            one.keep(time_index, moved, energies, self._bonds_of(one) if targets else None)

    def _unsound(self, part: Part) -> str | None:
        """Return why a block whose momentum or positions are not sound cannot go on."""
        energies = np.sum(part.energies(), axis=0)
        moved = float(part.displacements_on_device().abs().max())
        unsound = not_finite(self._batch.step, energies, moved)
        if unsound is not None or self._store.protocol.integrator != "nve":
            return unsound
        momenta = self._batch.momentum()[part.boxes.start : part.boxes.stop]
        return not_at_rest(self._batch.step, momenta / part.task.snapshot.n_particles)

    def _bonds_of(self, one: _BlockState) -> DeviceBonds:
        """Return the bonds that are followed, which all blocks of a snapshot share."""
        index = one.block.snapshot
        if index not in self._bonds:
            bonds = followed(one.task.snapshot, self._store.protocol.cutoff)
            self._bonds[index] = DeviceBonds(bonds, self._batch.system.device)
        return self._bonds[index]

    def _tell_all(self) -> None:
        for one in self._blocks:
            self._tell(one.block, self._batch.step)

    def _save(self) -> None:
        for one in self._blocks:
            one.save(one.part.state())


def _that_fit(store: Store, waiting: Sequence[_BlockState]) -> list[_BlockState]:
    """Return blocks of one step and one last time, as many as the device holds."""
    first = waiting[0]
    alike = [
        one for one in waiting if (one.step, one.block.times) == (first.step, first.block.times)
    ]
    chosen: list[_BlockState] = []
    places, size = 0, 0
    most, memory = PLAIN_PLACES, np.inf
    if store.protocol.device == "cuda":
        most, memory = MOST_PLACES, USED_MEMORY * torch.cuda.mem_get_info()[0]
    for one in alike:
        lists = one.task.snapshot.n_particles * -(-len(one.task.trajectories) // 32)
        places += one.places
        size += one.places * BYTES_OF_A_PLACE + lists * BYTES_OF_A_PARTICLE
        if chosen and (places > most or size > memory):
            break
        chosen.append(one)
    return chosen
