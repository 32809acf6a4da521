"""The blocked edge update against the plain formula."""

import pytest
import torch

import glassbotan as gb
from conftest import random_snapshot
from glassbotan.models.kernels.edge_layout import edge_layout
from glassbotan.models.kernels.edge_update import edge_update


def plain(sender_terms, receiver_terms, edge_terms, edges, weights, layout):
    edge_weight, out_weight, out_bias = weights
    hidden = (
        sender_terms[layout.senders]
        + receiver_terms[layout.receivers]
        + edge_terms
        + edges @ edge_weight.T
    ).relu()
    updated = (hidden @ out_weight.T + out_bias).relu()
    return updated, torch.zeros_like(sender_terms).index_add(0, layout.receivers, updated)


def made_up(block_edges: int, width: int = 8):
    graph = gb.neighbour_graph(random_snapshot(50), 1.8)
    layout = edge_layout(
        *torch.from_numpy(graph.edge_index), graph.n_particles, block_edges=block_edges
    )
    generator = torch.Generator().manual_seed(2)
    shapes = [(50, width)] * 2 + [(graph.n_edges, width)] * 2 + [(width, width)] * 2 + [(width,)]
    tensors = [
        torch.randn(s, generator=generator, dtype=torch.float64, requires_grad=True) for s in shapes
    ]
    return tensors, layout


@pytest.mark.parametrize("block_edges", [1, 37, 100_000])
def test_equals_the_plain_formula_and_its_gradient(block_edges):
    tensors, layout = made_up(block_edges)
    *inputs, m, w, b = tensors
    outputs = [f(*inputs, (m, w, b), layout) for f in (edge_update, plain)]
    gradients = []
    for updated, received in outputs:
        loss = (updated * torch.sin(updated)).sum() + received.square().sum()
        gradients.append(torch.autograd.grad(loss, tensors))
    for ours, expected in zip(*outputs, strict=True):
        assert torch.allclose(ours, expected, rtol=1e-12, atol=1e-12)
    for ours, expected in zip(*gradients, strict=True):
        assert torch.allclose(ours, expected, rtol=1e-10, atol=1e-10)


def test_without_gradients_the_result_is_the_same():
    tensors, layout = made_up(64)
    *inputs, m, w, b = tensors
    with_gradients = edge_update(*inputs, (m, w, b), layout)
    with torch.no_grad():
        without = edge_update(*inputs, (m, w, b), layout)
    for a, c in zip(with_gradients, without, strict=True):
        assert torch.equal(a, c)


@pytest.mark.parametrize("block_edges", [1, 10, 1000])
def test_blocks_partition_edges_and_nodes(block_edges):
    _, layout = made_up(block_edges)
    assert [b.edges.start for b in layout.blocks][1:] == [b.edges.stop for b in layout.blocks][:-1]
    assert layout.blocks[0].edges.start == layout.blocks[0].nodes.start == 0
    assert layout.blocks[-1].edges.stop == layout.n_edges
    assert layout.blocks[-1].nodes.stop == layout.n_nodes
    for block in layout.blocks:
        received = layout.receivers[block.edges]
        assert ((received >= block.nodes.start) & (received < block.nodes.stop)).all()
