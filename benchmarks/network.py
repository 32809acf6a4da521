"""Speed of BOTAN here against its textbook form in PyTorch Geometric, in one alternating run.

    python benchmarks/network.py [--repeats 5] [--threads 2] [--json FILE]

All sides have the same weights and take the same published snapshot: the textbook form, this
package with PyTorch alone, and with its native kernels where they were built. A training step is
forward, backward and Adam. Each figure is the median over the repeats, each ratio the median of the
ratios of neighbouring runs. With one thread the time is the processor's, which other programs on
the machine disturb less. Shares are of the rate at which this machine multiplies [4096, 64] by
[64, 64] in the same run.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn.functional import mse_loss

import glassbotan as gb
from glassbotan.datasets import load_labelled
from glassbotan.models.kernels import native
from glassbotan.models.network import Settings
from glassbotan.provenance import provenance
from glassbotan.training.memory import keep_freed_memory

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY / "tests"))

from models.textbook import textbook_of  # noqa: E402

SNAPSHOT = REPOSITORY / "data/published/isoconfig_N4096T0.44_401_tc07.npz"


def main() -> None:
    """Measure, print and, if asked, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    clock = time.process_time if arguments.threads == 1 else time.perf_counter
    rows = []
    for workload in workloads():
        rows += measured(workload, arguments.repeats, clock)
        for row in rows[-len(workload.sides) :]:
            print(
                f"{row['workload']}, {row['side']}: {row['seconds']:.3f} s, "
                f"{row['ratio']:.2f} times as fast as the textbook form, "
                f"{row['gflops']:.0f} GFLOP/s, {row['share']:.0%} of the matrix peak"
            )
    if arguments.json:
        record = {"rows": rows, "provenance": provenance([SNAPSHOT], threads=arguments.threads)}
        arguments.json.write_text(json.dumps(record, indent=2) + "\n")


@dataclass(frozen=True)
class Workload:
    """What is measured: its forms, and the arithmetic that it needs."""

    name: str
    sides: dict[str, Callable[[], object]]
    flops: float


def workloads() -> list[Workload]:
    """Return training step and forward pass, each in the textbook's and the product's forms."""
    labels = load_labelled(SNAPSHOT)
    graph = labels.graph
    nodes = torch.from_numpy(labels.motion.propensity.T.copy()).float()
    bonds = torch.from_numpy(labels.motion.bond_extension.T.copy()).float()
    ours = gb.load_model("botan-2023-bonds-1").train()
    tensors = ours.tensors(graph)
    textbook = textbook_of(ours)
    inputs = (tensors.species, torch.from_numpy(graph.edge_index), tensors.vectors)
    flops = forward_flops(graph.n_particles, graph.n_edges, ours.settings)
    # The backward pass needs each product twice: for the inputs' gradients and the weights'.
    return [
        Workload(
            "training step",
            sides(step(textbook, inputs, nodes, bonds), step(ours, (tensors,), nodes, bonds)),
            3 * flops,
        ),
        Workload(
            "forward pass", sides(forward(textbook, inputs), forward(ours, (tensors,))), flops
        ),
    ]


def sides(
    textbook: Callable[[], object], ours: Callable[[], object]
) -> dict[str, Callable[[], object]]:
    """Return the textbook's form, and this package's with and without its native kernels."""

    def computed_by(variant: native.Variant | None) -> Callable[[], object]:
        def run() -> None:
            with native.using(variant):
                ours()

        return run

    by_variant = {f"native {v.name}": computed_by(v) for v in native.variants()[:1]}
    return {"textbook": textbook, "PyTorch": computed_by(None), **by_variant}


def forward_flops(n_nodes: int, n_edges: int, settings: Settings) -> float:
    """Return the operations of the products, first layers split, each term computed once."""
    d, h, steps, times = settings.dimension, settings.width, settings.steps, len(settings.times)
    decoder = 2 * h * h + h * times
    # Encoder and its term of the first layer; two products a step; decoder.
    edge = d * h + h * h + h * h + steps * 2 * h * h + decoder
    # Encoder; terms as sender and receiver, and the node perceptron, a step; decoder.
    node = h + h * h + steps * (2 * h * h + 4 * h * h) + decoder
    return 2.0 * (n_nodes * node + n_edges * edge)


def step(
    model: torch.nn.Module, inputs: tuple[object, ...], nodes: torch.Tensor, bonds: torch.Tensor
) -> Callable[[], object]:
    """Return a training step of BOTAN's loss at p = 0.4."""
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-5)

    def run() -> None:
        optimiser.zero_grad()
        predicted_nodes, predicted_bonds = model(*inputs)
        loss = 0.4 * mse_loss(predicted_nodes, nodes) + 0.6 * mse_loss(predicted_bonds, bonds)
        loss.backward()
        optimiser.step()

    return run


def forward(model: torch.nn.Module, inputs: tuple[object, ...]) -> Callable[[], object]:
    """Return a forward pass without gradients."""

    def run() -> None:
        with torch.inference_mode():
            model(*inputs)

    return run


def measured(
    workload: Workload, repeats: int, clock: Callable[[], float]
) -> list[dict[str, str | float]]:
    """Run all sides in turn; return a row for each."""
    for run in workload.sides.values():
        run()
    rounds = [
        {name: timed(run, clock) for name, run in workload.sides.items()} | {"peak": peak(clock)}
        for _ in range(repeats)
    ]
    best = max(r["peak"] for r in rounds)
    rows: list[dict[str, str | float]] = []
    for name in workload.sides:
        seconds = statistics.median(r[name] for r in rounds)
        rows.append(
            {
                "workload": workload.name,
                "side": name,
                "seconds": seconds,
                "ratio": statistics.median(r["textbook"] / r[name] for r in rounds),
                "gflops": workload.flops / seconds / 1e9,
                "share": workload.flops / seconds / best,
            }
        )
    return rows


def peak(clock: Callable[[], float]) -> float:
    """Return operations a second of products of the network's shape that stay in the cache."""
    a, b, c = torch.randn(4096, 64), torch.randn(64, 64), torch.empty(4096, 64)
    products = 100

    def run() -> None:
        for _ in range(products):
            torch.mm(a, b, out=c)

    return 2.0 * products * a.shape[0] * b.numel() / timed(run, clock)


def timed(run: Callable[[], object], clock: Callable[[], float]) -> float:
    """Return the seconds that one run takes."""
    start = clock()
    run()
    return clock() - start


if __name__ == "__main__":
    main()
