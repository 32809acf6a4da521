"""The forms of BOTAN that ``network.py`` compares, each in a process of its own."""

import multiprocessing
import re
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from common import REPOSITORY, published_file

if TYPE_CHECKING:
    import torch

    from glassbotan.models.recurrent import RecurrentNetwork as Network
    from glassbotan.models.recurrent import RecurrentSettings

SNAPSHOT = published_file(401)

TEXTBOOK, TUNED, PLAIN, NATIVE = "textbook", "textbook, memory kept", "PyTorch", "native"
SIDES = (TEXTBOOK, TUNED, PLAIN, NATIVE)
FORWARD, STEP = "forward pass", "training step"
WORKLOADS = (FORWARD, STEP)


class SideProcess:
    """One side, waiting in its process for what to run."""

    def __init__(self, side: str, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(side, threads, theirs), daemon=True)

    def __enter__(self) -> Self:
        self.process.start()
        self.available: bool = self.pipe.recv()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.terminate()
        self.process.join()

    def seconds(self, workload: str) -> float:
        """Return the seconds that one run of a workload takes."""
        return float(self._ask("seconds", workload))

    def flops(self, workload: str) -> float:
        """Return the operations that a workload needs."""
        return float(self._ask("flops", workload))

    def matrix_peak(self) -> float:
        """Return operations a second of products of the network's shape that stay in the cache."""
        return float(self._ask("matrix_peak"))

    def peak_gib(self) -> float:
        """Return the largest memory that the process has held."""
        return float(self._ask("peak_gib"))

    def _ask(self, *question: str) -> Any:
        self.pipe.send(question)
        return self.pipe.recv()


def serve(side: str, threads: int, pipe: Connection) -> None:
    """Answer a parent's questions for one side."""
    from glassbotan.models.kernels import native

    pipe.send(side != NATIVE or bool(native.variants()))
    form = Form(side, threads)
    while True:
        question, *arguments = pipe.recv()
        pipe.send(getattr(form, question)(*arguments))


class Form:
    """One form of the network with its inputs and targets."""

    def __init__(self, side: str, threads: int) -> None:
        import torch

        import glassbotan as gb
        from glassbotan.datasets import load_labelled
        from glassbotan.dynamics.bonds import both_ways
        from glassbotan.models.kernels import native
        from glassbotan.training.memory import keep_freed_memory

        torch.set_num_threads(threads)
        if side != TEXTBOOK:
            keep_freed_memory()
        self.clock = time.process_time if threads == 1 else time.perf_counter
        labels = load_labelled(SNAPSHOT)
        ours = gb.load_model("botan-2023-bonds-1").train()
        graph = gb.neighbour_graph(labels.motion.snapshot)
        tensors = ours.tensors(graph)
        textbook = side in (TEXTBOOK, TUNED)
        index = torch.from_numpy(graph.edge_index)
        self.model = textbook_of(ours) if textbook else ours
        self.inputs = (tensors.species, index, tensors.vectors) if textbook else (tensors,)
        self.targets = [
            torch.from_numpy(target.T.copy()).float()
            for target in (labels.motion.propensity, both_ways(labels.motion.bond_extension, graph))
        ]
        self.variant = native.variants()[0] if side == NATIVE else None
        self.forward_flops = forward_flops(graph.n_particles, graph.n_edges, ours.settings)
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=1e-5)

    def flops(self, workload: str) -> float:
        """Return the operations that a workload needs."""
        # The backward pass needs each product twice: for the inputs' gradients and the weights'.
        return self.forward_flops * (3 if workload == STEP else 1)

    def seconds(self, workload: str) -> float:
        """Run a workload once."""
        from glassbotan.models.kernels.choice import using

        with using(self.variant):
            return self._timed(self._step if workload == STEP else self._forward)

    def matrix_peak(self) -> float:
        """Return the rate of products of the network's shape."""
        import torch

        a, b, c = torch.randn(4096, 64), torch.randn(64, 64), torch.empty(4096, 64)
        products = 100

        def run() -> None:
            for _ in range(products):
                torch.mm(a, b, out=c)

        return 2.0 * products * a.shape[0] * b.numel() / self._timed(run)

    def peak_gib(self) -> float:
        """Return the process' largest memory until now."""
        status = Path("/proc/self/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 2**20

    def _timed(self, run: Callable[[], object]) -> float:
        start = self.clock()
        run()
        return self.clock() - start

    def _forward(self) -> None:
        import torch

        with torch.inference_mode():
            self.model(*self.inputs)

    def _step(self) -> None:
        """Take a training step of BOTAN's loss at p = 0.4."""
        from torch.nn.functional import mse_loss

        self.optimiser.zero_grad()
        outputs = self.model(*self.inputs)
        if isinstance(outputs, dict):
            outputs = outputs.values()
        nodes, bonds = (
            mse_loss(predicted, target)
            for predicted, target in zip(outputs, self.targets, strict=True)
        )
        (0.4 * nodes + 0.6 * bonds).backward()
        self.optimiser.step()


def textbook_of(model: "Network") -> "torch.nn.Module":
    """Return the tests' independent form with the same weights."""
    sys.path.insert(0, str(REPOSITORY / "tests"))
    from models.textbook import textbook_of as form_of

    return form_of(model)


def forward_flops(n_nodes: int, n_edges: int, settings: "RecurrentSettings") -> float:
    """Return the operations of the products, first layers split, each term computed once."""
    d, h, steps, times = settings.dimension, settings.width, settings.steps, len(settings.times)
    decoder = 2 * h * h + h * times
    # Encoder and its term of the first layer; two products a step; decoder.
    edge = d * h + h * h + h * h + steps * 2 * h * h + decoder
    # Encoder; terms as sender and receiver, and the node perceptron, a step; decoder.
    node = h + h * h + steps * (2 * h * h + 4 * h * h) + decoder
    return 2.0 * (n_nodes * node + n_edges * edge)
