"""Speed of a campaign on two workers against one, alternating.

    python benchmarks/workers.py [--time 13] [--repeats 2] [--workers 2] [--engine ensemble]
        [--json FILE]

Four tasks of the same cost: the two published snapshots, each at T = 0.44 twice, 8 trajectories.
Every run is a process of its own that makes a whole store, as ``glassbotan simulate campaign``
does. Of each run are measured: the wall time from the process' start to its end; the part of it
until trajectories move (import, reading, starting workers); and the processor time of all its
processes. Ratios, medians over the repeats of neighbouring runs, are

- of wall times, everything included;
- of wall times without the start;
- of processor times: K times the time of the run on one worker over that of the run on K workers.
  It is what K undisturbed cores reach, and other work on the machine disturbs it least.

The start, some seconds, takes its share of the first: ``--time 130`` shows a run of minutes.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml
from common import REPOSITORY, options, write_record

SNAPSHOTS = [
    REPOSITORY / f"data/published/isoconfig_N4096T0.44_{number}_tc07.npz" for number in (401, 402)
]


@dataclass(frozen=True)
class Seconds:
    """What one run took."""

    wall: float
    start: float
    processor: float


def main() -> None:
    """Measure, print and, if asked, write JSON."""
    parser = options(__doc__, repeats=2, workers=2)
    parser.add_argument("--time", type=float, default=13.0)
    parser.add_argument("--engine", default="ensemble")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="workers-") as folder:
        campaign = Path(folder) / "campaign.yaml"
        campaign.write_text(yaml.safe_dump(content(arguments.engine, arguments.time)))
        pairs = [
            (measure(campaign, 1), measure(campaign, arguments.workers))
            for _ in range(arguments.repeats)
        ]
    ratios = {
        "wall": median(one.wall / many.wall for one, many in pairs),
        "wall_without_start": median(
            (one.wall - one.start) / (many.wall - many.start) for one, many in pairs
        ),
        "processor": median(
            arguments.workers * one.processor / many.processor for one, many in pairs
        ),
    }
    print(
        f"{arguments.workers} workers against 1: {ratios['wall']:.2f} times as fast, "
        f"{ratios['wall_without_start']:.2f} without the start, {ratios['processor']:.2f} by "
        "processor time"
    )
    from glassbotan.provenance import provenance

    record = {
        "workers": arguments.workers,
        "time": arguments.time,
        "engine": arguments.engine,
        "ratios": ratios,
        "runs": [[asdict(run) for run in pair] for pair in pairs],
        "provenance": provenance(SNAPSHOTS),
    }
    write_record(record, arguments.json)


def content(engine: str, moment: float) -> dict[str, object]:
    """Return the campaign: four tasks of 8 trajectories."""
    return {
        "name": "workers",
        "snapshots": [str(path) for path in SNAPSHOTS],
        "temperature": [0.44, 0.44],
        "engine": engine,
        "times": [moment],
        "trajectories": 8,
        "block": 8,
    }


def measure(campaign: Path, workers: int) -> Seconds:
    """Run the campaign in a process of its own and return what it took."""
    with tempfile.TemporaryDirectory(prefix="workers-") as folder:
        command = [sys.executable, __file__, "--run", campaign, f"{folder}/a.zarr", workers]
        used = processor_seconds(resource.RUSAGE_CHILDREN)
        begin = time.time()
        said = subprocess.run([*map(str, command)], stdout=subprocess.PIPE, text=True, check=True)
        wall = time.time() - begin
    seconds = Seconds(
        wall=wall,
        start=float(said.stdout) - begin,
        processor=processor_seconds(resource.RUSAGE_CHILDREN) - used,
    )
    print(
        f"{workers} worker{'s' * (workers > 1)}: {seconds.wall:.1f} s, of which "
        f"{seconds.start:.1f} s before trajectories move; {seconds.processor:.1f} s of processor "
        "time",
        flush=True,
    )
    return seconds


def run(campaign: str, store: str, workers: str) -> None:
    """Run a campaign and print the time at which its trajectories began to move."""
    from glassbotan.simulation.campaign import load_campaign
    from glassbotan.simulation.resources import Resources
    from glassbotan.simulation.run import run_campaign

    moved: list[float] = []

    def hear(done: float, *_: object, **__: object) -> None:
        if done and not moved:
            moved.append(time.time())

    summary = run_campaign(
        load_campaign(campaign), store, resources=Resources(workers=int(workers)), progress=hear
    )
    if not summary.complete:
        raise SystemExit("the campaign was stopped")
    print(moved[0])


def processor_seconds(whose: int) -> float:
    """Return the processor time of processes that have ended."""
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


def median(values: Iterable[float]) -> float:
    """Return the median of an iterable."""
    return statistics.median(values)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run(*sys.argv[2:])
    else:
        main()
