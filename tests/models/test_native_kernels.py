"""The native kernels against PyTorch's form of the same functions."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import glassbotan as gb
from conftest import random_snapshot
from glassbotan import native_library
from glassbotan.models.botan import Botan
from glassbotan.models.kernels import native
from glassbotan.models.kernels.choice import chosen, using
from glassbotan.models.kernels.edge_layout import edge_layout
from glassbotan.models.kernels.edge_update import edge_update
from glassbotan.models.kernels.perceptron import perceptron
from glassbotan.models.node_only import NodeOnly

pytestmark = pytest.mark.skipif(not native.variants(), reason="built without the native kernels")

every_variant = pytest.mark.parametrize("variant", native.variants(), ids=lambda v: v.name)
every_precision = pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-11)]
)


@pytest.fixture(autouse=True)
def _same_number_of_threads_after():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def made_up(received, *, width, dtype=torch.float64, seed=0):
    """Return random tensors and edges of which node j receives received[j]."""
    generator = torch.Generator().manual_seed(seed)
    nodes, counts = len(received), torch.tensor(received, dtype=torch.int64)
    receivers = torch.arange(nodes).repeat_interleave(counts)
    edges = len(receivers)
    senders = torch.randint(0, max(nodes, 1), (edges,), generator=generator)
    shapes = [(nodes, width)] * 2 + [(edges, width)] * 2 + [(width, width)] * 2 + [(width,)]
    tensors = [torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes]
    for k in (4, 5):
        tensors[k] /= width**0.5
    inputs = [x.to(dtype).requires_grad_() for x in tensors]
    return inputs, edge_layout(senders, receivers, nodes)


def update_and_gradients(inputs, layout, variant, *, outputs="both"):
    with using(variant):
        *edges, m, w, b = inputs
        updated, received = edge_update(*edges, (m, w, b), layout)
        loss = (updated * torch.sin(updated)).sum() if outputs != "received" else 0.0
        loss = loss + (received.square().sum() if outputs != "updated" else 0.0)
        return updated, received, *torch.autograd.grad(loss, inputs)


def perceptron_and_gradients(x, weights, variant):
    with using(variant):
        y = perceptron(x, weights)
        wanted = (*([x] if x.requires_grad else []), *weights)
        return y, *torch.autograd.grad((y * torch.sin(y)).sum(), wanted)


def assert_close(ours, expected, tolerance):
    for a, b in zip(ours, expected, strict=True):
        assert a.shape == b.shape
        assert float((a - b).detach().norm()) <= tolerance * (1 + float(b.detach().norm()))


@every_variant
@every_precision
@pytest.mark.parametrize("width", [16, 32, 48, 64, 128])
def test_the_edge_update_equals_pytorch_s(variant, dtype, tolerance, width):
    # Nodes without edges first, amid and last; one that spans several blocks; spans of few rows.
    received = [0, 3, 0, 250, 1, 40, 40, 0, 7, 300, 0]
    inputs, layout = made_up(received, width=width, dtype=dtype)
    ours = update_and_gradients(inputs, layout, variant)
    assert_close(ours, update_and_gradients(inputs, layout, None), tolerance)


@given(
    received=st.lists(st.integers(0, 150), min_size=1, max_size=60),
    width=st.sampled_from([16, 32, 64, 128]),
    outputs=st.sampled_from(["both", "updated", "received"]),
    variant=st.sampled_from(native.variants() or [None]),
    seed=st.integers(0, 100),
)
@settings(max_examples=30, deadline=None)
def test_any_graph(received, width, outputs, variant, seed):
    inputs, layout = made_up(received, width=width, seed=seed)
    ours = update_and_gradients(inputs, layout, variant, outputs=outputs)
    assert_close(ours, update_and_gradients(inputs, layout, None, outputs=outputs), 1e-11)


@every_variant
@every_precision
@pytest.mark.parametrize(("inputs", "width"), [(1, 16), (3, 64), (192, 64), (64, 128), (16, 48)])
def test_the_perceptron_equals_pytorch_s(variant, dtype, tolerance, inputs, width):
    generator = torch.Generator().manual_seed(1)
    shapes = [(width, inputs), (width,), (width, width), (width,)]
    weights = tuple(
        (torch.randn(s, generator=generator, dtype=torch.float64) / width**0.5)
        .to(dtype)
        .requires_grad_()
        for s in shapes
    )
    x = torch.randn(7, 100, inputs, generator=generator, dtype=torch.float64).to(dtype)
    x.requires_grad_(inputs % 16 == 0)
    ours = perceptron_and_gradients(x, weights, variant)
    assert_close(ours, perceptron_and_gradients(x, weights, None), tolerance)


def test_inputs_whose_gradient_the_kernels_cannot_write_get_it_all_the_same():
    x = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    weights = tuple(torch.randn(s, dtype=torch.float64) for s in [(16, 3), (16,), (16, 16), (16,)])
    assert torch.autograd.gradcheck(lambda x: perceptron(x, weights), (x,))


def test_gradients_are_the_finite_differences():
    inputs, layout = made_up([2, 0, 3], width=16, seed=5)
    assert torch.autograd.gradcheck(
        lambda *x: edge_update(*x[:4], tuple(x[4:]), layout), tuple(inputs)
    )


def test_a_second_derivative_is_refused():
    inputs, layout = made_up([2, 3], width=16)
    updated, _ = edge_update(*inputs[:4], tuple(inputs[4:]), layout)
    first = torch.autograd.grad(updated.square().sum(), inputs[0], create_graph=True)[0]
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


@every_variant
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_number_of_threads_changes_no_bit(variant, dtype):
    inputs, layout = made_up([40] * 200 + [0] * 5, width=64, dtype=dtype)
    results = []
    for threads in (1, 2, 7):
        torch.set_num_threads(threads)
        results.append(update_and_gradients(inputs, layout, variant))
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@every_variant
def test_in_place_only_without_gradients(variant):
    inputs, layout = made_up([30, 0, 200], width=32)
    *edges, m, w, b = inputs
    with using(variant):
        expected, sums = edge_update(*edges, (m, w, b), layout, in_place=True)
        assert expected.data_ptr() != edges[3].data_ptr()
        given = edges[3].detach().clone()
        with torch.no_grad():
            updated, received = edge_update(*edges[:3], given, (m, w, b), layout, in_place=True)
    assert updated.data_ptr() == given.data_ptr()
    assert torch.equal(updated, expected)
    assert torch.equal(received, sums)


def test_a_graph_without_edges_and_one_without_nodes():
    for received in ([0, 0, 0], []):
        inputs, layout = made_up(received, width=16)
        updated, sums, *gradients = update_and_gradients(inputs, layout, native.variants()[0])
        assert updated.shape == (0, 16)
        assert sums.shape == (len(received), 16)
        assert all((x == 0).all() for x in (sums, *gradients))


def test_not_a_number_stays_one():
    inputs, layout = made_up([2, 3], width=16)
    with torch.no_grad():
        inputs[2][0, 0] = torch.nan
        updated, received = edge_update(*inputs[:4], tuple(inputs[4:]), layout)
    assert updated[0].isnan().all()
    assert received[0].isnan().all()
    assert not received[1].isnan().any()


@pytest.mark.parametrize(
    ("tensors", "width"),
    [
        ([torch.zeros(4, 24)], 24),
        ([torch.zeros(4, 16, dtype=torch.bfloat16)], 16),
        ([torch.zeros(4, 16), torch.zeros(4, 16, dtype=torch.float64)], 16),
        ([torch.zeros(16, 4).T], 16),
        ([torch.zeros(4, 16, device="meta")], 16),
    ],
)
def test_pytorch_computes_what_the_kernels_cannot(tensors, width):
    assert chosen(width, tensors) is None
    assert chosen(16, [torch.zeros(4, 16)]) == native.variants()[0]


@pytest.mark.parametrize("network", [Botan, NodeOnly])
def test_twenty_steps_of_training_end_at_the_same_weights(network):
    graph = gb.neighbour_graph(random_snapshot(80, edge=5.0), 2.0)
    weights = []
    for variant in (native.variants()[0], None):
        torch.manual_seed(4)
        model = network(network.settings_type(times=(1.0, 2.0), steps=3, width=32)).double()
        target = torch.linspace(0, 1, 80, dtype=torch.float64)[:, None]
        optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
        with using(variant):
            for _ in range(20):
                optimiser.zero_grad()
                nodes, *bonds = model(graph).values()
                loss = (nodes - target).square().mean()
                loss = loss + sum((x - 0.1).square().mean() for x in bonds)
                loss.backward()
                optimiser.step()
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert float((weights[0] - weights[1]).norm() / weights[1].norm()) < 1e-9


def test_without_the_library_pytorch_computes(monkeypatch):
    inputs, layout = made_up([3, 0, 30], width=16)
    expected = update_and_gradients(inputs, layout, None)
    with monkeypatch.context() as patch:
        patch.setattr(native_library, "find_spec", lambda _: None)
        native.load.cache_clear()
        native.variants.cache_clear()
        assert native.variants() == ()
        assert chosen(16, inputs) is None
        *edges, m, w, b = inputs
        updated, received = edge_update(*edges, (m, w, b), layout)
    native.load.cache_clear()
    native.variants.cache_clear()
    assert torch.equal(updated, expected[0])
    assert torch.equal(received, expected[1])
