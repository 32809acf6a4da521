"""The run of a batch: many boxes, up to 32 trajectories of each, all at the same step.

What is stored, and why nothing is lost in 10^7 steps
------------------------------------------------------
A trajectory's positions are its displacements from the snapshot, never folded into the box, in
float32, with what their rounding left out beside them (Kahan's compensated sum): ``displacement -
lost`` is the sum of all increments with an error of a few parts in 10^8 of one *increment*, not
of the sum. Increments are some 3e-3 a step, so that 10^7 steps lose some 1e-10 * sqrt(10^7) =
3e-7 by chance. Without compensation it would be 3e-8 * sqrt(10^7) = 1e-4 and, at constant energy,
a drift. Forces are computed from ``displacement`` alone, whose rounding (6e-8 of a displacement of
1) is that of any program in single precision. float64 may be asked for instead.

When lists are made
-------------------
There are two, as in the native engine. The outer one holds every pair within cutoff + outer skin in
any trajectory, and is made anew for a box whose particles have moved too far since. Before every
*stretch* of some ten or twenty steps it is thinned out to the inner list (inner skin), and the
state is copied. Every step notes how far any particle is from that copy, on the device and without
waiting for it. When the stretch is over that number is read, once: if twice the distance has
outgrown the inner skin, a pair may have been missed, and the stretch is *repeated from the copy*
in two halves, with a fresh list each. A list is thus never used too late, and this is checked, not
assumed. Rows are in an order of their own (lists.py), so that neither skins nor the lengths of
stretches leave a trace in the numbers. Lengths follow the speed of the particles, so that
repetitions are rare.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import InputError, RunError
from glassbotan.simulation.device.exchange import in_callers_order, write_boxes
from glassbotan.simulation.device.lists import IMAGE_OFFSET, SLACK, PairList
from glassbotan.simulation.device.plain import ABSURD, PlainKernels
from glassbotan.simulation.device.sums import box_sums
from glassbotan.simulation.device.system import MOST_LANES, System, make_system
from glassbotan.simulation.energy_watch import STEPS_BETWEEN_CHECKS, what_blew_up
from glassbotan.simulation.engine import State, Task
from glassbotan.simulation.leapfrog_state import LeapfrogState, read_state
from glassbotan.structure.periodic import FloatArray

if TYPE_CHECKING:
    import torch

STEPS_BETWEEN_RESTS = 1000
"""After which the centre of mass is brought to rest at constant energy."""

LENGTHS = (1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32, 40, 48, 64)
"""Steps of a stretch: few different ones, each of which is a CUDA graph."""
FIRST_LENGTH = 8.0
USED_SKIN = 0.8
"""Part of the inner skin that a stretch should use up."""

LARGEST_INDEX = 2**31 - 1


class Kernels(Protocol):
    """What a batch is made of; see :class:`glassbotan.simulation.device.plain.PlainKernels`."""

    name: str
    captures: bool
    skins: tuple[float, float]

    def build(
        self, system: System, displacement: "torch.Tensor", skin: float, boxes: Sequence[int],
        pairs: PairList,
    ) -> None:  # fmt: skip
        """Fill the rows of some boxes."""

    def prune(
        self, system: System, displacement: "torch.Tensor", outer: PairList, skin: float,
        inner: PairList,
    ) -> None:  # fmt: skip
        """Take from ``outer`` what is within cutoff + skin."""

    def evaluate(
        self, system: System, displacement: "torch.Tensor", pairs: PairList
    ) -> tuple["torch.Tensor", "torch.Tensor"]:
        """Return forces and energies."""

    def step(
        self, system: System, source: "torch.Tensor", target: "torch.Tensor",
        lost: "torch.Tensor", half: "torch.Tensor", reference: "torch.Tensor", pairs: PairList,
        now: "torch.Tensor", offset: int, moved: "torch.Tensor",
    ) -> None:  # fmt: skip
        """Move by one timestep."""

    def slots(self, system: System) -> int:
        """Return how many numbers ``moved`` has."""

    def farthest(
        self, system: System, displacement: "torch.Tensor", reference: "torch.Tensor"
    ) -> "torch.Tensor":
        """Return every particle's largest square of a distance from a reference, [N_total]."""


class BatchBlownUpError(RunError):
    """Trajectories of some boxes blew up; the state is the last one that was sound.

    Attributes
    ----------
    box
        The first of these boxes.

    """

    def __init__(self, message: str, box: int) -> None:
        super().__init__(message)
        self.box = box


class Batch:
    """Trajectories of many boxes that move together.

    Velocity Verlet (constant energy, centre of mass at rest), or Langevin dynamics (BAOAB), with
    the velocities, seeds and random numbers of the engine ``ensemble``: up to rounding, its
    trajectories. What a box does depends neither on the other boxes nor on when lists are made.

    Parameters
    ----------
    tasks
        One a box, each of at most 32 trajectories, alike in all but snapshot, temperature, seeds
        and trajectories.
    device
        "cpu" or "cuda".
    kernels
        The plain ones on a CPU, those in Triton on a GPU, by default.
    double
        Compute in float64.
    outer_skin, inner_skin
        Reach of the two lists beyond the cutoff, length units; what suits the kernels by default.

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
        outer_skin: float | None = None,
        inner_skin: float | None = None,
    ) -> None:
        import torch

        self.tasks = tuple(tasks)
        self.system = make_system(
            self.tasks,
            device=torch.device(device),
            dtype=torch.float64 if double else torch.float32,
        )
        system = self.system
        if system.particles * 3 * system.lanes > LARGEST_INDEX:
            raise InputError(
                f"{system.particles} particles of {system.lanes} trajectories are too many for "
                "one batch; run fewer boxes at once"
            )
        self.kernels = kernels or default_kernels(device)
        # Of an axis no more than the nearest image and the next are looked at.
        widest = system.shortest_edge - system.cutoff - 2 * SLACK
        outer, inner = self.kernels.skins
        self._outer_skin = min(outer if outer_skin is None else outer_skin, widest)
        self._inner_skin = min(inner if inner_skin is None else inner_skin, 0.5 * self._outer_skin)
        self.timestep = self.tasks[0].settings.timestep
        self.step = 0
        self._displacement, self._other = system.empty_state(), system.empty_state()
        self._lost, self._half = system.empty_state(), system.empty_state()
        self._reference = system.empty_state()
        self._start_lost, self._start_half = system.empty_state(), system.empty_state()
        self._outer_reference = system.empty_state()
        self._outer = PairList.empty(system, 8)
        self._inner = PairList.empty(system, 8)
        self._now = torch.zeros(1, dtype=torch.int64, device=system.device)
        self._moved = torch.zeros(
            self.kernels.slots(system), dtype=torch.float32, device=system.device
        )
        self._report = torch.zeros(2 + system.boxes, dtype=torch.float64, device=system.device)
        self._stale = list(range(system.boxes))
        self._listed = False
        self._evaluated: tuple[torch.Tensor, torch.Tensor] | None = None
        self._summed: tuple[FloatArray, FloatArray] | None = None
        self._length = FIRST_LENGTH
        self._graphs: dict[int, Any] = {}
        self._pool: Any = None
        self.counters = {"steps": 0, "repeated": 0, "outer": 0, "stretches": 0}
        self._set_out()

    def _set_out(self) -> None:
        """Begin at the snapshots with the tasks' velocities."""
        system = self.system
        forces, _ = self._evaluate()
        halves = []
        for box, task in enumerate(self.tasks):
            push = self._of_box(forces, box) / task.masses[:, None]
            halves.append(task.initial_velocities() - 0.5 * self.timestep * push)
        write_boxes(system, self._half, halves)
        self._forget()
        self.initial_energy = [np.sum(self.energies(box), axis=0) for box in range(len(self.tasks))]

    @property
    def particles(self) -> int:
        """Of all boxes in one trajectory."""
        return self.system.particles

    @property
    def time(self) -> float:
        """Lennard-Jones time since the snapshots."""
        return self.step * self.timestep

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
            stop = min(check, target)
            while self.step < stop:
                self._stretch(self._next_length(stop - self.step))
            if not self.system.thermostatted and self.step % STEPS_BETWEEN_RESTS == 0:
                self._bring_to_rest()
            self._check_energy()

    def displacements(self, box: int) -> FloatArray:
        """Return r(t) - r(0) of one box, unwrapped, shape [R, N, d], length units."""
        return _array(self.displacements_on_device(box))

    def displacements_on_device(self, box: int) -> "torch.Tensor":
        """Return the same as a tensor of the device, float64."""
        rows = self.system.rows(box)
        exact = self._displacement[rows].double() - self._lost[rows].double()
        return self._in_order(exact, box)

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

    def momenta(self, box: int) -> FloatArray:
        """Return the total momentum of one box, shape [R, d]."""
        return np.asarray(np.einsum("n,rnd->rd", self.tasks[box].masses, self.velocities(box)))

    def momentum(self) -> FloatArray:
        """Return the total momentum of every box half a step ago, shape [B, R, d]."""
        weighted = self._half.double() * self.system.masses[:, None, None]
        sums = box_sums(self.system, weighted).transpose(1, 2)
        return np.asarray(sums.cpu().numpy()[..., : self.system.dimension])

    def state(self, box: int) -> State:
        """Return what :meth:`restore` needs to go on from here bit for bit.

        As of the engine ``ensemble`` on a CPU; see ``LeapfrogState``.
        """
        state = LeapfrogState(
            self.step,
            self._of_box(self._displacement, box),
            self._of_box(self._lost, box),
            self._of_box(self._half, box),
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
        write_boxes(self.system, self._displacement, [state.displacements for state in read])
        write_boxes(self.system, self._lost, [state.lost for state in read])
        write_boxes(self.system, self._half, [state.half_velocities for state in read])
        self.initial_energy = [state.initial_energy for state in read]
        self.step = steps.pop()
        self._forget()
        self._stale = list(range(self.system.boxes))
        self._listed = False

    def close(self) -> None:
        """Let go of the graphs, which hold memory of the device; the run is of no further use."""
        self._drop_graphs()
        self._forget()

    def listed_pairs(self, box: int) -> set[tuple[int, int]]:
        """Return the pairs in a box's rows of the inner list, in the caller's numbers."""
        from glassbotan.simulation.device.plain import PARTICLE

        self._ensure_list()
        rows, order = self.system.rows(box), self.system.orders[box]
        counts = self._inner.counts[rows].cpu().numpy()
        entries = (self._inner.entries[:, rows] & PARTICLE).cpu().numpy() - rows.start
        return {
            (int(order[i]), int(order[j]))
            for i, count in enumerate(counts)
            for j in entries[:count, i]
        }

    # Stretches

    def _next_length(self, remaining: int) -> int:
        """Return how many steps to take next."""
        most = max(min(self._length, remaining), 1)
        return max(length for length in LENGTHS if length <= most)

    def _stretch(self, steps: int) -> None:
        """Take so many steps at most, with a list that held for all of them."""
        limit = 0.5 * self._inner_skin - SLACK
        while True:
            self._renew_outer()
            moved = self._attempt(steps)
            if moved is None:
                continue
            if moved < limit:
                break
            self._take_back()
            self.counters["repeated"] += steps
            if steps == 1:
                self._raise_runaway()
            self._length = 0.5 * steps
            steps = self._next_length(steps)
        self.step += steps
        self.counters["steps"] += steps
        self.counters["stretches"] += 1
        # A short one, before a stop, tells little: particles rattle, and do not fly on.
        if 1.5 * steps >= self._length:
            wanted = USED_SKIN * limit / max(moved, 1e-9) * steps
            self._length = min(max(wanted, 0.7 * self._length), 1.25 * self._length, LENGTHS[-1])

    def _attempt(self, steps: int) -> float | None:
        """Take the steps; return how far a particle came, None where the list was too small."""
        self._forget()
        self._now.fill_(self.step)
        self._launch(steps)
        moved2, longest, *outer2 = self._report.tolist()
        self._listed = True
        if longest > self._inner.capacity:
            self._take_back()
            self.counters["repeated"] += steps
            self._grow_inner(int(longest))
            return None
        spare = 0.5 * (self._outer_skin - self._inner_skin) - SLACK
        self._stale = [box for box, square in enumerate(outer2) if not square < spare * spare]
        return float(np.sqrt(moved2))

    def _launch(self, steps: int) -> None:
        """Do a stretch, as a CUDA graph where it has been done before."""
        if not self.kernels.captures or self.system.device.type != "cuda":
            self._body(steps)
            return
        import torch

        graph = self._graphs.get(steps)
        if graph is not None:
            graph.replay()
            return
        # The first one compiles the kernels, which cannot be captured.
        seen = steps in self._graphs
        if not seen:
            self._graphs[steps] = None
            self._body(steps)
            return
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            self._body(steps)
        self._pool = self._pool or graph.pool()
        self._graphs[steps] = graph
        graph.replay()

    def _body(self, steps: int) -> None:
        """All that a stretch does on the device, without waiting for it."""
        import torch

        system, kernels = self.system, self.kernels
        self._reference.copy_(self._displacement)
        self._start_lost.copy_(self._lost)
        self._start_half.copy_(self._half)
        self._moved.zero_()
        kernels.prune(system, self._displacement, self._outer, self._inner_skin, self._inner)
        source, target = self._displacement, self._other
        for k in range(steps):
            kernels.step(
                system, source, target, self._lost, self._half, self._reference, self._inner,
                self._now, k, self._moved,
            )  # fmt: skip
            source, target = target, source
        if steps % 2:
            self._displacement.copy_(self._other)
        self._report[0] = self._moved.max()
        self._report[1] = self._inner.counts.max()
        far = kernels.farthest(system, self._displacement, self._outer_reference).double()
        boxes = torch.zeros(system.boxes, dtype=torch.float64, device=system.device)
        boxes.scatter_reduce_(0, system.box_of.long(), far, "amax")
        self._report[2:] = boxes

    def _take_back(self) -> None:
        """Return to the beginning of the stretch."""
        self._displacement.copy_(self._reference)
        self._lost.copy_(self._start_lost)
        self._half.copy_(self._start_half)
        self._listed = False

    # Lists

    def _renew_outer(self) -> None:
        """Make the outer list anew for boxes whose particles have moved too far since."""
        if not self._stale:
            return
        self._check_bounds(self._stale)
        system, stale = self.system, self._stale
        while True:
            self.kernels.build(system, self._displacement, self._outer_skin, stale, self._outer)
            longest = self._outer.longest()
            if longest <= self._outer.capacity:
                break
            self._outer = self._larger(longest)
            stale = list(range(system.boxes))
        for box in stale:
            rows = system.rows(box)
            self._outer_reference[rows] = self._displacement[rows]
        self.counters["outer"] += len(stale)
        self._stale = []

    def _ensure_list(self) -> None:
        """Have an inner list that holds for where the particles are."""
        if self._listed:
            return
        self._renew_outer()
        while True:
            self.kernels.prune(
                self.system, self._displacement, self._outer, self._inner_skin, self._inner
            )
            if (longest := self._inner.longest()) <= self._inner.capacity:
                break
            self._grow_inner(longest)
        self._listed = True

    def _grow_inner(self, longest: int) -> None:
        self._inner = self._larger(longest)

    def _larger(self, longest: int) -> PairList:
        """Return a list with room for rows of that length and some more."""
        # They hold the addresses of the old one.
        self._drop_graphs()
        capacity = int(1.15 * longest) + 8
        try:
            return PairList.empty(self.system, capacity)
        except RuntimeError as error:
            raise RunError(
                f"no memory for the pair lists of {self.system.boxes} boxes with rows of "
                f"{capacity} pairs; run fewer at once"
            ) from error

    def _drop_graphs(self) -> None:
        self._graphs.clear()
        self._pool = None

    # Energies and checks

    def _evaluate(self) -> tuple["torch.Tensor", "torch.Tensor"]:
        """Return forces and energies of now, which are kept until something moves."""
        if self._evaluated is None:
            self._ensure_list()
            self._evaluated = self.kernels.evaluate(self.system, self._displacement, self._inner)
        return self._evaluated

    def _forget(self) -> None:
        """Let go of forces and energies that no longer hold."""
        self._evaluated = self._summed = None

    def _velocity(self, forces: "torch.Tensor") -> "torch.Tensor":
        push = forces.double() / self.system.masses[:, None, None]
        return self._half.double() + 0.5 * self.timestep * push

    def _energies(self) -> tuple[FloatArray, FloatArray]:
        """Return potential and kinetic energies, each [B, R]."""
        import torch

        if self._summed is not None:
            return self._summed
        forces, energies = self._evaluate()
        square = self._velocity(forces).square_().sum(1)
        kinetic = 0.5 * self.system.masses[:, None] * square
        sums = [box_sums(self.system, values) for values in (energies.double(), kinetic)]
        both = torch.stack(sums).cpu().numpy()
        self._summed = both[0], both[1]
        return self._summed

    def _bring_to_rest(self) -> None:
        """Take off the momentum that rounding has gathered, from a few particles of every box.

        Shared by all it would be less than the last bit of their velocities.
        """
        system = self.system
        momenta = box_sums(system, self._half.double() * system.masses[:, None, None])
        for box, momentum in enumerate(momenta):
            half, masses = self._half[system.rows(box)], system.masses[system.rows(box)]
            stride = len(masses) // 64 + 1
            chosen = half[::stride]
            share = momentum / len(chosen)
            chosen -= (share / masses[::stride, None, None]).to(half.dtype)
        self._forget()

    def _check_energy(self) -> None:
        for box, task in enumerate(self.tasks):
            initial = self.initial_energy[box]
            blown_up = what_blew_up(task, self.step, *self.energies(box), initial)
            if blown_up is not None:
                raise BatchBlownUpError(blown_up, box)

    def _check_bounds(self, boxes: Sequence[int]) -> None:
        """Raise where a particle is so far away that its image has no number."""
        for box in boxes:
            edge = self.system.edges[box, : self.system.dimension].min()
            limit = float((IMAGE_OFFSET - 4) / 2 * edge)
            largest = float(self._displacement[self.system.rows(box)].abs().max())
            if not largest < limit:
                self._raise_blown_up(box)

    def _raise_runaway(self) -> None:
        """Name a box in which a particle moves by half a skin in one step."""
        import torch

        # The step that was taken back, once more, to see where.
        self._ensure_list()
        self.kernels.step(
            self.system, self._displacement, self._other, self._lost, self._half,
            self._reference, self._inner, self._now, 0, self._moved,
        )  # fmt: skip
        far = (self._other - self._reference).square().sum(1).amax(1)
        self._take_back()
        far = torch.where(far < ABSURD, far, ABSURD)
        worst = int(far.argmax())
        self._raise_blown_up(int(self.system.box_of[worst]))

    def _raise_blown_up(self, box: int) -> None:
        raise BatchBlownUpError(
            f"{self.tasks[box].snapshot.source}: a trajectory blew up by step {self.step + 1}: "
            f"particles move without bounds; use a timestep shorter than {self.timestep:g}",
            box,
        )

    def _of_box(self, tensor: "torch.Tensor", box: int) -> FloatArray:
        """Return one box's part of a tensor as an array [R, N, d]."""
        return _array(self._in_order(tensor[self.system.rows(box)], box))

    def _in_order(self, rows: "torch.Tensor", box: int) -> "torch.Tensor":
        return in_callers_order(self.system, rows, box, len(self.tasks[box].trajectories))


def _array(tensor: "torch.Tensor") -> NDArray[Any]:
    return np.ascontiguousarray(tensor.cpu().numpy())


def default_kernels(device: str) -> Kernels:
    """Return the kernels for a device."""
    if device == "cpu":
        return PlainKernels()
    from glassbotan.simulation.device.kernels import TritonKernels

    return TritonKernels()


def split_tasks(task: Task, most: int = MOST_LANES) -> list[Task]:
    """Return a task's trajectories as tasks of at most so many."""
    from dataclasses import replace

    parts = []
    for first in range(0, len(task.trajectories), most):
        chosen = slice(first, first + most)
        given = None if task.velocities is None else task.velocities[chosen]
        parts.append(replace(task, trajectories=task.trajectories[chosen], velocities=given))
    return parts
