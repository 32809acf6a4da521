"""BOTAN on a GPU: kernels checked, then timed against the textbook form and the GPU's limits.

    python benchmarks/gpu_network.py [--quick] [--compile] [--tune KERNEL ...] [--json FILE]

Needs PyTorch, Triton, NumPy and PyTorch Geometric alone (PYTHONPATH=src where the package is not
installed), and a few minutes. The graph has the published size: 4096 jittered particles in a box of
15.05658, edges up to 2.0, 64 channels, 7 steps; weights are random.

1. Checks: outputs and gradients of every way of multiplying against PyTorch's in float64, two runs
   bit for bit, and a replayed CUDA graph against the kernels started one by one. A failed check
   ends the run with status 1.
2. Ceilings: copying, and multiplying both large matrices and the network's shapes.
3. Times: a training step (forward, backward, Adam) and a forward pass, median over rounds in which
   all forms alternate; time by kernel; peak memory.
4. 200 training steps over several graphs, which extrapolate to the publication's 400 snapshots and
   1000 epochs.

--compile adds torch.compile of the textbook and plain forms. --tune tries other tiles for the named
kernels (edges_forward, edges_backward, rows_backward, nodes_forward, ...) and tells which is best.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from common import options, write_record

from glassbotan.models.botan import Botan
from glassbotan.models.captured import CapturedLoss, padded, padded_rows, padded_size
from glassbotan.models.graph_tensors import GraphTensors
from glassbotan.models.kernels.choice import Path as ComputedBy
from glassbotan.models.kernels.choice import Triton, using
from glassbotan.models.kernels.edge_layout import edge_layout
from glassbotan.models.recurrent import RecurrentSettings

PARTICLES, BOX, CUTOFF = 4096, 15.05658, 2.0
SETTINGS = RecurrentSettings(times=(4120.0,))
PUBLISHED_STEPS = 400 * 1000
Targets = list[Tensor]


@dataclass(frozen=True)
class Way:
    """A way of computing: path, PyTorch's own precision of float32 products, autocast."""

    name: str
    path: ComputedBy
    products: str = "highest"
    bfloat16: bool = False

    @contextmanager
    def chosen(self) -> Iterator[None]:
        """Compute this way within the context."""
        torch.set_float32_matmul_precision(self.products)
        with ExitStack() as stack:
            stack.enter_context(using(self.path))
            stack.enter_context(torch.autocast("cuda", torch.bfloat16, enabled=self.bfloat16))
            yield


PLAIN, PLAIN_TF32 = Way("float32", None), Way("TF32", None, "high")
KERNELS = [
    Way("float32 (three TF32)", Triton("tf32x3")),
    Way("TF32", Triton("tf32"), "high"),
    Way("bfloat16", Triton("tf32"), "high", bfloat16=True),
]
LARGEST_ERRORS = {
    # Of outputs and of gradients, relative to their norms; a gradient has ReLUs that switch.
    "float32 (three TF32)": (1e-5, 1e-3),
    "TF32": (5e-3, 5e-2),
    "bfloat16": (5e-2, 2e-1),
}


def main() -> None:
    """Check, measure, print and, if asked, write JSON."""
    parser = options(__doc__)
    parser.add_argument("--quick", action="store_true", help="checks and few rounds")
    parser.add_argument("--compile", action="store_true", help="torch.compile too")
    parser.add_argument("--tune", nargs="*", default=[], metavar="KERNEL")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("benchmarks/gpu_network.py: PyTorch sees no GPU here")
    record: dict[str, Any] = {"machine": machine()}
    print(record["machine"], flush=True)
    graphs = [example(seed) for seed in range(2 if arguments.quick else 8)]
    rounds = 3 if arguments.quick else 15
    parts: dict[str, Callable[[], Any]] = {
        "checks": lambda: checks(graphs[0]),
        "ceilings": ceilings,
        "times": lambda: times(graphs[0], rounds, compiled=arguments.compile),
        "kernels": lambda: kernel_times(graphs[0], record["ceilings"]),
        "training": lambda: [training(graphs, way) for way in KERNELS],
        "tiles": lambda: [row for kernel in arguments.tune for row in tuned(graphs[0], kernel)],
    }
    for name, part in parts.items():
        print(f"\n## {name}", flush=True)
        record[name] = part()
        write_record(record, arguments.json)
    if not all(row["passed"] for row in record["checks"]):
        sys.exit("a check failed")


def machine() -> dict[str, str]:
    """Return what ran."""
    import triton

    return {
        "gpu": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "triton": triton.__version__,
        "cuda": str(torch.version.cuda),
    }


# The graph


def example(seed: int) -> tuple[GraphTensors, Targets]:
    """Return a graph of a dense liquid's size, with targets and their weights."""
    generator = torch.Generator().manual_seed(seed)
    per_edge = round(PARTICLES ** (1 / 3))
    sites = torch.cartesian_prod(*[torch.arange(per_edge)] * 3) + 0.5
    jitter = 0.4 * (torch.rand(PARTICLES, 3, generator=generator) - 0.5)
    positions = ((sites + jitter) * (BOX / per_edge)).cuda()
    vectors = positions[:, None] - positions[None, :]  # from the second to the first
    vectors -= BOX * torch.round(vectors / BOX)
    near = vectors.norm(dim=-1) < CUTOFF
    near.fill_diagonal_(False)
    receivers, senders = near.nonzero(as_tuple=True)
    graph = GraphTensors(
        species=(torch.rand(PARTICLES, 1, generator=generator) < 0.2).float().cuda(),
        vectors=vectors[receivers, senders],
        layout=edge_layout(senders, receivers, PARTICLES),
    )
    targets = []
    for rows in (PARTICLES, len(senders)):
        targets.append(torch.rand(rows, 1, generator=generator).cuda())
        targets.append(torch.full((rows, 1), 1 / rows, device="cuda"))
    return graph, targets


def with_padding(graph: GraphTensors, targets: Targets) -> tuple[GraphTensors, Targets]:
    """Return graph and targets of the size that is captured."""
    size = padded_size(graph)
    rows = (size.n_nodes, size.n_nodes, size.n_edges, size.n_edges)
    return padded(graph, size), [padded_rows(t, n) for t, n in zip(targets, rows, strict=True)]


def in_float64(graph: GraphTensors) -> GraphTensors:
    """Return the graph in double precision."""
    return GraphTensors(graph.species.double(), graph.vectors.double(), graph.layout)


def loss_of(
    outputs: dict[str, Tensor] | tuple[Tensor, Tensor], targets: Sequence[Tensor]
) -> Tensor:
    """Return BOTAN's loss at p = 0.4; weights are 1 / N and 1 / E, and 0 for padding."""
    nodes, bonds = outputs.values() if isinstance(outputs, dict) else outputs
    of_nodes, node_weights, of_bonds, bond_weights = targets
    of_particles = (node_weights * (nodes.float() - of_nodes).square()).sum()
    return 0.4 * of_particles + 0.6 * (bond_weights * (bonds.float() - of_bonds).square()).sum()


def network() -> Botan:
    """Return BOTAN with the same random weights every time."""
    torch.manual_seed(0)
    return Botan(SETTINGS).cuda()


# 1. Checks


def checks(given: tuple[GraphTensors, Targets]) -> list[dict[str, Any]]:
    """Compare the kernels with float64, with themselves and with their CUDA graph."""
    graph, targets = given
    reference = results(network().double(), in_float64(graph), targets, PLAIN)
    rows = []
    for way in [PLAIN, *KERNELS]:
        first, second = (results(network(), graph, targets, way) for _ in range(2))
        errors = [difference(a, b) for a, b in zip(first, reference, strict=True)]
        row: dict[str, Any] = {
            "by": "PyTorch" if way.path is None else "Triton",
            "way": way.name,
            "errors": dict(zip(("nodes", "bonds", "gradients"), errors, strict=True)),
            "same_bits": all(torch.equal(a, b) for a, b in zip(first, second, strict=True)),
            "passed": True,
        }
        if way.path is not None:
            of_outputs, of_gradients = LARGEST_ERRORS[way.name]
            replay = replay_error(graph, targets, way, first[2])
            accurate = max(errors[:2]) < of_outputs and errors[2] < of_gradients
            row["replay_error"] = replay
            row["passed"] = accurate and row["same_bits"] and replay < of_gradients
        rows.append(row)
        print(row, flush=True)
    return rows


def results(model: Botan, graph: GraphTensors, targets: Targets, way: Way) -> list[Tensor]:
    """Return outputs and gradients, the latter as one vector."""
    with way.chosen():
        outputs = model(graph)
        loss = loss_of(outputs, targets)
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    nodes, bonds = outputs.values()
    return [nodes.detach(), bonds.detach(), torch.cat([g.flatten() for g in gradients])]


def replay_error(graph: GraphTensors, targets: Targets, way: Way, expected: Tensor) -> float:
    """Return the error of padded, replayed gradients after a replay of something else."""
    model = network()
    captured = CapturedLoss(model, loss_of)
    padded_graph, padded_targets = with_padding(graph, targets)
    with way.chosen():
        captured(padded_graph.turned(-torch.eye(3, device="cuda")), padded_targets)
        loss = captured(padded_graph, padded_targets)
    loss.backward()
    return difference(torch.cat([p.grad.flatten() for p in model.parameters()]), expected)


def difference(a: Tensor, b: Tensor) -> float:
    """Return the norm of a - b over that of b."""
    return float((a.double() - b.double()).norm() / b.double().norm())


# 2. Ceilings


def ceilings() -> dict[str, float]:
    """Return bytes a second copied, and operations a second of products."""
    source = torch.randn(1 << 28, device="cuda")
    target = torch.empty_like(source)
    found = {"copy_bytes": 2 * source.nbytes / seconds(lambda: target.copy_(source), 10)}
    for name, precision, dtype in (
        ("float32", "highest", torch.float32),
        ("TF32", "high", torch.float32),
        ("bfloat16", "high", torch.bfloat16),
    ):
        torch.set_float32_matmul_precision(precision)
        for shape, (m, n, k) in {
            "large": (8192, 8192, 8192),
            "network": (166240, 64, 64),
        }.items():
            a, b = (torch.randn(s, device="cuda", dtype=dtype) for s in ((m, k), (k, n)))
            out = torch.empty(m, n, device="cuda", dtype=dtype)
            taken = seconds(lambda a=a, b=b, out=out: torch.mm(a, b, out=out), 10)
            found[f"{name}_{shape}_flops"] = 2.0 * m * n * k / taken
    for name, rate in found.items():
        print(f"{name}: {rate / 1e12:.2f}e12 /s", flush=True)
    return found


def seconds(run: Callable[[], object], repeats: int) -> float:
    """Return the time of one run on the GPU, after one that does not count."""
    run()
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(repeats):
        run()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1e3 / repeats


# 3. Times


def times(
    given: tuple[GraphTensors, Targets], rounds: int, *, compiled: bool
) -> list[dict[str, Any]]:
    """Return a row for every form of a training step and of a forward pass."""
    rows = []
    for workload, forms in (("training step", steps(given)), ("forward pass", forwards(given))):
        chosen = {n: f for n, f in forms.items() if compiled or "torch.compile" not in n}
        rows += measured(workload, chosen, rounds, given[0])
    return rows


def measured(
    workload: str, forms: dict[str, Callable[[], object]], rounds: int, graph: GraphTensors
) -> list[dict[str, Any]]:
    """Run all forms in turn; return a row for each that ran."""
    peaks: dict[str, float] = {}
    for name, run in list(forms.items()):
        torch.cuda.reset_peak_memory_stats()
        try:
            seconds(run, 2)
        except Exception as error:  # noqa: BLE001 - torch.compile fails in many ways
            print(f"{workload}, {name}: failed, {str(error)[:300]}", flush=True)
            del forms[name]
        peaks[name] = torch.cuda.max_memory_allocated() / 2**30
    taken = [{name: seconds(run, 5) for name, run in forms.items()} for _ in range(rounds)]
    flops = forward_flops(graph) * (3 if workload == "training step" else 1)
    rows = []
    for name in forms:
        median = statistics.median(t[name] for t in taken)
        slower = {
            f"times_{base}": statistics.median(t[f"textbook, {base}"] / t[name] for t in taken)
            for base in ("float32", "TF32")
        }
        row = {
            "workload": workload,
            "form": name,
            "milliseconds": 1e3 * median,
            "tflops": flops / median / 1e12,
            "peak_gib": peaks[name],
            **slower,
        }
        rows.append(row)
        print(
            f"{workload:14}{name:44}{row['milliseconds']:8.3f} ms{row['tflops']:7.1f} TFLOP/s"
            f"{row['peak_gib']:7.2f} GiB{slower['times_float32']:7.1f} x textbook float32"
            f"{slower['times_TF32']:7.1f} x textbook TF32",
            flush=True,
        )
    return rows


def forward_flops(graph: GraphTensors) -> float:
    """Return the operations of the products, first layers split, each term computed once."""
    d, h, steps, times = SETTINGS.dimension, SETTINGS.width, SETTINGS.steps, len(SETTINGS.times)
    decoder = 2 * h * h + h * times
    edge = d * h + h * h + h * h + steps * 2 * h * h + decoder
    node = h + h * h + steps * (2 * h * h + 4 * h * h) + decoder
    return 2.0 * (graph.layout.n_nodes * node + graph.layout.n_edges * edge)


def steps(given: tuple[GraphTensors, Targets]) -> dict[str, Callable[[], object]]:
    """Return training steps by name; the textbook's first."""
    graph, targets = given
    forms: dict[str, Callable[[], object]] = {}
    for way in (PLAIN, PLAIN_TF32):
        for name, model, inputs in by_pytorch(graph):
            forms[f"{name}, {way.name}"] = step(
                model, lambda m=model, i=inputs: loss_of(m(*i), targets), way
            )
    padded_graph, padded_targets = with_padding(graph, targets)
    for way in KERNELS:
        model = network()
        forms[f"Triton, {way.name}"] = step(model, lambda m=model: loss_of(m(graph), targets), way)
        model = network()
        captured = CapturedLoss(model, loss_of)
        forms[f"Triton and CUDA graph, {way.name}"] = step(
            model, lambda c=captured: c(padded_graph, padded_targets), way
        )
    return forms


def by_pytorch(graph: GraphTensors) -> list[tuple[str, torch.nn.Module, tuple[Any, ...]]]:
    """Return the textbook's form and this package's plain one, with and without compiling."""
    from models.textbook import textbook_of

    index = torch.stack([graph.layout.senders, graph.layout.receivers])
    inputs = (graph.species, index, graph.vectors)
    found: list[tuple[str, torch.nn.Module, tuple[Any, ...]]] = [
        ("textbook", textbook_of(network()).cuda(), inputs),
        ("PyTorch", network(), (graph,)),
    ]
    for name, _, given in list(found):
        copy = textbook_of(network()).cuda() if name == "textbook" else network()
        found.append((f"{name}, torch.compile", torch.compile(copy, dynamic=False), given))
    return found


def step(model: torch.nn.Module, loss: Callable[[], Tensor], way: Way) -> Callable[[], object]:
    """Return a training step."""
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-5, fused=True)

    def run() -> None:
        optimiser.zero_grad()
        with way.chosen():
            found = loss()
        found.backward()
        optimiser.step()

    return run


def forwards(given: tuple[GraphTensors, Targets]) -> dict[str, Callable[[], object]]:
    """Return forward passes without gradients by name."""
    graph, _ = given

    def form(model: torch.nn.Module, inputs: tuple[Any, ...], way: Way) -> Callable[[], object]:
        def run() -> None:
            with way.chosen(), torch.no_grad():
                model(*inputs)

        return run

    found = {
        f"{name}, {way.name}": form(model, inputs, way)
        for way in (PLAIN, PLAIN_TF32)
        for name, model, inputs in by_pytorch(graph)
    }
    return found | {f"Triton, {w.name}": form(network(), (graph,), w) for w in KERNELS}


def kernel_times(
    given: tuple[GraphTensors, Targets], measured_ceilings: dict[str, float]
) -> list[dict[str, Any]]:
    """Return the time of each kernel within a training step, longest first."""
    graph, targets = given
    edge_tensor = graph.layout.n_edges * SETTINGS.width
    # Edge tensors that a call reads and writes; nodes' are a fortieth of these.
    tensors = {
        "edges_forward": 4,
        "edges_backward": 6,
        "sums_at_receivers": 1,
        "sums_at_both_ends": 2,
    }
    rows = []
    for way in KERNELS:
        run = step(model := network(), lambda m=model: loss_of(m(graph), targets), way)
        run()
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
            for _ in range(5):
                run()
            torch.cuda.synchronize()
        events = sorted(
            (e for e in profile.key_averages() if e.self_device_time_total > 0),
            key=lambda e: -e.self_device_time_total,
        )
        total = sum(e.self_device_time_total for e in events) / 5
        print(f"{way.name}: {total:.0f} microseconds of kernels a step", flush=True)
        for event in events[:20]:
            name, calls = event.key, event.count / 5
            each = event.self_device_time_total / event.count
            row = {"way": way.name, "kernel": name, "calls": calls, "microseconds": each}
            if name in tensors:
                size = 2 if way.bfloat16 else 4
                rate = tensors[name] * edge_tensor * size / each * 1e6
                row["share_of_copy"] = rate / measured_ceilings["copy_bytes"]
            rows.append(row)
            share = f"{row['share_of_copy']:7.0%} of copying" if "share_of_copy" in row else ""
            print(f"  {name[:70]:70}{calls:6.1f} x{each:9.1f} us{share}", flush=True)
    return rows


# 4. Training


def training(
    graphs: list[tuple[GraphTensors, Targets]], way: Way, n_steps: int = 200
) -> dict[str, Any]:
    """Measure steps over several graphs, turned and clipped, with loading excluded."""
    ready = [with_padding(*given) for given in graphs]
    model = network()
    captured = CapturedLoss(model, loss_of)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
    turns = torch.linalg.qr(torch.randn(48, 3, 3, device="cuda"))[0]
    losses = []
    for k in range(-20, n_steps):
        if k == 0:
            torch.cuda.synchronize()
            start = time.perf_counter()
        graph, targets = ready[k % len(ready)]
        with way.chosen():
            loss = captured(graph.turned(turns[k % len(turns)]), targets)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        losses.append(loss.detach())
    torch.cuda.synchronize()
    each = (time.perf_counter() - start) / n_steps
    row = {
        "way": way.name,
        "steps": n_steps,
        "sizes": len({padded_size(graph) for graph, _ in graphs}),
        "milliseconds": 1e3 * each,
        "published_minutes": each * PUBLISHED_STEPS / 60,
        "first_loss": float(losses[0]),
        "last_loss": float(losses[-1]),
    }
    print(
        f"{way.name}: {row['milliseconds']:.3f} ms a step; 400 snapshots, 1000 epochs: "
        f"{row['published_minutes']:.1f} minutes; loss {row['first_loss']:.4f} to "
        f"{row['last_loss']:.4f}",
        flush=True,
    )
    return row


# Tiles


def tuned(given: tuple[GraphTensors, Targets], kernel: str) -> list[dict[str, Any]]:
    """Time a replayed training step with other tiles of one kernel."""
    from glassbotan.models.kernels.gpu.launch import TILES, Tile

    graph, targets = with_padding(*given)
    edges = kernel.startswith(("edges", "rows"))
    candidates = (
        [Tile(32, 4), Tile(64, 4), Tile(64, 8), Tile(128, 4), Tile(128, 8)]
        if edges
        else [Tile(16, 2), Tile(16, 4), Tile(32, 4), Tile(64, 4)]
    )
    rows = []
    for way in KERNELS:
        multiplied = "bf16" if way.bfloat16 else way.path.precision
        usual = TILES[kernel][multiplied]
        for tile in candidates:
            TILES[kernel][multiplied] = tile
            model = network()
            captured = CapturedLoss(model, loss_of)
            run = step(model, lambda c=captured: c(graph, targets), way)
            try:
                best = min(seconds(run, 20) for _ in range(3))
            except Exception as error:  # noqa: BLE001 - such as more shared memory than there is
                print(f"{kernel}, {way.name}, {tile}: {str(error)[:100]}", flush=True)
                continue
            rows.append(
                {"kernel": kernel, "way": way.name, "tile": tile, "milliseconds": 1e3 * best}
            )
            mark = " (as set)" if tile == usual else ""
            print(f"{kernel}, {way.name}, {tile}: {1e3 * best:.3f} ms{mark}", flush=True)
        TILES[kernel][multiplied] = usual
    return rows


if __name__ == "__main__":
    main()
