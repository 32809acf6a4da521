"""Cost of ``glassbotan predict`` as a whole process, from the shell's call to its return.

    python benchmarks/predict.py [--repeats 5] [--threads 2] [--json FILE]

A published snapshot of 4096 particles is predicted by the bundled network, with the prediction
written and with a map as well. ``import torch`` alone is the floor of every command that runs a
network; it and commands that run none take turns with the others. Figures are medians.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import options, published_file, write_record

from glassbotan.provenance import provenance

SNAPSHOT = published_file(401)
FIGURES = ("wall_seconds", "processor_seconds", "peak_mb")


def main() -> None:
    """Measure, print and, if asked, write JSON."""
    arguments = options(__doc__, repeats=5, threads=2).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sides = commands(Path(folder))
        for command in sides.values():
            run(command, arguments.threads)
        rounds = [
            {side: run(command, arguments.threads) for side, command in sides.items()}
            for _ in range(arguments.repeats)
        ]
    rows = [
        {"side": side, **{f: statistics.median(r[side][f] for r in rounds) for f in FIGURES}}
        for side in sides
    ]
    for row in rows:
        print(
            f"{row['side']}: {row['wall_seconds']:.2f} s, of the processor "
            f"{row['processor_seconds']:.2f} s; peak memory {row['peak_mb']:.0f} MB"
        )
    record = {"rows": rows, "provenance": provenance([SNAPSHOT], threads=arguments.threads)}
    write_record(record, arguments.json)


def commands(folder: Path) -> dict[str, list[str]]:
    """Return what is measured, by name."""
    glassbotan = ["-m", "glassbotan"]
    prediction = [*glassbotan, "predict", str(SNAPSHOT), "--output", str(folder / "prediction.npz")]
    return {
        "import torch": ["-c", "import torch"],
        "predict": prediction,
        "predict --map": [*prediction, "--map", str(folder / "map.png")],
        "models": [*glassbotan, "models"],
        "--help": [*glassbotan, "--help"],
        "import glassbotan": ["-c", "import glassbotan"],
    }


def run(command: list[str], threads: int) -> dict[str, float]:
    """Run Python with these arguments; return what it cost."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    usage = waited(process)
    return {
        "wall_seconds": time.perf_counter() - start,
        "processor_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,
    }


def waited(process: "subprocess.Popen[bytes]") -> resource.struct_rusage:
    """Wait for a process; return what it used."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{process.args} failed")
    return usage


if __name__ == "__main__":
    main()
