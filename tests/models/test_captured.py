"""Padded graphs give the same loss and gradients; so does a CUDA graph, where there is a GPU."""

import pytest
import torch

import glassbotan as gb
from conftest import random_snapshot
from glassbotan.models.botan import Botan
from glassbotan.models.captured import CapturedLoss, Size, padded, padded_rows, padded_size
from glassbotan.models.graph_tensors import GraphInputs
from glassbotan.models.node_only import NodeOnly

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def weighted_squares(outputs, targets):
    pairs = zip(targets[::2], targets[1::2], strict=True)
    return sum(
        (weights * (values - wanted).square()).sum()
        for values, (wanted, weights) in zip(outputs.values(), pairs, strict=False)
    )


def made_up(n, *, seed=0, self_edges=False, dtype=torch.float64):
    """Return a graph, targets and weights of 1 / N and 1 / E."""
    graph = gb.neighbour_graph(random_snapshot(n, edge=4.2, seed=seed), 1.6)
    tensors = GraphInputs(graph, self_edges).tensors(dtype)
    generator = torch.Generator().manual_seed(seed)
    targets = []
    for rows in (tensors.layout.n_nodes, tensors.layout.n_edges):
        targets += [torch.rand(rows, 2, generator=generator, dtype=dtype)]
        targets += [torch.full((rows, 1), 1 / rows, dtype=dtype)]
    return tensors, targets


def with_padding(graph, targets, size):
    rows = (size.n_nodes, size.n_nodes, size.n_edges, size.n_edges)
    return padded(graph, size), [padded_rows(t, n) for t, n in zip(targets, rows, strict=True)]


def network(kind, dtype=torch.float64):
    torch.manual_seed(0)
    return kind(kind.settings_type(times=(1.0, 2.0), cutoff=1.6, width=16, steps=3)).to(dtype)


@pytest.mark.parametrize("kind", [Botan, NodeOnly])
@pytest.mark.parametrize("further", [Size(1, 1), Size(3, 100), Size(50, 7), Size(4, 0), Size(0, 0)])
def test_padding_changes_neither_loss_nor_gradients(kind, further):
    model = network(kind)
    graph, targets = made_up(30, self_edges=kind.settings_type.self_edges)
    size = Size(graph.layout.n_nodes + further.n_nodes, graph.layout.n_edges + further.n_edges)
    found = []
    for graph_and_targets in ((graph, targets), with_padding(graph, targets, size)):
        loss = CapturedLoss(model, weighted_squares)(*graph_and_targets)
        found.append((loss, *torch.autograd.grad(loss, list(model.parameters()))))
    for plain, with_more in zip(*found, strict=True):
        assert torch.allclose(plain, with_more, rtol=1e-12, atol=1e-14)


def test_padded_graphs_keep_what_they_have_and_their_order():
    graph, _ = made_up(30)
    more = padded(graph, Size(33, graph.layout.n_edges + 100))
    n, e = graph.layout.n_nodes, graph.layout.n_edges
    assert torch.equal(more.layout.senders[:e], graph.layout.senders)
    assert torch.equal(more.layout.receivers[:e], graph.layout.receivers)
    assert torch.equal(more.layout.senders[e:], more.layout.receivers[e:])
    assert (more.layout.receivers.diff() >= 0).all()
    assert torch.equal(more.layout.receivers[e:].unique(), torch.arange(n, n + 3))
    assert more.layout.offsets.diff()[n:].max() <= 34


def test_snapshots_of_a_density_share_few_sizes():
    sizes = {padded_size(made_up(200, seed=k)[0]) for k in range(5)}
    assert len(sizes) <= 2
    for size in sizes:
        assert size.n_edges % 4096 == 0
        assert size.n_nodes == 328


@needs_gpu
@pytest.mark.parametrize("autocast", [False, True])
def test_a_replayed_loss_is_the_computed_one(autocast):
    device = torch.device("cuda")
    model = network(Botan, torch.float32).to(device)
    captured = CapturedLoss(
        model, lambda x, t: weighted_squares({n: v.float() for n, v in x.items()}, t)
    )
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(6):
        graph, targets = made_up(60, seed=step % 2, dtype=torch.float32)
        graph, targets = with_padding(graph, targets, padded_size(graph))
        graph, targets = graph.each(lambda x: x.to(device)), [t.to(device) for t in targets]
        with torch.autocast("cuda", torch.bfloat16, enabled=autocast):
            replayed = captured(graph, targets)
            computed = captured._computed(graph, targets)
        expected = torch.autograd.grad(computed, list(model.parameters()))
        optimiser.zero_grad()
        replayed.backward()
        assert torch.equal(replayed, computed)
        for p, gradient in zip(model.parameters(), expected, strict=True):
            assert torch.equal(p.grad, gradient)
        optimiser.step()
