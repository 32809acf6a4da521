"""A network that lends its features to other times begins at the best linear read-out of them."""

from dataclasses import replace

import torch

from conftest import new_model, random_ensemble, random_snapshot
from glassbotan.datasets.groups import particle_groups
from glassbotan.dynamics import motion_of
from glassbotan.dynamics.bonds import both_ways
from glassbotan.models.architecture import Preparation
from glassbotan.models.example import Example
from glassbotan.models.graph_tensors import GraphInputs
from glassbotan.models.read_out import fit_read_out
from glassbotan.structure import neighbour_graph
from glassbotan.training.processes import ALONE
from glassbotan.training.units import deviations

WEIGHTS = {"propensity": 0.4, "bond_extension": 0.6}


def preparation(examples, units, weights) -> Preparation:
    return Preparation(
        examples, units, weights=weights, fresh=True, standardise=True, processes=ALONE
    )


def example(seed: int) -> Example:
    snapshot = random_snapshot(64, edge=4.2, seed=seed)
    graph = neighbour_graph(snapshot, 2.0)
    motion = motion_of(random_ensemble(snapshot, times=(0.1, 10.0)), graph)
    return Example(
        GraphInputs(graph).tensors(torch.float64),
        {
            "propensity": torch.from_numpy(motion.propensity.T.copy()),
            "bond_extension": torch.from_numpy(both_ways(motion.bond_extension, graph).T.copy()),
        },
        tuple(torch.from_numpy(group.members) for group in particle_groups(snapshot)),
    )


def loss(network, examples, units, weights):
    total = 0.0
    for one in examples:
        for name, values in network(one.graph).items():
            total += weights[name] * ((values - one.targets[name]) / units[name]).square().mean()
    return float(total)


def test_no_small_change_of_the_last_layer_lowers_the_loss():
    torch.manual_seed(0)
    examples = [example(seed) for seed in range(2)]
    network = new_model("botan", times=(0.1, 10.0), width=8, steps=2).double()
    units = deviations(examples, WEIGHTS)
    features = {k: v.clone() for k, v in network.state_dict().items() if "decoder.out" not in k}
    before = loss(network, examples, units, WEIGHTS)
    fit_read_out(network, preparation(examples, units, WEIGHTS))
    best = loss(network, examples, units, WEIGHTS)
    assert best < 0.5 * before
    assert all(torch.equal(v, network.state_dict()[k]) for k, v in features.items())
    for scale in (0.9, 1.1):
        for parameter in (network.decoder.out.weight, network.decoder.out.bias):
            kept = parameter.detach().clone()
            parameter.data.mul_(scale)
            # The penalty on large weights leaves a little.
            assert loss(network, examples, units, WEIGHTS) > best * (1 - 1e-3)
            parameter.data.copy_(kept)


def test_particles_alone_are_read_out_where_bonds_do_not_count():
    torch.manual_seed(0)
    one = example(3)
    bare = replace(one, targets={"propensity": one.targets["propensity"]})
    network = new_model("botan", times=(0.1, 10.0), width=8, steps=2).double()
    fit_read_out(network, preparation([bare], deviations([bare], WEIGHTS), {"propensity": 1.0}))
    nodes = network(one.graph)["propensity"]
    assert torch.allclose(nodes.mean(0), one.targets["propensity"].mean(0), rtol=1e-4)
