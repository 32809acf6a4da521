"""Speed of BOTAN here against its textbook form in PyTorch Geometric, in one alternating run.

    python benchmarks/network.py [--repeats 5] [--threads 2] [--json FILE]

Both sides have the same weights and take the same published snapshot; a training step is forward,
backward and Adam. Each figure is the median over the repeats, each ratio the median of the
ratios of neighbouring runs.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn.functional import mse_loss

import glassbotan as gb
from glassbotan.datasets import load_labelled
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
    figures = {name: alternate(*sides, arguments.repeats) for name, sides in workloads().items()}
    for name, (textbook, ours, ratio) in figures.items():
        print(f"{name}: textbook {textbook:.3f} s, glassbotan {ours:.3f} s, ratio {ratio:.2f}")
    if arguments.json:
        rows = [
            {"workload": name, "textbook_s": t, "glassbotan_s": g, "ratio": r}
            for name, (t, g, r) in figures.items()
        ]
        record = {"rows": rows, "provenance": provenance([SNAPSHOT], threads=arguments.threads)}
        arguments.json.write_text(json.dumps(record, indent=2) + "\n")


def workloads() -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    """Return the textbook's and the product's form of each workload."""
    labels = load_labelled(SNAPSHOT)
    graph = labels.graph
    nodes = torch.from_numpy(labels.motion.propensity.T.copy()).float()
    bonds = torch.from_numpy(labels.motion.bond_extension.T.copy()).float()
    ours = gb.load_model("botan-2023-bonds-1").train()
    tensors = ours.tensors(graph)
    textbook = textbook_of(ours)
    inputs = (tensors.species, torch.from_numpy(graph.edge_index), tensors.vectors)
    return {
        "training step": (
            step(textbook, inputs, nodes, bonds),
            step(ours, (tensors,), nodes, bonds),
        ),
        "forward pass": (forward(textbook, inputs), forward(ours, (tensors,))),
    }


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


def alternate(
    first: Callable[[], object], second: Callable[[], object], repeats: int
) -> tuple[float, float, float]:
    """Run both sides in turn; return their medians and the median ratio."""
    first()
    second()
    pairs = [(timed(first), timed(second)) for _ in range(repeats)]
    return (
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(a / b for a, b in pairs),
    )


def timed(run: Callable[[], object]) -> float:
    """Return the seconds that one run takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
