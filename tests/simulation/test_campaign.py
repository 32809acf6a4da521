"""Campaign files: what they mean, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from glassbotan import io
from glassbotan.errors import InputError
from glassbotan.settings import checked
from glassbotan.simulation import engines
from glassbotan.simulation.campaign import Campaign, load_campaign
from glassbotan.simulation.plan import plan
from glassbotan.simulation.protocol import Protocol
from simulation.campaigns import campaign, campaign_file, small_campaign
from simulation.glasses import needs_lammps, small_glass

CONFIGS = Path(__file__).parent.parent.parent / "configs"


def test_a_file_says_what_its_keys_say(tmp_path):
    loaded = load_campaign(campaign_file(tmp_path))
    assert loaded == campaign(tmp_path)
    assert loaded.trajectories == (6, 6, 4)
    short = checked(Campaign, {"snapshots": ["a.xyz"], "times": {"first": 0.1, "last": 10.0}})
    assert len(short.times) == 21
    assert short.trajectories == (32,) * 21
    assert short.block == engines.together("ensemble") == 16


@pytest.mark.parametrize(
    ("engine", "trajectories", "size"),
    [
        ("ensemble", [32, 8], 8),
        ("ensemble", [32, 16], 16),
        ("ensemble", [20, 20], 16),
        ("ensemble", [6, 6], 6),
        ("ensemble", [32, 7], 7),
        ("lammps", [32, 8], 1),
    ],
)
def test_blocks_fit_the_trajectories_that_go_on(engine, trajectories, size):
    content = {"snapshots": ["a.xyz"], "times": [1.0, 2.0], "engine": engine}
    made = checked(Campaign, {**content, "trajectories": trajectories})
    assert made.block == size
    blocks = made.blocks(5)
    numbers = [k for block in blocks for k in block.trajectories]
    assert numbers == list(range(trajectories[0]))
    for block in blocks:
        assert block.snapshot == 5
        for k in block.trajectories:
            assert block.times == sum(count > k for count in trajectories)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"temprature": 0.4}, r"unknown key 'temprature'; did you mean 'temperature'"),
        ({"temperature": -0.4}, "temperature: .*greater than 0"),
        ({"times": []}, "times: "),
        ({"trajectories": [6, 6]}, "2 numbers for 3 times"),
        ({"trajectories": [4, 6, 6]}, "must not grow with time"),
        ({"trajectories": [6, 6, 3]}, "3 is no multiple of the block of 2"),
        ({"engine": "gromacs"}, "'gromacs' is unknown; use 'ensemble' or 'lammps'"),
        ({"keep": "all"}, "keep: "),
        ({"name": "../x"}, "name: "),
        ({"cutoff": 0}, "cutoff: "),
        ({"snapshots": []}, "snapshots: "),
    ],
)
def test_refusals_name_the_key(tmp_path, changes, message):
    file = campaign_file(tmp_path, **changes)
    with pytest.raises(InputError, match=f"campaign.yaml: .*{message}"):
        load_campaign(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [("- a", "expected a mapping"), ("a: [", "not YAML"), ("times: [1]", "'snapshots' is missing")],
)
def test_what_is_no_campaign_is_refused(tmp_path, text, message):
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        load_campaign(file)
    with pytest.raises(InputError, match="cannot be read"):
        load_campaign(tmp_path / "none.yaml")


@needs_lammps
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"times": [0.132]}, "no whole number of timesteps"),
        ({"cutoff": 2.6}, "longer than half the shortest box edge"),
        ({"cutoff": 1.0}, "must be at least 1.35"),
        ({"potential": "kob-andersen-2d"}, "has 3 dimensions, and the potential"),
        ({"potential": "lennard"}, "no mixture has this name"),
        ({"snapshots": ["none.xyz"]}, "none.xyz: no such file"),
        ({"integrator": "langevin", "damping": 0.001}, "shorter than the timestep"),
    ],
)
def test_what_cannot_be_run_is_refused_beforehand(tmp_path, changes, message):
    one_time = {"trajectories": 6} if len(changes.get("times", [0] * 3)) == 1 else {}
    with pytest.raises(InputError, match=message):
        plan(campaign(tmp_path, **one_time, **changes))


@needs_lammps
def test_a_snapshot_needs_a_temperature_and_room_for_its_particles(tmp_path):
    from dataclasses import replace

    glass = small_glass(3)
    io.write(tmp_path / "cold.xyz", glass)
    content = small_campaign(tmp_path, snapshots=[str(tmp_path / "cold.xyz")])
    with pytest.raises(InputError, match=r"cold.xyz: the temperature is not in the file"):
        plan(checked(Campaign, {**content, "temperature": None}))
    positions = glass.positions.copy()
    positions[1] = positions[0] + [0.5, 0, 0]
    io.write(tmp_path / "cold.xyz", replace(glass, positions=positions))
    with pytest.raises(InputError, match=r"particle [01] overlaps .*--minimise"):
        plan(checked(Campaign, content))
    assert len(plan(checked(Campaign, {**content, "minimise": True})).snapshots) == 2


def test_without_the_engine_the_extra_is_named(tmp_path, monkeypatch):
    from glassbotan.simulation import lammps_engine

    content = campaign(tmp_path)
    monkeypatch.setattr(lammps_engine, "lammps_class", lambda: None)
    with pytest.raises(InputError, match=r"pip install glassbotan\[simulate\]"):
        plan(content)


@needs_lammps
def test_every_snapshot_is_run_at_every_temperature(tmp_path):
    planned = plan(campaign(tmp_path))
    assert [snapshot.temperature for snapshot in planned.snapshots] == [0.44, 0.5]
    protocol = planned.campaign
    assert Protocol.model_validate(protocol.to_json()).to_json() == protocol.to_json()
    work = sum(len(b.trajectories) * protocol.steps[b.times - 1] for b in planned.blocks)
    assert work == 2 * (4 * 400 + 2 * 200)


@pytest.mark.parametrize(
    "name",
    [
        "campaign-quick",
        "campaign-published-early",
        "campaign-published-late",
        "campaign-published-check",
        "campaign-more",
    ],
)
def test_the_campaigns_that_come_with_the_package(name):
    made = load_campaign(CONFIGS / f"{name}.yaml")
    assert np.all(np.diff(made.times) > 0)
    assert made.block == 8
