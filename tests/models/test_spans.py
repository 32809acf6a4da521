"""Large graphs by spans: the usual form's results in the memory of one tensor of [E, H]."""

import resource
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import glassbotan as gb
from conftest import random_snapshot
from glassbotan.models import spans
from glassbotan.models.botan import Botan
from glassbotan.models.graph_tensors import GraphTensors
from glassbotan.models.kernels import native
from glassbotan.models.kernels.choice import using
from glassbotan.models.kernels.edge_layout import edge_layout
from glassbotan.models.node_only import NodeOnly

every_variant = pytest.mark.parametrize(
    "variant", [*native.variants()[:1], None], ids=lambda v: v.name if v else "PyTorch"
)
every_network = pytest.mark.parametrize("network", [Botan, NodeOnly])


@contextmanager
def by_spans(span_edges: int | None):
    """Work by spans of so many edges, or in the usual form for None."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spans, "MOST_EDGES_AT_ONCE", sys.maxsize if span_edges is None else 0)
        patch.setattr(spans, "SPAN_EDGES", span_edges)
        yield


def predicted(model, graph, span_edges, variant=None):
    with by_spans(span_edges), using(variant), torch.inference_mode():
        return list(model(graph).values())


def assert_close(ours, expected, tolerance):
    assert len(ours) == len(expected)
    for a, b in zip(ours, expected, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        assert float((a - b).norm()) <= tolerance * float(b.norm())


@every_network
@every_variant
@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@pytest.mark.parametrize("span_edges", [1, 100, 10**6])
def test_equals_the_usual_form(network, variant, dimension, dtype, tolerance, span_edges):
    torch.manual_seed(3)
    model = network(
        network.settings_type(times=(1.0, 2.0), dimension=dimension, steps=3, width=32)
    ).to(dtype)
    graph = gb.neighbour_graph(random_snapshot(100, dimension=dimension, edge=6.0), 2.0)
    ours = predicted(model, graph, span_edges, variant)
    assert_close(ours, predicted(model, graph, None, variant), tolerance)


@given(
    received=st.lists(st.integers(0, 40), min_size=1, max_size=40),
    span_edges=st.integers(1, 500),
    network=st.sampled_from([Botan, NodeOnly]),
    variant=st.sampled_from([*native.variants()[:1], None]),
)
@settings(max_examples=40)
def test_any_graph_in_spans_of_any_size(received, span_edges, network, variant):
    # Many nodes here have no edge, or more than a span has.
    generator = torch.Generator().manual_seed(len(received))
    nodes = len(received)
    receivers = torch.arange(nodes).repeat_interleave(torch.tensor(received))
    senders = torch.randint(0, nodes, receivers.shape, generator=generator)
    graph = GraphTensors(
        torch.randint(0, 2, (nodes, 1), generator=generator).double(),
        torch.randn(len(receivers), 3, generator=generator, dtype=torch.float64),
        edge_layout(senders, receivers, nodes),
    )
    torch.manual_seed(1)
    model = network(network.settings_type(times=(1.0,), steps=2, width=16)).double()
    ours = predicted(model, graph, span_edges, variant)
    assert_close(ours, predicted(model, graph, None, variant), 1e-12)


@every_variant
def test_equals_the_usual_form_on_a_published_snapshot(labelled, variant):
    model = gb.load_model("botan")
    graph = gb.neighbour_graph(labelled[0].motion.snapshot)
    ours = predicted(model, graph, 10_000, variant)
    assert_close(ours, predicted(model, graph, None, variant), 1e-5)


def test_few_edges_take_the_usual_form(labelled, monkeypatch):
    def refuse(*_):
        raise AssertionError

    monkeypatch.setattr("glassbotan.models.message_passing.MessagePassing._by_spans", refuse)
    model = gb.load_model("botan")
    with torch.inference_mode():
        model(gb.neighbour_graph(labelled[0].motion.snapshot))
        with by_spans(1000), pytest.raises(AssertionError):
            model(gb.neighbour_graph(labelled[0].motion.snapshot))


@every_network
def test_gradients_take_the_usual_form(network):
    model = network(network.settings_type(times=(1.0,), steps=2, width=16)).double()
    graph = gb.neighbour_graph(random_snapshot(60), 2.0)

    def gradients():
        model.zero_grad()
        sum(x.square().sum() for x in model(graph).values()).backward()
        return torch.cat([p.grad.flatten() for p in model.parameters()])

    expected = gradients()
    with by_spans(10):
        assert torch.equal(gradients(), expected)


class LargeTensors(TorchDispatchMode):
    """Counts the storages of at least so many bytes that exist at the same time."""

    def __init__(self, n_bytes: int):
        super().__init__()
        self.n_bytes, self.live, self.most = n_bytes, {}, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        for x in tree_leaves(made):
            if isinstance(x, torch.Tensor) and x.untyped_storage().nbytes() >= self.n_bytes:
                storage = x.untyped_storage()
                self.live[storage._cdata] = StorageWeakRef(storage)
        self.live = {key: ref for key, ref in self.live.items() if not ref.expired()}
        self.most = max(self.most, len(self.live))
        return made


@every_network
@every_variant
@pytest.mark.parametrize(("span_edges", "expected"), [(None, 2), (1000, 1)])
def test_one_tensor_of_edge_states_exists(network, variant, span_edges, expected):
    model = network(network.settings_type(times=(1.0, 2.0), steps=2, width=64))
    tensors = model.tensors(gb.neighbour_graph(random_snapshot(400, edge=9.0), 2.0))
    with LargeTensors(tensors.layout.n_edges * 64 * 4 // 2) as counted:
        predicted(model, tensors, span_edges, variant)
    assert counted.most == expected if span_edges else counted.most >= expected


@pytest.mark.slow
def test_a_million_particles_within_16_gib(labelled, tmp_path):
    small = labelled[0].motion.snapshot
    shape = (5, 5, 10)
    cells = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1).reshape(-1, 3)
    snapshot, prediction = tmp_path / "million.gsd", tmp_path / "prediction.npz"
    gb.write(
        snapshot,
        gb.Snapshot(
            (small.positions + cells[:, None] * small.box).reshape(-1, 3),
            np.tile(small.species, len(cells)),
            small.box * shape,
        ),
    )
    subprocess.run(
        [
            sys.executable,
            "-m",
            "glassbotan",
            "-q",
            "predict",
            snapshot,
            "-m",
            "botan",
            "-o",
            prediction,
        ],
        check=True,
    )
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 16 * 2**20
    # Every copy's particles move as those of the one snapshot do.
    with np.load(prediction) as file:
        found = file["propensity"].reshape(7, len(cells), -1)
    expected = gb.predict(small, "botan").propensity
    assert np.abs(found - expected[:, None]).max() < 1e-3 * expected.max()
