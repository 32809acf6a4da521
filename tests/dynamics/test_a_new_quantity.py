"""A quantity that is described here alone is simulated, stored, labelled and written by name."""

import numpy as np
import pytest

import glassbotan as gb
from conftest import random_ensemble, random_snapshot
from glassbotan import io
from glassbotan.datasets import load_labelled
from glassbotan.dynamics import QUANTITIES, Quantity, motion_of
from glassbotan.settings import checked
from glassbotan.simulation.campaign import Campaign
from glassbotan.simulation.plan import Plan
from glassbotan.simulation.store import prepare
from glassbotan.simulation.targets import followed, sums_over

NAME = "squared_displacement"


@pytest.fixture
def squared(monkeypatch):
    one = Quantity(
        NAME, "particles", "length", "squared displacement", lambda bonds, r: bonds.norms(r) ** 2
    )
    monkeypatch.setitem(QUANTITIES, NAME, one)


@pytest.fixture
def ensemble():
    return random_ensemble(random_snapshot(60), trajectories=6, times=(1.0, 4.0))


def expected(ensemble):
    moved = ensemble.positions - ensemble.snapshot.positions
    return np.mean(np.sum(moved**2, axis=-1), axis=1)


@pytest.mark.usefixtures("squared")
def test_goes_from_trajectories_through_a_file(ensemble, tmp_path):
    motion = motion_of(ensemble, gb.neighbour_graph(ensemble.snapshot))
    assert np.allclose(motion[NAME], expected(ensemble))
    io.write(tmp_path / "m.npz", motion)
    assert np.array_equal(io.read_motion(tmp_path / "m.npz")[NAME], motion[NAME])
    io.write(tmp_path / "m.xyz", motion)
    assert np.allclose(io.read(tmp_path / "m.xyz").fields[f"{NAME}_t4"], motion[NAME][1])


@pytest.mark.usefixtures("squared")
def test_goes_from_a_campaign_through_a_store_to_labels_with_ceilings(ensemble, tmp_path):
    campaign = checked(
        Campaign,
        {
            "name": "q",
            "snapshots": ["a.xyz"],
            "temperature": 0.44,
            "times": [1.0, 4.0],
            "trajectories": 6,
            "keep": "targets",
        },
    )
    plan = Plan(campaign, (ensemble.snapshot,), ("a.xyz",))
    store = prepare(tmp_path / "q.zarr", plan, {})
    bonds = followed(ensemble.snapshot, campaign.cutoff)
    sums = [sums_over(bonds, ensemble.displacements(t), range(6)) for t in range(2)]
    store.finish(0, np.zeros((2, 6)), [{k: [v] for k, v in one.items()} for one in sums])
    labels = load_labelled(tmp_path / "q.zarr" / "snapshots" / "0000")
    assert np.allclose(labels.motion[NAME], expected(ensemble), atol=1e-4)
    assert np.all(labels.ceilings[NAME]["A"] <= 1)


def test_what_is_no_quantity_is_refused(ensemble):
    with pytest.raises(gb.InputError, match="no quantity 'velocity'; there are propensity, bond_e"):
        gb.Motion(ensemble.snapshot, ensemble.times, {"velocity": np.ones((2, 60))})
    motion = motion_of(ensemble)
    with pytest.raises(gb.InputError, match="tells propensity, and no bond_breaking"):
        motion["bond_breaking"]
