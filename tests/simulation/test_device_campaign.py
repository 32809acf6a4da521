"""Campaigns and single runs with a device, in the plain form, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import glassbotan as gb
from glassbotan.dynamics.quantities import QUANTITIES
from glassbotan.errors import InputError, RunError
from glassbotan.io.ensemble_store import group_name, open_group
from glassbotan.settings import checked
from glassbotan.simulation import batches, pacing
from glassbotan.simulation.batches import run_blocks
from glassbotan.simulation.campaign import Campaign
from glassbotan.simulation.device import engine as device_engine
from glassbotan.simulation.device.targets import DeviceBonds
from glassbotan.simulation.engines import available, check_engine, start
from glassbotan.simulation.equilibration import EquilibrationSettings, equilibrate
from glassbotan.simulation.equilibration.equilibrate import jobs_of
from glassbotan.simulation.plan import plan
from glassbotan.simulation.resources import Resources
from glassbotan.simulation.run import run_campaign
from glassbotan.simulation.store import Store
from glassbotan.simulation.targets import followed, sums_over
from glassbotan.simulation.work import run_block
from simulation.campaigns import assert_same_contents, contents
from simulation.glasses import small_glass
from simulation.test_ensemble_engine import lattice, melted

needs_native = pytest.mark.skipif(
    available()["ensemble"] is not None, reason="the ensemble engine was not built"
)


@pytest.fixture(scope="module")
def glass():
    return replace(melted(lattice(6, 1.2, 3), 0.5, 300), temperature=0.5)


@pytest.fixture(scope="module")
def content(glass, tmp_path_factory):
    """Two temperatures of one glass, three blocks each."""
    snapshot = tmp_path_factory.mktemp("glass") / "glass.xyz"
    gb.io.write(snapshot, glass)
    return {
        "snapshots": [str(snapshot)],
        "temperature": [0.44, 0.5],
        "times": [0.025, 0.05, 0.075],
        "trajectories": [5, 5, 4],
        "block": 2,
        "seed": 3,
        "device": "cpu-plain",
    }


@pytest.fixture(scope="module")
def whole(content, tmp_path_factory):
    """The store of an undisturbed run."""
    store = tmp_path_factory.mktemp("stores") / "whole.zarr"
    assert run_campaign(checked(Campaign, content), store).complete
    return store


@needs_native
def test_a_campaign_on_a_device_is_that_on_the_cpu_up_to_rounding(content, whole, tmp_path):
    run_campaign(checked(Campaign, {**content, "device": "cpu"}), tmp_path / "cpu.zarr")
    ours, theirs = contents(whole), contents(tmp_path / "cpu.zarr")
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        if name.endswith("_error"):
            np.testing.assert_allclose(values, theirs[name], rtol=0.07, atol=2e-4)
        else:
            np.testing.assert_allclose(values, theirs[name], rtol=1e-5, atol=3e-4)


@needs_native
def test_a_campaign_that_was_stopped_goes_on_to_the_same_bits(
    content, whole, tmp_path, monkeypatch
):
    # Stopped every few slices, and with other boxes together.
    monkeypatch.setattr(pacing, "FIRST_SLICE", 3)
    monkeypatch.setattr(pacing, "SLICE", 0.1)
    monkeypatch.setattr(batches, "PLAIN_PLACES", 1000)
    planned = plan(checked(Campaign, content))
    stopped = tmp_path / "stopped.zarr"
    run_campaign(checked(Campaign, content), stopped, resources=Resources(time_limit=0))
    store = Store.open(stopped)
    looks, kept = 0, []

    def stop():
        nonlocal looks
        looks += 1
        return looks in (2, 5, 9)

    for _ in range(10):
        left = [b for b in planned.blocks if b not in kept]
        if not left:
            break
        run_blocks(store, left, record=lambda b, o: kept.append(b) if o.done else None, stop=stop)
    assert looks > 9
    assert run_campaign(checked(Campaign, content), stopped).complete
    assert_same_contents(whole, stopped)


@needs_native
def test_a_block_alone_gives_the_same_frames(content, tmp_path):
    together, alone = tmp_path / "together.zarr", tmp_path / "alone.zarr"
    made = checked(Campaign, {**content, "keep": "positions"})
    run_campaign(made, together)
    run_campaign(made, alone, resources=Resources(time_limit=0))
    for block in plan(made).blocks:
        assert run_block(alone, block).done
    assert run_campaign(made, alone).complete
    assert_same_contents(together, alone)


@needs_native
def test_a_block_that_blows_up_leaves_the_others_whole(content, whole, tmp_path):
    torn, wanted = tmp_path / "torn.zarr", checked(Campaign, content)
    original = batches._BlockBatch.advance

    def advance(batch, steps):
        original(batch, steps)
        hot = [one for one in batch._blocks if one.block.snapshot == 0]
        if batch.step >= 6 and hot:
            batch._drop(hot[0].part.boxes[0], "it blew up")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches._BlockBatch, "advance", advance)
        with pytest.raises(RunError, match="snapshot 0: it blew up"):
            run_campaign(wanted, torn)
    assert open_group(torn / group_name(1)).attrs["finished"]
    assert not open_group(torn / group_name(0)).attrs.get("finished", False)
    run_campaign(wanted, torn)
    assert_same_contents(whole, torn)


@needs_native
def test_a_store_keeps_to_its_device(content, tmp_path):
    store = tmp_path / "one.zarr"
    run_campaign(checked(Campaign, content), store, resources=Resources(time_limit=0))
    with pytest.raises(InputError, match="device is cpu-plain there and cpu here"):
        run_campaign(checked(Campaign, {**content, "device": "cpu"}), store)


@needs_native
def test_sums_on_a_device_are_those_of_numpy(glass):
    exact = followed(glass, 2.0)
    moved = np.random.default_rng(0).normal(scale=0.3, size=(5, glass.n_particles, 3))
    ours = sums_over(DeviceBonds(exact, "cpu"), torch.as_tensor(moved), range(5))
    theirs = sums_over(exact, moved, range(5))
    assert ours["bond_breaking"].max() > 0
    for name in QUANTITIES:
        np.testing.assert_allclose(ours[name], theirs[name], atol=1e-12)


@needs_native
def test_an_ensemble_and_a_hold_run_on_a_device(glass):
    ensemble = gb.simulate_ensemble(
        glass, times=[0.05], trajectories=3, engine="ensemble", device="cpu-plain"
    )
    expected = gb.simulate_ensemble(glass, times=[0.05], trajectories=3, engine="ensemble")
    np.testing.assert_allclose(ensemble.positions, expected.positions, atol=1e-5)
    made = equilibrate(
        "kob-andersen-3d", start=glass, number=2, hold_time=0.2, device="cpu-plain", seed=1
    )
    other = equilibrate("kob-andersen-3d", start=glass, number=2, hold_time=0.2, seed=1)
    for one, two in zip(made, other, strict=True):
        np.testing.assert_allclose(one.snapshot.positions, two.snapshot.positions, atol=1e-4)


def test_a_device_is_part_of_the_task(glass):
    there, here = (
        jobs_of(EquilibrationSettings(start=glass, device=device))[0]
        for device in ("cpu-plain", "cpu")
    )
    assert there.key != here.key


@pytest.mark.parametrize(
    ("engine", "ranks", "device", "message"),
    [
        ("ensemble", 1, "tpu", "knows no device 'tpu'; use 'cpu', 'cuda' or"),
        ("lammps", 1, "cuda", "knows no device 'cuda'; use 'cpu', or the engine 'ensemble'"),
        ("ensemble", 2, "cuda", "the engine 'lammps' in several"),
    ],
)
def test_devices_that_cannot_be_are_refused(engine, ranks, device, message):
    with pytest.raises(InputError, match=message):
        check_engine(engine, ranks, device)


def test_without_a_gpu_or_triton_one_line_says_so(monkeypatch):
    glass = small_glass(3)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(device_engine, "find_spec", lambda name: object())
    with pytest.raises(InputError, match="needs an NVIDIA GPU, and PyTorch finds none here"):
        start("ensemble", glass, gb.simulation.DynamicsSettings(0.44), device="cuda")
    monkeypatch.setattr(device_engine, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'pip install "glassbotan\[gpu\]"'):
        check_engine("ensemble", device="cuda")
