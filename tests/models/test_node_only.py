"""The node-only network against a direct transcription of its definition."""

import numpy as np
import pytest
import torch

import glassbotan as gb
from conftest import random_snapshot
from glassbotan.models.node_only import NodeOnly, NodeOnlySettings
from glassbotan.models.published import load_published_node_only


def published_form(variables, snapshot, graph):
    """Bapst et al. 2020 with the published variables, orders and names, in NumPy."""

    def mlp(name, x, layers, *, activate_last=True):
        for k in range(layers):
            x = x @ variables[f"{name}/mlp/linear_{k}/w"] + variables[f"{name}/mlp/linear_{k}/b"]
            if activate_last or k < layers - 1:
                x = np.maximum(x, 0)
        return x

    n = snapshot.n_particles
    senders = np.concatenate([graph.edge_index[0], np.arange(n)])
    receivers = np.concatenate([graph.edge_index[1], np.arange(n)])
    vectors = np.concatenate([graph.vectors, np.zeros((n, 3))])
    nodes0 = mlp("graph_independent/node_model", snapshot.species[:, None].astype(float), 2)
    edges0 = mlp("graph_independent/edge_model", vectors, 2)
    nodes, edges = nodes0, edges0
    for _ in range(7):
        seen = np.concatenate([nodes, nodes0], axis=1)
        joined = [edges, edges0, seen[receivers], seen[senders]]
        edges = mlp("graph_network/edge_block", np.concatenate(joined, axis=1), 2)
        received = np.zeros_like(nodes)
        np.add.at(received, receivers, edges)
        nodes = mlp("graph_network/node_block", np.concatenate([received, seen], axis=1), 2)
    return mlp("graph_independent_1/node_model", nodes, 3, activate_last=False)


def random_variables(seed=0):
    generator = np.random.default_rng(seed)
    shapes = {
        "graph_independent/node_model": [(1, 64), (64, 64)],
        "graph_independent/edge_model": [(3, 64), (64, 64)],
        "graph_network/edge_block": [(384, 64), (64, 64)],
        "graph_network/node_block": [(192, 64), (64, 64)],
        "graph_independent_1/node_model": [(64, 64), (64, 64), (64, 1)],
    }
    variables = {}
    for name, layers in shapes.items():
        for k, shape in enumerate(layers):
            scale = 0.5 / np.sqrt(shape[0])
            variables[f"{name}/mlp/linear_{k}/w"] = generator.normal(0, scale, shape)
            variables[f"{name}/mlp/linear_{k}/b"] = generator.normal(0, 0.1, shape[1])
    return variables


def test_published_orders_of_inputs_are_understood(tmp_path):
    variables = random_variables()
    path = tmp_path / "checkpoint.npz"
    np.savez(path, **{f"Graph/{name}": value for name, value in variables.items()})
    network = load_published_node_only(path).double()
    for name, value in network.state_dict().items():
        assert value.dtype == torch.float64, name
    snapshot = random_snapshot(90)
    graph = gb.neighbour_graph(snapshot)
    with torch.no_grad():
        outputs = network(graph)
    assert list(outputs) == ["propensity"]
    nodes = outputs["propensity"]
    # The file is read into float32 weights, so the comparison is to single precision.
    expected = published_form(variables, snapshot, graph)
    assert np.abs(nodes.numpy() - expected).max() < 1e-5 * np.abs(expected).max()


def test_the_published_checkpoint_predicts_plausible_propensities(labelled):
    snapshot = labelled[0].motion.snapshot
    motion = gb.predict(snapshot, "node-only-2020")
    first = snapshot.species == 0
    assert motion.times.tolist() == [0.132]
    # Thirty-two trajectories simulated from this snapshot gave 0.1037.
    assert motion.propensity[0, first].mean() == pytest.approx(0.1037, abs=0.001)
    assert np.isnan(motion.propensity[0, ~first]).all()


def test_isolated_particles_hear_themselves():
    network = NodeOnly(NodeOnlySettings(times=(1.0,)))
    snapshot = gb.Snapshot([[1.0, 1.0, 1.0], [5.0, 5.0, 5.0]], [0, 1], [10.0, 10.0, 10.0])
    layout = network.tensors(gb.neighbour_graph(snapshot)).layout
    assert layout.senders.tolist() == layout.receivers.tolist() == [0, 1]
