"""Drift of the total energy, and momentum, of long runs at constant energy on both engines.

    python benchmarks/drift.py [--engines lammps,ensemble] [--steps 100000,1000000]
        [--trajectories 1,8] [--shift energy] [--seconds 600] [--cache DIR] [--json FILE]

Published snapshot 402 at T = 0.44, Kob-Andersen mixture, time step 0.005. The drift is the mean
energy over the last tenth of the samples less that over the first, over the total energy: of every
trajectory, of which the mean and the largest size are told. Momentum is per particle. With forces
that are shifted as well (``--shift force``) no pair's energy jumps at the cutoff. On one core
``lammps`` does 100 000 steps of one trajectory in three or four minutes, and ``ensemble`` a million
of eight in twenty. A call takes no more than ``--seconds`` of processor time for each engine, tells
how far it came, and the next goes on from there (``--cache``).
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from common import options, published_file, write_record

import glassbotan as gb
from glassbotan.provenance import provenance
from glassbotan.simulation import DynamicsSettings, start
from glassbotan.simulation.engine import Run
from glassbotan.structure.potential import KOB_ANDERSEN, PairPotential

SNAPSHOT = published_file(402)
BETWEEN = 1000
"""Steps between two looks at the energy."""
KEPT = 10_000
"""Steps between two states that a later call may go on from; a whole number of LAMMPS's stretches,
so that going on repeats nothing."""


def main() -> None:
    """Measure, print and, if asked, write JSON."""
    parser = options(__doc__)
    parser.add_argument("--engines", default="lammps,ensemble")
    parser.add_argument("--steps", default="100000,1000000")
    parser.add_argument("--trajectories", default="1,8")
    parser.add_argument("--shift", choices=("energy", "force"), default="energy")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--cache", type=Path, default=Path("out/drift"))
    arguments = parser.parse_args()
    asked = zip(
        arguments.engines.split(","),
        map(int, arguments.steps.split(",")),
        map(int, arguments.trajectories.split(",")),
        strict=True,
    )
    potential = replace(KOB_ANDERSEN, shift=arguments.shift)
    rows = [measure(*one, potential, arguments.seconds, arguments.cache) for one in asked]
    record = {"rows": rows, "provenance": provenance([SNAPSHOT])}
    write_record(record, arguments.json)


def measure(
    engine: str,
    steps: int,
    trajectories: int,
    potential: PairPotential,
    seconds: float,
    cache: Path,
) -> dict[str, Any]:
    """Run one engine and return what it kept of energy and momentum."""
    snapshot = gb.read(SNAPSHOT)
    settings = DynamicsSettings(0.44)
    run = start(engine, snapshot, settings, potential=potential, trajectories=range(trajectories))
    path = cache / f"{engine}_{potential.shift}_{trajectories}.npz"
    energies = resumed(run, path) or [np.sum(run.energies(), axis=0)]
    begin = time.process_time()
    while run.step < steps and time.process_time() - begin < seconds:
        for _ in range(KEPT // BETWEEN):
            run.advance(BETWEEN)
            energies.append(np.sum(run.energies(), axis=0))
        keep(run, energies, path)
    drifts = drift(np.array(energies))
    momentum = np.abs(run.velocities().sum(axis=1)).max() / snapshot.n_particles
    row = {
        "engine": engine,
        "trajectories": trajectories,
        "shift": potential.shift,
        "steps": run.step,
        "mean_drift": float(np.mean(drifts)),
        "largest_drift": float(np.abs(drifts).max()),
        "momentum": float(momentum),
        "processor_seconds": time.process_time() - begin,
    }
    run.close()
    print(
        f"{engine}, {trajectories} trajectories, {row['steps']} of {steps} steps: the energy "
        f"drifts by {row['mean_drift']:.1e} (largest {row['largest_drift']:.1e}), momentum per "
        f"particle {momentum:.1e}; {row['processor_seconds']:.0f} s of processor time",
        flush=True,
    )
    return row


def drift(energies: np.ndarray) -> np.ndarray:
    """Return the relative drift of each trajectory's energies, shape [samples, trajectories]."""
    tenth = max(len(energies) // 10, 1)
    first, last = energies[:tenth].mean(axis=0), energies[-tenth:].mean(axis=0)
    return (last - first) / np.abs(energies.mean(axis=0))


def resumed(run: Run, path: Path) -> list[np.ndarray]:
    """Bring the run to where an earlier call left it, and return the energies since the start."""
    if not path.exists():
        return []
    with np.load(path) as stored:
        run.restore({name: stored[name] for name in stored.files if name != "energies"})
        return list(stored["energies"])


def keep(run: Run, energies: list[np.ndarray], path: Path) -> None:
    """Write state and energies, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as out:
        np.savez(out, energies=np.array(energies), **run.state())
    partial.replace(path)


if __name__ == "__main__":
    main()
