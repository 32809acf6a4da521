"""The run of a batch: many boxes, up to 32 trajectories of each, all at the same step."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from glassbotan.errors import InputError
from glassbotan.simulation.device.blow_up import BatchBlownUpError
from glassbotan.simulation.device.interface import Kernels
from glassbotan.simulation.device.moving import Moving, box_sums
from glassbotan.simulation.device.plain import PlainKernels
from glassbotan.simulation.device.stretches import Stretches
from glassbotan.simulation.device.system import MOST_LANES, make_system
from glassbotan.simulation.device.two_lists import TwoLists
from glassbotan.simulation.engine import State, Task
from glassbotan.simulation.leapfrog import (
    STEPS_BETWEEN_CHECKS,
    LeapfrogState,
    read_state,
    what_blew_up,
)
from glassbotan.structure.periodic import FloatArray

STEPS_BETWEEN_RESTS = 1000
"""After which the centre of mass is brought to rest at constant energy."""

LARGEST_INDEX = 2**31 - 1


class Batch:
    """Trajectories of many boxes that move together.

    Velocity Verlet (constant energy, centre of mass at rest), or Langevin dynamics (BAOAB), with
    the velocities, seeds and random numbers of the engine ``ensemble``: up to rounding, its
    trajectories. A box whose task has cages has its walls, and its centre of mass is not held at
    rest. What a box does depends neither on the other boxes nor on when lists are made.

    Parameters
    ----------
    tasks
        One a box, each of at most 32 trajectories, alike in all but snapshot, temperature, seeds
        and trajectories.
    device
        "cuda", or any other for the CPU.
    kernels
        The plain ones on a CPU, those in Triton on a GPU, by default.
    double
        Compute in float64.
    skins
        Reach of the two lists beyond the cutoff, length units; what suits the kernels by default.

    Attributes
    ----------
    system, moving, lists, stretches
        What does not change, what moves, its pairs, and its steps.
    initial_energy
        Total energy at step 0 of each box's trajectories, [R] each.

    Raises
    ------
    InputError
        Tasks disagree, a box is shorter than twice the cutoff, the potential does not know a
        species, or all is more than can be numbered.

    """

    def __init__(
        self,
        tasks: Sequence[Task],
        *,
        device: str = "cpu",
        kernels: Kernels | None = None,
        double: bool = False,
        skins: tuple[float, float] | None = None,
    ) -> None:
        self.tasks = tuple(tasks)
        self.timestep = self.tasks[0].settings.timestep
        self.system = make_system(
            self.tasks,
            device=torch.device("cuda" if device == "cuda" else "cpu"),
            dtype=torch.float64 if double else torch.float32,
        )
        if self.system.particles * 3 * self.system.lanes > LARGEST_INDEX:
            raise InputError(
                f"{self.system.particles} particles of {self.system.lanes} trajectories are too "
                "many for one batch; run fewer boxes at once"
            )
        if kernels is None and device == "cuda":
            from glassbotan.simulation.device.kernels import TritonKernels

            kernels = TritonKernels()
        self.kernels = kernels or PlainKernels()
        if self.system.splines is not None and not self.kernels.splines:
            raise InputError(
                "the GPU knows the Lennard-Jones form alone, without a smoothing polynomial; run "
                f"this potential ({self.tasks[0].potential.form.name}) on the CPU (device cpu)"
            )
        self.moving = Moving(self.system)
        self.lists = TwoLists(self.moving, self.kernels, skins or self.kernels.skins)
        self.stretches = Stretches(self.moving, self.lists, self.kernels)
        self._evaluated: tuple[torch.Tensor, torch.Tensor] | None = None
        self._summed: tuple[FloatArray, FloatArray] | None = None
        self._set_out()

    def _set_out(self) -> None:
        """Begin at the snapshots with the tasks' velocities."""
        forces, _ = self._evaluate()
        halves = []
        for box, task in enumerate(self.tasks):
            push = self._of_box(forces, box) / task.masses[:, None]
            halves.append(task.initial_velocities() - 0.5 * self.timestep * push)
        self._write(self.moving.half, halves)
        self._forget()
        self.initial_energy = [np.sum(self.energies(box), axis=0) for box in range(len(self.tasks))]

    @property
    def step(self) -> int:
        """Timesteps since the snapshots."""
        return self.moving.step

    @property
    def particles(self) -> int:
        """Of all boxes in one trajectory."""
        return self.system.particles

    @property
    def time(self) -> float:
        """Lennard-Jones time since the snapshots."""
        return self.step * self.timestep

    @property
    def counters(self) -> dict[str, int]:
        """Steps done and taken back, outer lists made (of all boxes), and stretches."""
        return {
            "steps": self.stretches.steps,
            "repeated": self.stretches.repeated,
            "outer": self.lists.made,
            "stretches": self.stretches.done,
        }

    def advance(self, steps: int) -> None:
        """Move every trajectory on by so many timesteps.

        Raises
        ------
        BatchBlownUpError
            Particles move without bounds, the total energy drifted (nve), or the temperature is
            far above the thermostat's (langevin). Boxes without that may be taken further in a
            batch of their own, from :meth:`state`.
        RunError
            There is no memory for the lists.

        """
        if steps < 0:
            raise InputError(
                f"a run cannot advance by {steps} steps; the number must not be negative"
            )
        target = self.step + steps
        while self.step < target:
            check = (self.step // STEPS_BETWEEN_CHECKS + 1) * STEPS_BETWEEN_CHECKS
            self._forget()
            while self.step < min(check, target):
                self.stretches.run(min(check, target) - self.step)
            if not self.system.thermostatted and self.step % STEPS_BETWEEN_RESTS == 0:
                self.moving.bring_to_rest()
            self._check_energy()

    def displacements(self, box: int) -> FloatArray:
        """Return r(t) - r(0) of one box, unwrapped, shape [R, N, d], length units."""
        return _array(self.displacements_on_device(box))

    def displacements_on_device(self, box: int) -> torch.Tensor:
        """Return the same as a tensor of the device, float64."""
        return self._in_order(self.moving.exact(self.system.rows(box)), box)

    def forces(self, box: int) -> FloatArray:
        """Return the force on every particle of one box, shape [R, N, d]."""
        return self._of_box(self._evaluate()[0], box)

    def velocities(self, box: int) -> FloatArray:
        """Return velocities of one box at the time of the positions, shape [R, N, d]."""
        return self._of_box(self._velocity(self._evaluate()[0]), box)

    def energies(self, box: int) -> tuple[FloatArray, FloatArray]:
        """Return potential and kinetic energy of one box, each of shape [R]."""
        potential, kinetic = self._energies()
        used = len(self.tasks[box].trajectories)
        return potential[box, :used], kinetic[box, :used]

    def momentum(self) -> FloatArray:
        """Return the total momentum of every box half a step ago, shape [B, R, d]."""
        momenta = self.moving.momenta().transpose(1, 2)
        return np.asarray(momenta.cpu().numpy()[..., : self.system.dimension])

    def state(self, box: int) -> State:
        """Return what :meth:`restore` needs to go on from here bit for bit.

        As of the engine ``ensemble`` on a CPU; see ``LeapfrogState``.
        """
        state = LeapfrogState(
            self.step,
            self._of_box(self.moving.displacement, box),
            self._of_box(self.moving.lost, box),
            self._of_box(self.moving.half, box),
            self.initial_energy[box],
        )
        return state.stored(self.tasks[box])

    def restore(self, states: Sequence[Mapping[str, NDArray[np.generic]]]) -> None:
        """Go to states that :meth:`state` returned, one a box, all of the same step.

        Raises
        ------
        InputError
            A state is not of this engine, or of other trajectories, particles or dimensions, or
            steps differ.

        """
        read = [read_state(state, task) for state, task in zip(states, self.tasks, strict=True)]
        steps = {state.step for state in read}
        if len(steps) != 1:
            raise InputError(f"checkpoints of steps {sorted(steps)} cannot go on in one batch")
        self._write(self.moving.displacement, [state.displacements for state in read])
        self._write(self.moving.lost, [state.lost for state in read])
        self._write(self.moving.half, [state.half_velocities for state in read])
        self.initial_energy = [state.initial_energy for state in read]
        self.moving.step = steps.pop()
        self.lists.forget()
        self._forget()

    def close(self) -> None:
        """Let go of the graphs, which hold memory of the device; the run is of no further use."""
        self.stretches.close()
        self._forget()

    def _evaluate(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return forces and energies of now, which are kept until something moves."""
        if self._evaluated is None:
            self.lists.ensure_inner()
            self._evaluated = self.kernels.evaluate(
                self.system, self.moving.displacement, self.lists.inner
            )
        return self._evaluated

    def _forget(self) -> None:
        """Let go of forces and energies that no longer hold."""
        self._evaluated = self._summed = None

    def _velocity(self, forces: torch.Tensor) -> torch.Tensor:
        push = forces.double() / self.system.masses[:, None, None]
        return self.moving.half.double() + 0.5 * self.timestep * push

    def _energies(self) -> tuple[FloatArray, FloatArray]:
        """Return potential and kinetic energies, each [B, R]."""
        if self._summed is None:
            forces, energies = self._evaluate()
            square = self._velocity(forces).square_().sum(1)
            kinetic = 0.5 * self.system.masses[:, None] * square
            sums = [box_sums(self.system, values) for values in (energies.double(), kinetic)]
            both = torch.stack(sums).cpu().numpy()
            self._summed = both[0], both[1]
        return self._summed

    def _check_energy(self) -> None:
        for box, task in enumerate(self.tasks):
            initial = self.initial_energy[box]
            blown_up = what_blew_up(task, self.step, *self.energies(box), initial)
            if blown_up is not None:
                raise BatchBlownUpError(blown_up, box)

    def _of_box(self, tensor: torch.Tensor, box: int) -> FloatArray:
        """Return one box's part of a tensor as an array [R, N, d]."""
        return _array(self._in_order(tensor[self.system.rows(box)], box))

    def _in_order(self, rows: torch.Tensor, box: int) -> torch.Tensor:
        """Return a box's rows [N, 3, lanes] in its caller's order, [R, N, d], on their device."""
        ordered = torch.empty_like(rows)
        ordered[torch.as_tensor(self.system.orders[box], device=rows.device)] = rows
        used = len(self.tasks[box].trajectories)
        return ordered.permute(2, 0, 1)[:used, :, : self.system.dimension]

    def _write(self, tensor: torch.Tensor, arrays: Sequence[NDArray[Any]]) -> None:
        """Write one array [R, N, d] a box; further lanes repeat the last trajectory."""
        system = self.system
        for box, array in enumerate(arrays):
            ordered = array.transpose(1, 2, 0)[system.orders[box]]
            lanes = np.minimum(np.arange(system.lanes), ordered.shape[2] - 1)
            values = torch.as_tensor(np.ascontiguousarray(ordered[..., lanes]))
            rows = tensor[system.rows(box)]
            rows[:, : system.dimension] = values.to(device=tensor.device, dtype=tensor.dtype)


def _array(tensor: torch.Tensor) -> NDArray[Any]:
    return np.ascontiguousarray(tensor.cpu().numpy())


def split_tasks(task: Task, most: int = MOST_LANES) -> list[Task]:
    """Return a task's trajectories as tasks of at most so many."""
    parts = []
    for first in range(0, len(task.trajectories), most):
        chosen = slice(first, first + most)
        given = None if task.velocities is None else task.velocities[chosen]
        parts.append(replace(task, trajectories=task.trajectories[chosen], velocities=given))
    return parts
