"""One snapshot's trajectories on a GPU: the engine ``ensemble`` with ``device="cuda"``."""

from collections.abc import Mapping
from importlib.util import find_spec

import numpy as np
import torch
from numpy.typing import NDArray

from glassbotan.errors import InputError
from glassbotan.simulation.device.batch import Batch, split_tasks
from glassbotan.simulation.engine import State, Task
from glassbotan.structure.periodic import FloatArray

NO_TRITON = "the device 'cuda' needs Triton; install it with: pip install \"glassbotan[gpu]\""
NO_CUDA = "the device 'cuda' needs an NVIDIA GPU, and PyTorch finds none here; use the device 'cpu'"


def missing(device: str) -> str | None:
    """Return why a device cannot be used and what to do, or None where it can."""
    if device != "cuda":
        return None
    if find_spec("triton") is None:
        return NO_TRITON
    return None if torch.cuda.is_available() else NO_CUDA


class Part:
    """Some boxes of a batch that are one snapshot's trajectories, 32 to a box.

    Parameters
    ----------
    batch
        That moves them.
    boxes
        Their numbers in it.
    task
        Whose trajectories they are.

    """

    def __init__(self, batch: Batch, boxes: range, task: Task) -> None:
        self.batch, self.boxes, self.task = batch, boxes, task

    @property
    def step(self) -> int:
        """Steps since the initial configuration."""
        return self.batch.step

    def advance(self, steps: int) -> None:
        """Move the whole batch on; see :meth:`Batch.advance`."""
        self.batch.advance(steps)

    def displacements(self) -> FloatArray:
        """Return r_i(t) - r_i(0), unwrapped, shape [R, N, d], length units."""
        return np.concatenate([self.batch.displacements(k) for k in self.boxes])

    def displacements_on_device(self) -> torch.Tensor:
        """Return the same as a tensor of the device, float64."""
        return torch.cat([self.batch.displacements_on_device(k) for k in self.boxes])

    def velocities(self) -> FloatArray:
        """Return velocities at the time of the positions, shape [R, N, d]."""
        return np.concatenate([self.batch.velocities(k) for k in self.boxes])

    def energies(self) -> tuple[FloatArray, FloatArray]:
        """Return potential and kinetic energy of every trajectory, each of shape [R]."""
        parts = [self.batch.energies(k) for k in self.boxes]
        return np.concatenate([p for p, _ in parts]), np.concatenate([k for _, k in parts])

    def state(self) -> State:
        """Return what is needed to go on from here bit for bit."""
        parts = [self.batch.state(k) for k in self.boxes]
        joined = {
            name: np.concatenate([part[name] for part in parts])
            for name in parts[0]
            if name != "step"
        }
        return {"step": parts[0]["step"], **joined}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go to a state that :meth:`state` returned, where no others share the batch.

        Raises
        ------
        InputError
            The state is not of this engine, or of other trajectories, particles or dimensions.

        """
        self.batch.restore(self.split(state))

    def close(self) -> None:
        """Let go of the device's memory, the whole batch's."""
        self.batch.close()

    def split(self, state: Mapping[str, NDArray[np.generic]]) -> list[State]:
        """Return the states of the boxes that a state holds.

        Raises
        ------
        InputError
            It is of other trajectories.

        """
        here = list(self.task.trajectories)
        there = np.asarray(state.get("trajectories", [])).tolist()
        if there != here:
            raise InputError(f"the checkpoint is of trajectories {there}; this run's are {here}")
        parts: list[State] = []
        first = 0
        for box in self.boxes:
            chosen = slice(first, first + len(self.batch.tasks[box].trajectories))
            parts.append(
                {k: np.asarray(v) if np.ndim(v) == 0 else v[chosen] for k, v in state.items()}
            )
            first = chosen.stop
        return parts


def start(task: Task, device: str) -> Part:
    """Begin the task's trajectories, at step 0, in a batch of their own.

    Raises
    ------
    InputError
        The device cannot be used, or as :class:`glassbotan.simulation.device.batch.Batch`.

    """
    reason = missing(device)
    if reason is not None:
        raise InputError(reason)
    tasks = split_tasks(task)
    return Part(Batch(tasks, device=device), range(len(tasks)), task)
