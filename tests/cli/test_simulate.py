"""glassbotan simulate: from the command line to a store, and what it refuses."""

import pytest

from cli.command_line import refusal, run
from glassbotan import io
from simulation.campaigns import campaign_file, contents
from simulation.glasses import needs_lammps, thermal_glass


@pytest.fixture
def glass(tmp_path):
    path = tmp_path / "glass.xyz"
    io.write(path, thermal_glass(2))
    return path


def ensemble(glass, *words):
    planar = ("--engine", "lammps", "--potential", "kob-andersen-2d", "--times", "0.1,0.2")
    output = () if "-o" in words else ("-o", glass.parent / "out.zarr")
    return ("simulate", "ensemble", glass, *planar, *words, *output)


@needs_lammps
def test_an_ensemble_is_made_and_read(glass):
    store = glass.parent / "out.zarr"
    result = run(*ensemble(glass, "--trajectories", "3", "--seed", "2"))
    assert result == (0, f"store: {store}\n", "")
    found = io.read_ensemble(store / "snapshots" / "0000")
    assert found.positions.shape == (2, 3, 90, 2)
    # Once more: nothing is left to do.
    assert run(*ensemble(glass, "--trajectories", "3", "--seed", "2")).status == 0
    said = refusal(*ensemble(glass, "--trajectories", "3", "--seed", "3"))
    assert "another campaign: seed is 2 there and 3 here" in said


@needs_lammps
def test_a_campaign_is_made(tmp_path):
    file = campaign_file(tmp_path, times=[0.1], trajectories=4)
    store = tmp_path / "made.zarr"
    assert run("simulate", "campaign", file, "-o", store).status == 0
    assert contents(store)["0/propensity"].shape == (1, 160)
    part = tmp_path / "part.zarr"
    result = run("simulate", "campaign", file, "-o", part, "--time-limit", "0.000001s")
    assert result.status == 0
    assert "not complete (0 %, 0 of 2 snapshots finished); the same command" in result.out


@needs_lammps
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--trajectories", "many"), "--trajectories: input should be a valid integer"),
        (("--times", "1..2..3"), "times: last: input should be a valid number"),
        (("--times", "1,0.5"), "must be positive and increase"),
        (("--workers", "0"), "--workers: input should be greater than or equal to 1"),
        (("--time-limit", "soon"), "--time-limit 'soon': expected a time such as 90min"),
        (("--batch-option", "queue"), "--batch-option ['queue']: expected KEY=VALUE"),
        (("--integrator", "verlet"), "--integrator: "),
        (("-o", "out"), "must end in .zarr"),
    ],
)
def test_refusals(glass, words, message):
    assert message in refusal(*ensemble(glass, *words))
