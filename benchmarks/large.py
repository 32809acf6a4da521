"""Time and memory of a prediction from 4 thousand to a million particles.

    python benchmarks/large.py [--copies 1,8,64,250] [--model botan] [--threads 1] [--json FILE]

A published snapshot is repeated along its axes, each particle moved by a thousandth of sigma so
that no two cells are the same. The network works in the form for large graphs (by spans of edges)
and, up to 64 copies, in the usual one. Each size and form has a process of its own, whose peak
resident memory is told above that of libraries and snapshot: of the search for neighbours, and of
search and forward pass together. With one thread times are the processor's. The exponent p of a
growth N^p is the slope of a straight line through all sizes, both axes logarithmic.
"""

import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from common import options, published_file, write_record

import glassbotan as gb
from glassbotan.provenance import provenance

SNAPSHOT = published_file(401)
SHAPES = {1: (1, 1, 1), 8: (2, 2, 2), 64: (4, 4, 4), 250: (5, 5, 10)}
FORMS = {"usual": 64, "spans": 250}
"""Which are measured up to how many copies: the usual form of a million particles takes 21 GB."""
GROWING = ("graph_seconds", "forward_seconds", "graph_gib", "peak_gib")
GIB = 2**30


def main() -> None:
    """Measure, print and, if asked, write JSON."""
    parser = options(__doc__, threads=1)
    parser.add_argument("--copies", default=",".join(map(str, SHAPES)))
    parser.add_argument("--model", default="botan")
    arguments = parser.parse_args()
    print("form   particles     edges  graph s  forward s  graph GiB  peak GiB")
    rows, exponents = [], {}
    for form, most in FORMS.items():
        copies = [k for k in map(int, arguments.copies.split(",")) if k <= most]
        of_form = [in_own_process(k, form, arguments.model, arguments.threads) for k in copies]
        rows += of_form
        if len(copies) > 1:
            exponents[form] = {name: exponent(of_form, name) for name in GROWING}
            graph, forward, graph_memory, peak = exponents[form].values()
            print(
                f"{form:6s} growth N^p, p = {graph:10.2f} {forward:10.2f} "
                f"{graph_memory:10.2f} {peak:9.2f}"
            )
    made = provenance([SNAPSHOT], model=arguments.model, threads=arguments.threads)
    record = {"rows": rows, "exponents": exponents, "provenance": made}
    write_record(record, arguments.json)


def in_own_process(copies: int, form: str, model: str, threads: int) -> dict[str, str | float]:
    """Measure where nothing was measured before (a process keeps its peak); print the row."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as child:
        row = child.submit(measured, copies, form, model, threads).result()
    print(
        f"{form:6s} {row['particles']:9d} {row['edges']:9d} {row['graph_seconds']:8.2f} "
        f"{row['forward_seconds']:10.2f} {row['graph_gib']:10.2f} {row['peak_gib']:9.2f}",
        flush=True,
    )
    return row


def measured(copies: int, form: str, model: str, threads: int) -> dict[str, str | float]:
    """Return times and peaks of one size in one form."""
    # Read by the neighbour search.
    os.environ["OMP_NUM_THREADS"] = str(threads)
    import torch

    from glassbotan.models import spans

    spans.MOST_EDGES_AT_ONCE = 0 if form == "spans" else sys.maxsize
    torch.set_num_threads(threads)
    clock = time.process_time if threads == 1 else time.perf_counter
    network = gb.load_model(model)
    snapshot = repeated(gb.read(SNAPSHOT), SHAPES[copies])
    base = peak_gib()
    # Short runs are more easily disturbed.
    repeats = 5 if copies < 64 else 1

    graph_seconds, graph = timed(
        lambda: gb.neighbour_graph(snapshot, network.settings.cutoff), clock, repeats
    )
    after_graph = peak_gib()
    with torch.inference_mode():
        forward_seconds, _ = timed(lambda: network(graph), clock, repeats)
    return {
        "form": form,
        "particles": snapshot.n_particles,
        "edges": graph.n_edges,
        "graph_seconds": graph_seconds,
        "forward_seconds": forward_seconds,
        "libraries_gib": base,
        "graph_gib": after_graph - base,
        "peak_gib": peak_gib() - base,
    }


def repeated(snapshot: gb.Snapshot, shape: tuple[int, int, int]) -> gb.Snapshot:
    """Return so many copies along each axis, with slightly moved particles."""
    cells = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1).reshape(-1, 3)
    positions = (snapshot.positions + cells[:, None] * snapshot.box).reshape(-1, 3)
    moved = np.random.default_rng(1).normal(scale=1e-3, size=positions.shape)
    return gb.Snapshot(
        positions + moved, np.tile(snapshot.species, len(cells)), snapshot.box * shape
    )


def timed(
    run: Callable[[], object], clock: Callable[[], float], repeats: int
) -> tuple[float, object]:
    """Return the median of the seconds that a run takes, and what it returns."""
    durations = []
    for _ in range(repeats):
        start = clock()
        result = run()
        durations.append(clock() - start)
    return statistics.median(durations), result


def peak_gib() -> float:
    """Return the largest resident memory that this process ever had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIB


def exponent(rows: list[dict[str, str | float]], name: str) -> float:
    """Return the slope of log(name) against log(particles)."""
    particles, values = ([row[key] for row in rows] for key in ("particles", name))
    return float(np.polyfit(np.log(particles), np.log(values), 1)[0])


if __name__ == "__main__":
    main()
