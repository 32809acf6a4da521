"""The caged network: what turning, moving, relabelling and repeating a glass must not change."""

import numpy as np
import pytest
import torch

import glassbotan as gb
from conftest import Told
from glassbotan.models.caged.inputs import (
    CagedInputs,
    CagedTensors,
    assemble,
    neighbour_averages,
    scalar_names,
)
from glassbotan.models.caged.network import N_SPECIES, CagedNetwork
from glassbotan.models.caged.settings import CagedSettings
from glassbotan.models.caged.states import states_of
from glassbotan.simulation.cage_state import CageRecipe
from glassbotan.simulation.engines import available
from glassbotan.structure.potential import KOB_ANDERSEN_CUT
from models.caged_examples import (
    RECIPE,
    made_up_snapshot,
    made_up_states,
)
from simulation.glasses import small_glass

TIMES = (0.13, 13.0, 4120.0)


def untrained(seed: int = 0) -> CagedNetwork:
    """A network whose weights and constants are all of size one, so that everything matters."""
    torch.manual_seed(seed)
    network = CagedNetwork(CagedSettings(times=TIMES, width=12, steps=2, reach=2.4))
    with torch.no_grad():
        network.particle_out[-1].weight.normal_()
        network.slopes.normal_(std=0.01)
        inputs = assemble(made_up_snapshot(), made_up_states(made_up_snapshot()), RECIPE)
        tensors = inputs.tensors()
        columns = torch.cat([tensors.scalars, tensors.averages], 1)
        network.column_mean.copy_(columns.mean(0).expand(N_SPECIES, -1))
        network.column_spread.copy_((columns.std(0) + 1e-3).expand(N_SPECIES, -1))
        network.vector_size.fill_(0.05)
        network.bond_mean.copy_(tensors.bond_scalars.mean(0))
        network.bond_spread.copy_(tensors.bond_scalars.std(0))
    return network.eval()


def predicted(network: CagedNetwork, inputs: CagedInputs) -> tuple[np.ndarray, np.ndarray]:
    with torch.inference_mode():
        nodes, bonds = network(inputs.tensors()).values()
    return nodes.numpy(), bonds.numpy()


@pytest.fixture(scope="module")
def glass():
    snapshot = made_up_snapshot()
    return snapshot, made_up_states(snapshot)


def test_vectors_turn_with_the_glass_inside_the_network(glass):
    """By any angle: the sum over particles of vector states is a vector."""
    network = untrained().double()
    tensors = assemble(*glass, RECIPE).tensors(torch.float64)
    axis = np.array([1.0, 2.0, -0.5])
    generator = np.cross(np.eye(3), axis / np.linalg.norm(axis) * 0.7)
    rotation = torch.matrix_exp(torch.from_numpy(generator))
    states = []
    for x in (tensors, tensors.turned(rotation)):
        with torch.inference_mode():
            states.append(
                network._states(x, network.columns(x), network.baseline(x, network.columns(x)))
            )
    torch.testing.assert_close(states[1][0], states[0][0], rtol=1e-9, atol=1e-9)
    turned_too = torch.einsum("ij,njv->niv", rotation, states[0][1])
    torch.testing.assert_close(states[1][1], turned_too, rtol=1e-9, atol=1e-9)
    assert not torch.allclose(states[1][1], states[0][1], atol=1e-3)


def test_messages_reach_from_their_sender(glass):
    """Every kind of input moves the prediction; far particles do not feel it."""
    network = untrained()
    tensors = assemble(*glass, RECIPE).tensors()
    reference = network(tensors)["propensity"].detach()
    for name in ("scalars", "averages", "vectors", "bond_scalars", "directions"):
        changed = CagedTensors(**{**tensors.stored(), name: getattr(tensors, name) * 1.3})
        assert not torch.allclose(network(changed)["propensity"], reference, atol=1e-3), name
    vectors = tensors.vectors.clone()
    vectors[0] += 1.0
    change = (
        network(CagedTensors(**{**tensors.stored(), "vectors": vectors}))["propensity"] - reference
    )
    touched = set(change.abs().sum(1).gt(1e-6).nonzero()[:, 0].tolist())
    near = {0}
    for _ in range(2):
        near |= {
            int(j)
            for i, j in zip(tensors.senders, tensors.receivers, strict=True)
            if int(i) in near
        }
    assert 1 < len(touched) <= len(near) < len(vectors)
    assert touched <= near


def test_averages_over_neighbours_against_a_double_loop():
    snapshot = made_up_snapshot()
    values = np.random.default_rng(1).normal(size=(snapshot.n_particles, 2))
    found = neighbour_averages(snapshot, values, (0.8, 1.5), 2.4)
    separation = snapshot.positions[:, None] - snapshot.positions[None]
    separation -= snapshot.box * np.rint(separation / snapshot.box)
    distance = np.linalg.norm(separation, axis=2)
    for w, width in enumerate((0.8, 1.5)):
        for species in range(2):
            near = (distance < 2.4) & (distance > 0) & (snapshot.species == species)
            weights = np.where(near, np.exp(-((distance / width) ** 2)), 0)
            expected = weights @ values / weights.sum(axis=1, keepdims=True)
            part = found[:, 2 * (2 * w + species) : 2 * (2 * w + species) + 2]
            np.testing.assert_allclose(part, expected, rtol=1e-6)


def test_every_scalar_has_a_name(glass):
    names = scalar_names(RECIPE)
    assert len(set(names)) == len(names) == assemble(*glass, RECIPE).seen.scalars.shape[1]


@pytest.mark.skipif(available()["ensemble"] is not None, reason="the ensemble engine was not built")
def test_states_are_computed_once_and_then_taken_from_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSBOTAN_CACHE", str(tmp_path))
    glass = small_glass(3)
    short = CageRecipe(temperature=0.3, radius=0.5, replicas=2, burn_in=0.1, duration=1.0)
    recipe = CagedSettings(descent=(0.001, 0.005), cages=(short,), reach=2.5)
    told = Told()
    first = states_of(glass, recipe, progress=told)
    assert told[0] == (0, 1, "inherent structure")
    assert told[-1] == (1, 1, "cage states")
    assert [share for share, *_ in told] == sorted(share for share, *_ in told)
    told.clear()
    again = states_of(glass, recipe, progress=told)
    assert not told
    np.testing.assert_array_equal(again.cages[0].covariance, first.cages[0].covariance)
    inputs = assemble(glass, again, recipe)
    assert torch.all(torch.isfinite(inputs.seen.scalars))
    assert torch.all(torch.isfinite(inputs.seen.bond_scalars))
    states_of(glass, recipe.model_copy(update={"potential": KOB_ANDERSEN_CUT}), progress=told)
    assert told, "states of another potential are not these"
    # A minimum of the energy neither descends nor relaxes.
    assert np.abs(first.descent).max() < 1e-3
    assert np.abs(first.inherent).max() < 1e-3


def test_a_box_too_small_for_the_inputs_is_refused():
    with pytest.raises(gb.InputError, match="box"):
        assemble(made_up_snapshot(), made_up_states(made_up_snapshot()), CagedSettings())
