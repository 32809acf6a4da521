"""Speed of the engine ``lammps`` against LAMMPS's own executable, in one alternating run.

    python benchmarks/lammps_engine.py [--repeats 7] [--steps 2000] [--json FILE]

Both sides run the published snapshot 401 at T = 0.44, NVE, on one core, from the same restart file
and with the same settings. Times are processor times, which other work on the machine disturbs
least: of the executable its main loop's, as it prints it, of the engine that of ``advance``, with
the energies that it watches and its new setups. The ratio is the median of the ratios of
neighbouring runs.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import options, published_file, write_record

import glassbotan as gb
from glassbotan.provenance import provenance
from glassbotan.simulation import DynamicsSettings, lammps_engine, start
from glassbotan.structure.lammps import interaction_commands
from glassbotan.structure.potential import KOB_ANDERSEN_CUT

SNAPSHOT = published_file(401)


def main() -> None:
    """Measure, print and, if asked, write JSON."""
    arguments = options(__doc__, repeats=7, steps=2000).parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    pairs = [(executable(arguments.steps), engine(arguments.steps))
             for _ in range(arguments.repeats)]  # fmt: skip
    rates = [
        arguments.steps * 4096 / statistics.median(side) for side in zip(*pairs, strict=True)
    ]  # fmt: skip
    ratio = statistics.median(theirs / ours for theirs, ours in pairs)
    print(f"executable {rates[0]:.3g}, engine {rates[1]:.3g} particle-steps/s, ratio {ratio:.3f}")
    row = {
        "executable_particle_steps_per_s": rates[0],
        "engine_particle_steps_per_s": rates[1],
        "ratio": ratio,
    }
    record = {"rows": [row], "provenance": provenance([SNAPSHOT], threads=1)}
    write_record(record, arguments.json)


def begin() -> lammps_engine.LammpsRun:
    """Return a run of one trajectory at step 0."""
    settings = DynamicsSettings(0.44)
    run = start("lammps", gb.read(SNAPSHOT), settings, potential=KOB_ANDERSEN_CUT)
    assert isinstance(run, lammps_engine.LammpsRun)
    return run


def engine(steps: int) -> float:
    """Return the processor seconds that the engine takes."""
    run = begin()
    before = time.process_time()
    run.advance(steps)
    seconds = time.process_time() - before
    run.close()
    return seconds


def executable(steps: int) -> float:
    """Return the processor seconds that the loop of LAMMPS's executable takes."""
    run = begin()
    restart = run.state()["restart_0"].tobytes()
    run.close()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "restart").write_bytes(restart)
        script = [
            "read_restart restart",
            *interaction_commands(KOB_ANDERSEN_CUT, Path(folder) / "pairs.table"),
            f"neighbor {lammps_engine.SKIN} bin",
            "neigh_modify every 1 delay 0 check yes",
            "timestep 0.005",
            "fix move all nve",
            f"run {steps}",
        ]
        (Path(folder) / "in.run").write_text("\n".join(script) + "\n")
        command = [str(Path(sys.prefix) / "bin/lmp"), "-sf", "opt", "-in", "in.run"]
        said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    (loop,) = re.findall(r"Loop time of (\S+) on 1 procs", said.stdout)
    (share,) = re.findall(r"(\S+)% CPU use", said.stdout)
    assert "Dangerous builds = 0" in said.stdout
    return float(loop) * float(share) / 100


if __name__ == "__main__":
    main()
