"""Triton's kernels against the plain formulas: interpreted, or on a GPU where there is one."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.nn.functional import linear

import glassbotan as gb
from conftest import random_snapshot
from glassbotan.models.botan import Botan
from glassbotan.models.kernels.choice import Triton, chosen, using
from glassbotan.models.kernels.edge_layout import edge_layout
from glassbotan.models.kernels.perceptron import perceptron
from glassbotan.models.node_only import NodeOnly
from glassbotan.models.recurrent import RecurrentSettings
from glassbotan.native_library import Variant

pytest.importorskip("triton")

from glassbotan.models.kernels.gpu.recurrence import Inputs, Weights, recurrence

ON_GPU = torch.cuda.is_available()
DEVICE = torch.device("cuda" if ON_GPU else "cpu")
EXACT = Triton("ieee", interpreted=not ON_GPU)
SPLIT, ROUNDED = (Triton(p, interpreted=not ON_GPU) for p in ("tf32x3", "tf32"))
# The interpreter alone has float64; on a GPU float32 stands in for it.
FINEST, TOLERANCE = (torch.float32, 2e-5) if ON_GPU else (torch.float64, 1e-12)
# Nodes without edges first, amid and last; one with more than a tile of them.
UNEVEN = [0, 3, 0, 140, 1, 17, 0]


def made_up(received, *, width, dtype=FINEST, seed=0, seen_at_first=False):
    """Return random inputs of a graph of which node j receives received[j] edges."""
    generator = torch.Generator().manual_seed(seed)
    n_nodes, counts = len(received), torch.tensor(received, dtype=torch.int64)
    receivers = torch.arange(n_nodes).repeat_interleave(counts)
    n_edges = len(receivers)
    senders = torch.randint(0, max(n_nodes, 1), (n_edges,), generator=generator)

    def random(*shape, scale=1.0):
        values = scale * torch.randn(shape, generator=generator, dtype=torch.float64)
        return values.to(DEVICE, dtype).requires_grad_()

    inputs = Inputs(
        nodes=random(n_nodes, width),
        edges=random(n_edges, width),
        edge_terms=random(n_edges, width),
        node_terms=random(n_nodes, width),
        weights=random(7, width, width, scale=width**-0.5),
        biases=random(2, width),
        sender_terms=random(n_nodes, width) if seen_at_first else None,
        receiver_terms=random(n_nodes, width) if seen_at_first else None,
    )
    return inputs, edge_layout(senders.to(DEVICE), receivers.to(DEVICE), n_nodes)


def plain(inputs, layout, steps):
    """The formula of ``recurrence``, as it is written there."""
    x, e, w = inputs.nodes, inputs.edges, Weights(*inputs.weights)
    sent = 0 if inputs.sender_terms is None else inputs.sender_terms
    own = 0 if inputs.receiver_terms is None else inputs.receiver_terms
    for _ in range(steps):
        of_ends = (linear(x, w.sender) + sent)[layout.senders]
        of_ends = of_ends + (linear(x, w.receiver) + own)[layout.receivers]
        hidden = (of_ends + linear(e, w.edge) + inputs.edge_terms).relu()
        e = linear(hidden, w.edge_out, inputs.biases[0]).relu()
        received = torch.zeros_like(x).index_add(0, layout.receivers, e)
        hidden = (linear(x, w.node) + linear(received, w.received) + inputs.node_terms).relu()
        x = linear(hidden, w.node_out, inputs.biases[1]).relu()
    return x, e


def with_gradients(function, inputs, *, outputs="both"):
    nodes, edges = function()
    loss = (nodes / (1 + nodes)).sum() if outputs != "edges" else 0.0
    loss = loss + ((edges / (2 + edges)).sum() if outputs != "nodes" else 0.0)
    return nodes, edges, *torch.autograd.grad(loss, [x for x in inputs if x is not None])


def both_ways(inputs, layout, path, *, steps=2, outputs="both"):
    ours = with_gradients(
        lambda: recurrence(inputs, layout, steps=steps, path=path), inputs, outputs=outputs
    )
    return ours, with_gradients(lambda: plain(inputs, layout, steps), inputs, outputs=outputs)


def assert_close(ours, expected, tolerance):
    for a, b in zip(ours, expected, strict=True):
        assert a.shape == b.shape
        difference, size = ((x.detach().double()).norm() for x in (a.double() - b.double(), b))
        assert float(difference) <= tolerance * (1e-3 + float(size))


@pytest.mark.parametrize(("width", "seen_at_first"), [(16, True), (32, False), (64, True)])
def test_the_recurrence_equals_the_plain_formula(width, seen_at_first):
    inputs, layout = made_up(UNEVEN, width=width, seen_at_first=seen_at_first)
    assert_close(*both_ways(inputs, layout, EXACT), TOLERANCE)


@pytest.mark.parametrize("outputs", ["nodes", "edges"])
def test_either_output_may_be_left_unused(outputs):
    inputs, layout = made_up([2, 0, 5], width=16, seed=3)
    assert_close(*both_ways(inputs, layout, EXACT, outputs=outputs), TOLERANCE)


@pytest.mark.parametrize(("path", "tolerance"), [(SPLIT, 2e-5), (ROUNDED, 1e-2)])
def test_float32(path, tolerance):
    inputs, layout = made_up(UNEVEN, width=16, dtype=torch.float32, seed=1)
    assert_close(*both_ways(inputs, layout, path), tolerance)


def test_bfloat16():
    inputs, layout = made_up(UNEVEN, width=16, dtype=torch.bfloat16, seed=1)
    wide = Inputs(*(None if x is None else x.detach().float().requires_grad_() for x in inputs))
    ours = with_gradients(lambda: recurrence(inputs, layout, steps=1, path=SPLIT), inputs)
    assert all(x.dtype == torch.bfloat16 for x in ours)
    expected = with_gradients(lambda: plain(wide, layout, 1), wide)
    # The interpreter cuts off what a GPU rounds; ReLUs within a rounding of zero switch.
    assert_close(ours[:2], expected[:2], 2e-2)
    assert_close(ours[2:], expected[2:], 1e-1)


def test_two_runs_give_the_same_bits():
    inputs, layout = made_up(UNEVEN, width=16, dtype=torch.float32)
    runs = [
        with_gradients(lambda: recurrence(inputs, layout, steps=1, path=SPLIT), inputs)
        for _ in range(2)
    ]
    assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))


def test_without_gradients_the_result_is_the_same_and_inputs_stay():
    inputs, layout = made_up(UNEVEN, width=16)
    before = [None if x is None else x.clone() for x in inputs]
    expected = recurrence(inputs, layout, steps=2, path=EXACT)
    with torch.no_grad():
        found = recurrence(inputs, layout, steps=2, path=EXACT)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert all(x is None or torch.equal(x, y) for x, y in zip(inputs, before, strict=True))


@pytest.mark.parametrize("received", [[0, 0, 0], []])
def test_graphs_without_edges_and_without_nodes(received):
    inputs, layout = made_up(received, width=16)
    ours, expected = both_ways(inputs, layout, EXACT)
    assert_close(ours, expected, TOLERANCE)


def test_not_a_number_stays_one_and_stays_where_it_is():
    inputs, layout = made_up([2, 3, 4], width=16)
    with torch.no_grad():
        inputs.edge_terms[0, 0] = torch.nan
        nodes, edges = recurrence(inputs, layout, steps=1, path=EXACT)
    assert edges[0].isnan().all()
    assert not edges[1:].isnan().any()
    assert nodes[0].isnan().all()
    assert not nodes[1:].isnan().any()


def test_a_second_derivative_is_refused():
    inputs, layout = made_up([2, 3], width=16)
    nodes, _ = recurrence(inputs, layout, steps=1, path=EXACT)
    first = torch.autograd.grad(nodes.square().sum(), inputs.nodes, create_graph=True)[0]
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


@pytest.mark.parametrize(("inputs", "width"), [(1, 16), (3, 32), (16, 16), (32, 64)])
def test_the_perceptron_equals_pytorch_s(inputs, width):
    generator = torch.Generator().manual_seed(1)
    shapes = [(2, 90, inputs), (width, inputs), (width,), (width, width), (width,)]
    x, *weights = (
        (torch.randn(s, generator=generator, dtype=torch.float64) / width**0.5)
        .to(DEVICE, FINEST)
        .requires_grad_()
        for s in shapes
    )
    x.requires_grad_(inputs >= 16)
    found = []
    for path in (EXACT, None):
        with using(path):
            y = perceptron(x, tuple(weights))
            wanted = [t for t in (x, *weights) if t.requires_grad]
            found.append((y, *torch.autograd.grad((y * torch.sin(y)).sum(), wanted)))
    assert_close(*found, TOLERANCE)


def outputs_and_gradients(model, graph, path, *, autocast=False):
    with using(path), torch.autocast(DEVICE.type, torch.bfloat16, enabled=autocast):
        outputs = list(model(graph).values())
        loss = sum(x.float().square().mean() for x in outputs)
        return *outputs, *torch.autograd.grad(loss, list(model.parameters()))


@pytest.mark.parametrize("network", [Botan, NodeOnly])
def test_the_networks_equal_pytorch_s(network):
    graph = gb.neighbour_graph(random_snapshot(16, edge=4.2), 1.6)
    torch.manual_seed(0)
    model = network(network.settings_type(times=(1.0, 2.0), cutoff=1.6, width=16, steps=2)).to(
        DEVICE, FINEST
    )
    found = [outputs_and_gradients(model, graph, path) for path in (EXACT, None)]
    assert_close(*found, TOLERANCE)


def test_autocast_computes_in_bfloat16_and_gives_gradients_in_float32():
    graph = gb.neighbour_graph(random_snapshot(16, edge=4.2), 1.6)
    torch.manual_seed(0)
    model = Botan(RecurrentSettings(times=(1.0,), cutoff=1.6, width=16, steps=2)).to(DEVICE)
    nodes, bonds, *gradients = outputs_and_gradients(model, graph, SPLIT, autocast=True)
    assert nodes.dtype == bonds.dtype == torch.bfloat16
    assert all(g.dtype == torch.float32 for g in gradients)
    expected = outputs_and_gradients(model, graph, None)
    flat = [torch.cat([x.float().flatten() for x in r]) for r in ([*gradients], expected[2:])]
    assert_close([nodes, bonds, flat[0]], [*expected[:2], flat[1]], 5e-2)


@pytest.mark.slow
@pytest.mark.skipif(ON_GPU, reason="a GPU has no float64 here")
def test_twenty_steps_of_training_end_at_the_same_weights():
    graph = gb.neighbour_graph(random_snapshot(16, edge=4.2), 1.6)
    weights = []
    for path in (EXACT, None):
        torch.manual_seed(4)
        model = Botan(RecurrentSettings(times=(1.0,), cutoff=1.6, steps=2, width=16)).double()
        optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
        with using(path):
            for _ in range(20):
                optimiser.zero_grad()
                nodes, bonds = model(graph).values()
                loss = (nodes - 1).square().mean() + (bonds - 0.1).square().mean()
                loss.backward()
                optimiser.step()
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert float((weights[0] - weights[1]).norm() / weights[1].norm()) < 1e-9


@pytest.mark.parametrize(
    ("path", "width", "tensor"),
    [
        (SPLIT, 24, torch.zeros(4, 24)),
        (SPLIT, 256, torch.zeros(4, 256)),
        (SPLIT, 16, torch.zeros(4, 16, dtype=torch.float16)),
        (Triton("tf32x3"), 16, torch.zeros(4, 16)),
        (Triton("tf32x3", interpreted=True), 16, torch.zeros(4, 16, device="meta")),
        (Variant(0, "any"), 16, torch.zeros(4, 16, device="meta")),
    ],
)
def test_what_a_path_cannot_do_pytorch_does(path, width, tensor):
    with using(path):
        assert chosen(width, [tensor]) is None


def test_the_kernels_are_for_gpus():
    assert not isinstance(chosen(16, [torch.zeros(4, 16)]), Triton)
    with using(Triton("tf32x3", interpreted=True)):
        assert isinstance(chosen(16, [torch.zeros(4, 16)]), Triton)


@pytest.mark.skipif(not ON_GPU, reason="needs a GPU")
def test_on_a_gpu_float32_is_multiplied_as_pytorch_is_told():
    before = torch.get_float32_matmul_precision()
    try:
        for told, precision in (("highest", "tf32x3"), ("high", "tf32")):
            torch.set_float32_matmul_precision(told)
            assert chosen(16, [torch.zeros(4, 16, device="cuda")]) == Triton(precision)
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize(
    ("way", "kernels"),
    [
        ("bf16", "edges"),
        *(pytest.param(way, "", marks=pytest.mark.slow) for way in ("bf16", "tf32", "tf32x3")),
    ],
)
def test_the_kernels_compile_for_a_gpu_without_one(way, kernels):
    # A process of its own: in this one the interpreter has taken the kernels' place.
    compiled = subprocess.run(
        [sys.executable, Path(__file__).with_name("compile_kernels.py"), way, kernels],
        capture_output=True,
        text=True,
        check=False,
    )
    assert compiled.returncode == 0, compiled.stderr[-2000:]
    spilled = [int(n) for n in re.findall(r"(\d+) bytes spilled", compiled.stdout)]
    assert len(spilled) >= 2
    assert max(spilled) < 100
