"""Check and time the batched molecular dynamics of a GPU, in one call of a few minutes.

    python benchmarks/gpu_md.py [--device cuda] [--boxes 1,16,64,128] [--trajectories 8,32]
        [--steps 400] [--drift-steps 1000000] [--tune] [--seconds 480] [--json FILE]

Kob-Andersen mixture of 4096 particles at T = 0.44, time step 0.005, from the published snapshots;
several boxes are copies of them with other velocities. First it checks: forces against a double
loop in float64, kernels against the plain form, trajectories (within cages as well), restart to the
bit, the batch against a box alone. Then it times: particle-steps a second of boxes x trajectories
at constant energy, and Langevin's; with ``--tune`` also by tile, warps, unrolling and skins. Last
the drift of the total energy over as many steps as the time allows. Needs PyTorch, Triton and NumPy
and no more (src on PYTHONPATH). Without a GPU it says so and ends with status 1; ``--device cpu``
runs a tiny case in the plain form, whose rate is told by processor time.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import options, write_record

from glassbotan import io
from glassbotan.dynamics.bonds import Bonds
from glassbotan.simulation.cages import Cages
from glassbotan.simulation.device.batch import Batch
from glassbotan.simulation.device.moving import Moving
from glassbotan.simulation.device.plain import PlainKernels
from glassbotan.simulation.engine import Task
from glassbotan.simulation.settings import DynamicsSettings
from glassbotan.structure import neighbour_graph
from glassbotan.structure.potential import KOB_ANDERSEN
from glassbotan.structure.snapshot import Snapshot

FOLDER = Path(__file__).parent.parent / "data/published"
FILES = ("isoconfig_N4096T0.44_401_tc07.npz", "isoconfig_N4096T0.44_402_tc07.npz")
NO_GPU = "no GPU: PyTorch finds no CUDA device here; --device cpu runs a tiny case, slowly"
LAMMPS = 1.3e6
"""Particle-steps a second of LAMMPS on one core, as the aim was set."""


def main() -> None:
    """Check, measure, print and, if asked, write JSON."""
    parser = options(__doc__, steps=400)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--boxes", default="1,16,64,128")
    parser.add_argument("--trajectories", default="8,32")
    parser.add_argument("--drift-steps", type=int, default=1_000_000)
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--seconds", type=float, default=480.0)
    arguments = parser.parse_args()
    deadline = time.monotonic() + arguments.seconds
    if arguments.device == "cuda" and not torch.cuda.is_available():
        print(NO_GPU)
        sys.exit(1)
    record = on_cpu() if arguments.device == "cpu" else on_gpu(arguments, deadline)
    write_record(record, arguments.json)


def on_cpu() -> dict[str, Any]:
    """Return the rate of the plain form, by processor time of one thread."""
    torch.set_num_threads(1)
    batch = Batch([task(0, range(4))])
    batch.advance(4)
    start = time.process_time()
    batch.advance(16)
    rate = 4 * batch.particles * 16 / (time.process_time() - start)
    error = force_error(batch)
    print(
        f"plain form on the CPU, one thread, one box of {batch.particles}, 4 trajectories: "
        f"{rate:.3g} particle-steps/s of processor time; forces within {error:.1e} of a double loop"
    )
    return {"device": "cpu", "plain_particle_steps_per_s": rate, "force_error": error}


def on_gpu(arguments: argparse.Namespace, deadline: float) -> dict[str, Any]:
    """Check, then time, then follow the energy."""
    name = torch.cuda.get_device_name()
    print(f"{name}, PyTorch {torch.__version__}", flush=True)
    record: dict[str, Any] = {"device": name, "torch": torch.__version__}
    record["checks"] = checks()
    failed = [what for what, (found, limit) in record["checks"].items() if not found <= limit]
    rows = record["rates"] = []
    for boxes, lanes in product(numbers(arguments.boxes), numbers(arguments.trajectories)):
        for integrator in ("nve", "langevin") if boxes == 64 else ("nve",):
            if time.monotonic() < deadline - 120:
                row = rate(boxes, lanes, arguments.steps, integrator=integrator)
                rows += [row]
    if arguments.tune:
        record["tuned"] = tune(deadline - 90)
    record["drift"] = drift(arguments.drift_steps, deadline)
    if failed:
        print(f"FAILED: {', '.join(failed)}")
        sys.exit(1)
    return record


def numbers(text: str) -> list[int]:
    """Return whole numbers that commas part."""
    return [int(part) for part in text.split(",")]


@cache
def published(number: int) -> Snapshot:
    """Return one of the published snapshots."""
    return io.read(FOLDER / FILES[number])


def task(
    number: int, trajectories: range, *, integrator: str = "nve", shift: str = "energy"
) -> Task:
    """Return one of the published snapshots with velocities of its own."""
    snapshot = published(number % len(FILES))
    potential = replace(KOB_ANDERSEN, shift=shift)
    settings = DynamicsSettings(0.44, integrator=integrator)  # type: ignore[arg-type]
    return Task(snapshot, potential, settings, tuple(trajectories), seed=1, snapshot_index=number)


def several(boxes: int, trajectories: int, **options: Any) -> list[Task]:
    """Return so many boxes."""
    return [task(k, range(trajectories), **options) for k in range(boxes)]


# Checks


def checks() -> dict[str, tuple[float, float]]:
    """Return by name what was found and what is allowed, and print it."""
    found: dict[str, tuple[float, float]] = {}

    def tell(what: str, value: float, limit: float) -> None:
        found[what] = (value, limit)
        print(f"{'ok' if value <= limit else 'FAILED':6} {what}: {value:.2e} (limit {limit:.0e})",
              flush=True)  # fmt: skip

    batch = Batch([task(1, range(4))], device="cuda")
    tell("forces against the double loop, at the start", force_error(batch), 1e-5)
    plain = Batch([task(1, range(4))], device="cuda", kernels=PlainKernels())
    tell("rows of lists that differ from the plain form's", differing(batch, plain), 2)
    tell("forces against the plain form", apart(batch.forces(0), plain.forces(0)), 1e-5)
    energies = [np.sum(run.energies(0), axis=0) for run in (batch, plain)]
    tell("energies against the plain form", apart(*energies), 1e-6)
    for run in (batch, plain):
        run.advance(100)
    tell("displacements after 100 steps", far(batch, plain), 1e-4)
    halted = batch.state(0)
    batch.advance(100)
    resumed = Batch([task(1, range(4))], device="cuda")
    resumed.restore([halted])
    resumed.advance(100)
    tell("displacements after a restart", far(batch, resumed), 0)
    together = Batch([task(0, range(4)), task(1, range(4))], device="cuda")
    together.advance(200)
    alone = together.displacements(1)
    tell("displacements in a batch of two", float(np.abs(alone - batch.displacements(0)).max()), 0)
    tell("forces against the double loop, after 200 steps", force_error(batch), 1e-5)
    both = [
        Batch([task(1, range(8), integrator="langevin")], device="cuda", kernels=kernels)
        for kernels in (None, PlainKernels())
    ]
    for run in both:
        run.advance(50)
    tell("displacements after 50 steps of Langevin's", far(*both), 1e-4)
    walls = Cages(published(1).positions, 0.05)
    caged = [replace(task(1, range(8), integrator="langevin"), cages=walls)]
    within = [Batch(caged, device="cuda", kernels=kernels) for kernels in (None, PlainKernels())]
    for run in within:
        run.advance(50)
    tell("displacements after 50 steps within cages", far(*within), 1e-4)
    tell("momentum per particle", float(np.abs(batch.momentum()).max()) / batch.particles, 1e-6)
    double = Batch([task(1, range(2))], device="cuda", double=True)
    tell("forces in float64 against the double loop", force_error(double), 1e-9)
    return found


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Return the largest difference over the root mean square."""
    return float(np.abs(one - other).max() / np.sqrt(np.mean(other**2)))


def far(one: Batch, other: Batch) -> float:
    """Return the largest difference of displacements."""
    return float(np.abs(one.displacements(0) - other.displacements(0)).max())


def differing(one: Batch, other: Batch) -> float:
    """Return how many rows of the inner lists are of other lengths."""
    return float((one.lists.inner.counts != other.lists.inner.counts).sum())


def force_error(batch: Batch) -> float:
    """Return the largest error of a force of the first box, relative to it or the mean square."""
    snapshot = batch.tasks[0].snapshot
    worst = 0.0
    for moved, forces in zip(batch.displacements(0)[:2], batch.forces(0), strict=False):
        where = Snapshot(snapshot.positions + moved, snapshot.species, snapshot.box)
        expected = double_loop(where, batch.tasks[0])
        sizes = np.linalg.norm(expected, axis=1)
        scale = np.maximum(sizes, np.sqrt(np.mean(sizes**2)))
        worst = max(worst, float((np.linalg.norm(forces - expected, axis=1) / scale).max()))
    return worst


def double_loop(snapshot: Snapshot, one: Task) -> np.ndarray:
    """Return the force on every particle by all pairs, float64."""
    potential = one.potential
    bonds = Bonds.of(neighbour_graph(snapshot, float(potential.cutoff.max())))
    kinds = snapshot.species[bonds.first], snapshot.species[bonds.second]
    squared = bonds.distances**2
    sixth = (potential.sigma[kinds] ** 2 / squared) ** 3
    strength = 24 * potential.epsilon[kinds] * sixth * (2 * sixth - 1) / squared
    strength += potential.taken_off[1][kinds] / bonds.distances
    strength[bonds.distances >= potential.cutoff[kinds]] = 0
    forces = np.zeros_like(snapshot.positions)
    pull = strength[:, None] * bonds.vectors
    np.add.at(forces, bonds.second, pull)
    np.add.at(forces, bonds.first, -pull)
    return forces


# Rates


def seconds(advance: Callable[[int], None], steps: int) -> float:
    """Return how long so many steps take."""
    torch.cuda.synchronize()
    start = time.perf_counter()
    advance(steps)
    torch.cuda.synchronize()
    return time.perf_counter() - start


def rate(boxes: int, lanes: int, steps: int, **options: Any) -> dict[str, Any]:
    """Return and print the particle-steps a second of so many boxes and trajectories."""
    kernels = options.pop("kernels", None)
    skins = options.pop("skins", None)
    begin = time.perf_counter()
    batch = Batch(several(boxes, lanes, **options), device="cuda", kernels=kernels, skins=skins)
    # Compiles, finds lengths of stretches and captures graphs.
    batch.advance(200)
    ready = time.perf_counter() - begin
    before = dict(batch.counters)
    taken = seconds(batch.advance, steps)
    counted = {name: batch.counters[name] - before[name] for name in before}
    fast = batch.particles * lanes * steps / taken
    row = {
        "boxes": boxes,
        "trajectories": lanes,
        "integrator": options.get("integrator", "nve"),
        "particle_steps_per_s": fast,
        "rows": (longest(batch.lists.inner), longest(batch.lists.outer)),
        "memory_GB": torch.cuda.max_memory_allocated() / 1e9,
        "ready_s": ready,
        **counted,
        **step_times(batch),
    }
    print(
        f"{boxes:4} boxes x {lanes:2} trajectories, {row['integrator']:8}: {fast:.3g} "
        f"particle-steps/s ({fast / LAMMPS:.0f} x LAMMPS); stretches of "
        f"{counted['steps'] / counted['stretches']:.1f}, repeated {counted['repeated']}, outer "
        f"lists {counted['outer'] / boxes:.1f} a box, rows {row['rows'][0]:.0f} of "
        f"{row['rows'][1]:.0f}; ms a step {row['step_ms']:.3f}, prune {row['prune_ms']:.3f}, "
        f"build {row['build_ms']:.2f}; {row['memory_GB']:.1f} GB, ready in {ready:.0f} s",
        flush=True,
    )
    batch.close()
    del batch
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    return row


def longest(pairs: Any) -> float:
    """Return the mean length of a list's rows."""
    return float(pairs.counts.double().mean())


def step_times(batch: Batch) -> dict[str, float]:
    """Return milliseconds of one step, one thinning out and one making of all outer lists."""
    system, kernels, moving, lists = batch.system, batch.kernels, batch.moving, batch.lists
    lists.ensure_inner()
    scratch = Moving(system)
    now = torch.tensor([batch.step], device=system.device)
    moved = torch.zeros(kernels.slots(system), device=system.device)

    def step() -> None:
        kernels.step(scratch, moving.displacement, scratch.other, lists.inner, now, 0, moved)

    def build() -> None:
        kernels.build(system, moving.displacement, range(system.boxes), lists.outer)

    return {
        f"{name}_ms": 1e3 * min(seconds(lambda _: action(), 1) for _ in range(5))  # noqa: B023
        for name, action in (("step", step), ("prune", lists.thin_out), ("build", build))
    }


def tune(deadline: float) -> list[dict[str, Any]]:
    """Return rates by tile, warps, unrolling and skins, best last; 32 boxes of 32 trajectories."""
    from glassbotan.simulation.device.kernels import TritonKernels

    rows = []
    for choice in choices():
        if time.monotonic() > deadline:
            break
        shape = {k: choice[k] for k in ("tile", "warps", "unroll", "list_tile") if k in choice}
        skins = {k: v for k, v in choice.items() if k not in shape}
        print(choice, end=" ")
        row = rate(32, 32, 200, kernels=TritonKernels(**shape), **skins)
        rows.append({**choice, "particle_steps_per_s": row["particle_steps_per_s"]})
    return sorted(rows, key=lambda row: row["particle_steps_per_s"])


def choices() -> Iterator[dict[str, Any]]:
    """Give what is tried."""
    for tile, warps in ((512, 4), (1024, 4), (256, 2), (1024, 8), (256, 1), (512, 2)):
        yield {"tile": tile, "warps": warps, "unroll": 2}
    for unroll in (1, 4):
        yield {"tile": 512, "warps": 4, "unroll": unroll}
    for list_tile in (64, 256):
        yield {"list_tile": list_tile}
    for outer, inner in ((1.2, 0.4), (1.6, 0.4), (2.0, 0.4), (2.0, 0.6), (2.5, 0.5), (2.5, 0.6)):
        yield {"skins": (outer, inner)}


def drift(steps: int, deadline: float) -> dict[str, Any]:
    """Return how the total energy drifts, forces shifted to zero at the cutoff and not."""
    found: dict[str, Any] = {}
    for place, shift in enumerate(("force", "energy")):
        until = time.monotonic() + (deadline - time.monotonic()) / (2 - place)
        batch = Batch(several(4, 8, shift=shift), device="cuda")
        energies = []
        while batch.step < steps and time.monotonic() < until:
            batch.advance(500)
            energies.append(
                np.concatenate([np.sum(batch.energies(box), axis=0) for box in range(4)])
            )
        found[shift] = {"steps": batch.step, **drift_of(energies)}
        print(f"{shift}-shifted, drift of the energy: {found[shift]}", flush=True)
        batch.close()
    return found


def drift_of(energies: list[np.ndarray]) -> dict[str, float]:
    """Return by what part of themselves energies change from the first tenth to the last.

    Nothing where they are too few to tell.
    """
    tenth = len(energies) // 10
    if not tenth:
        return {}
    first, last = np.mean(energies[:tenth], axis=0), np.mean(energies[-tenth:], axis=0)
    drifts = (last - first) / np.abs(first)
    return {"mean": float(drifts.mean()), "largest": float(np.abs(drifts).max())}


if __name__ == "__main__":
    main()
