"""Speed of BOTAN here against its textbook form in PyTorch Geometric, in one alternating run.

    python benchmarks/network.py [--repeats 5] [--threads 2] [--json FILE]

All sides have the same weights and take the same published snapshot, each in a process of its own,
as its users run it: the textbook form; the same with freed memory kept, as this package's training
does; this package with PyTorch alone; and with its native kernels where they were built. A training
step is forward, backward and Adam. Each figure is the median over the repeats, each ratio the
median of the ratios of neighbouring runs. With one thread the time is the processor's, which other
programs on the machine disturb less. Shares are of the rate at which this machine multiplies
[4096, 64] by [64, 64] in the same run; peak memory is the whole process'.
"""

import statistics
from contextlib import ExitStack

from common import options, write_record
from network_sides import SIDES, SNAPSHOT, WORKLOADS, SideProcess

from glassbotan.provenance import provenance

Row = dict[str, str | float]


def main() -> None:
    """Measure, print and, if asked, write JSON."""
    arguments = options(__doc__, repeats=5, threads=2).parse_args()
    with ExitStack() as running:
        sides = {
            name: running.enter_context(SideProcess(name, arguments.threads)) for name in SIDES
        }
        sides = {name: side for name, side in sides.items() if side.available}
        rows = [row for name in WORKLOADS for row in measured(name, sides, arguments.repeats)]
    record = {"rows": rows, "provenance": provenance([SNAPSHOT], threads=arguments.threads)}
    write_record(record, arguments.json)


def measured(workload: str, sides: dict[str, SideProcess], repeats: int) -> list[Row]:
    """Run a workload on all sides in turn; print and return a row for each."""
    for side in sides.values():
        side.seconds(workload)
    *_, ours = sides.values()
    rounds, peaks = [], []
    for _ in range(repeats):
        rounds.append({name: side.seconds(workload) for name, side in sides.items()})
        peaks.append(ours.matrix_peak())
    flops = ours.flops(workload)
    rows: list[Row] = []
    for name, side in sides.items():
        seconds = statistics.median(one[name] for one in rounds)
        row: Row = {
            "workload": workload,
            "side": name,
            "seconds": seconds,
            "ratio": statistics.median(one["textbook"] / one[name] for one in rounds),
            "gflops": flops / seconds / 1e9,
            "share": flops / seconds / max(peaks),
            "peak_gib": side.peak_gib(),
        }
        print(
            f"{workload}, {name}: {seconds:.3f} s, {row['ratio']:.2f} times as fast as the "
            f"textbook form, {row['gflops']:.0f} GFLOP/s, {row['share']:.0%} of the matrix peak, "
            f"{row['peak_gib']:.2f} GiB",
            flush=True,
        )
        rows.append(row)
    return rows


if __name__ == "__main__":
    main()
