"""The blocked edge update against the plain formula."""

import pytest
import torch

import glassbotan as gb
from conftest import random_snapshot
from glassbotan.models.kernels.edge_layout import EdgeLayout, blocks_of, edge_layout
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


def test_in_place_only_without_gradients():
    tensors, layout = made_up(64)
    *inputs, m, w, b = tensors
    expected, sums = edge_update(*inputs, (m, w, b), layout, in_place=True)
    given = inputs[3].detach().clone()
    assert torch.equal(given, inputs[3])
    with torch.no_grad():
        updated, received = edge_update(*inputs[:3], given, (m, w, b), layout, in_place=True)
    assert updated.data_ptr() == given.data_ptr()
    assert torch.equal(updated, expected)
    assert torch.equal(received, sums)


@pytest.mark.parametrize("span_edges", [1, 40, 100_000])
def test_parts_make_up_the_whole(span_edges):
    tensors, layout = made_up(64)
    *inputs, m, w, b = [x.detach() for x in tensors]
    sender_terms, receiver_terms, *edge_inputs = inputs
    expected = edge_update(*inputs, (m, w, b), layout)
    parts = [
        edge_update(
            sender_terms,
            receiver_terms[span.nodes],
            *(x[span.edges] for x in edge_inputs),
            (m, w, b),
            layout.part(span),
        )
        for span in blocks_of(layout.offsets, span_edges)
    ]
    for ours, whole in zip(zip(*parts, strict=True), expected, strict=True):
        assert torch.allclose(torch.cat(ours), whole, rtol=1e-13, atol=1e-13)


def test_edges_are_sorted_by_sender_only_where_asked():
    _, layout = made_up(64)
    assert "by_sender" not in vars(layout)
    moved = EdgeLayout.of_tensors({k: x.to("meta") for k, x in layout.tensors().items()})
    assert "by_sender" in vars(moved)
    assert {x.device.type for x in (moved.by_sender, moved.sender_offsets)} == {"meta"}
    for node in range(layout.n_nodes):
        sent = slice(layout.sender_offsets[node], layout.sender_offsets[node + 1])
        assert torch.equal(layout.by_sender[sent], torch.nonzero(layout.senders == node).flatten())


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
