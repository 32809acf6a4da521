"""Whether frames agree with a potential: the hypervirial theorem on simulations and real data."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import glassbotan as gb
from cli.command_line import refusal, run
from glassbotan.dynamics import force_balance
from glassbotan.dynamics.force_balance import Window
from glassbotan.dynamics.trajectories import Trajectories
from glassbotan.structure.potential import KOB_ANDERSEN, KOB_ANDERSEN_CUT
from simulation.glasses import small_glass

FORCE, CUT = KOB_ANDERSEN, KOB_ANDERSEN_CUT


@pytest.fixture(scope="module")
def hot() -> Trajectories:
    """A liquid that was run with shifted forces, in equilibrium at T = 1."""
    ensemble = gb.simulate_ensemble(
        small_glass(3),
        temperature=1.0,
        times=[10.0 + 2 * k for k in range(12)],
        trajectories=16,
        integrator="langevin",
        damping=1.0,
        potential=FORCE,
        engine="ensemble",
    )
    snapshot = replace(ensemble.snapshot, temperature=1.0)
    return Trajectories.of(replace(ensemble, snapshot=snapshot))


def test_frames_agree_with_the_potential_that_they_were_run_with(hot):
    balance = force_balance([hot], FORCE)
    assert balance.configurations == 192
    assert balance.verdict == "agrees within errors"
    # What cancels is far larger than the errors.
    assert np.max(np.abs(balance.divergence) / balance.residual.error) > 30


def test_another_depth_and_another_temperature_are_noticed(hot):
    deeper = replace(FORCE, form=replace(FORCE.form, epsilon=1.2 * FORCE.epsilon))
    assert force_balance([hot], deeper).verdict == "does not agree"
    hotter = replace(hot, snapshot=replace(hot.snapshot, temperature=1.1))
    assert force_balance([hotter], FORCE).verdict == "does not agree"


def test_the_order_of_a_window_s_species_does_not_matter(hot):
    ways = (Window((0, 1), 1.6, 2.0), Window((1, 0), 1.6, 2.0))
    balance = force_balance([hot], FORCE, windows=ways, most=16)
    assert balance.residual.value[0] == balance.residual.value[1]
    assert balance.configurations == 12


def test_of_one_frame_nothing_can_be_told(hot):
    balance = force_balance([hot], FORCE, most=1)
    assert balance.configurations == 1
    assert balance.residual.error.shape == balance.residual.value.shape == (9,)
    assert np.isnan(balance.deviations).all()
    assert balance.verdict == "cannot tell"


def test_early_frames_and_unknown_temperatures_are_refused(hot):
    with pytest.raises(gb.InputError, match="no frame is later than t = 1"):
        force_balance([replace(hot, times=hot.times / 100)], FORCE)
    cold = replace(hot, snapshot=replace(hot.snapshot, temperature=None))
    with pytest.raises(gb.InputError, match="its temperature is not known"):
        force_balance([cold], FORCE)


def test_the_command_tells_whether_frames_agree(published, tmp_path):
    out = run(
        "dynamics", published[0], "--potential", "kob-andersen-3d", "--json", tmp_path / "r.json"
    )
    assert "do 32 frames agree" in out.out
    (told,) = json.loads((tmp_path / "r.json").read_text())
    found = told["potentials"]["kob-andersen-3d"]
    assert found["configurations"] == 32
    assert len(found["residual"]["value"]) == len(found["windows"]) == 9


def test_an_unknown_potential_is_refused(published):
    assert "no mixture has this name" in refusal("dynamics", published[0], "--potential", "kob")


SHARED = Path(__file__).parents[3] / "shared" / "published"
TABLE = [
    # Window, residual with the force cut, with the force shifted, standard error.
    (Window((0, 0), 2.2, 2.5), -0.253, -0.029, 0.048),
    (Window((0, 0), 2.3, 2.5), -0.275, -0.071, 0.048),
    (Window((0, 1), 1.6, 2.0), -0.245, 0.005, 0.034),
    (Window((0, 1), 1.75, 2.0), -0.193, 0.000, 0.037),
    (Window((0, 0), 1.2, 1.6), 0.008, 0.038, 0.026),
]


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the published training snapshots are not here")
def test_the_published_data_are_of_the_force_shifted_potential():
    files = sorted(SHARED.glob("*/isoconfig*.npz"))
    ensembles = [Trajectories.of(gb.read_ensemble(file)) for file in files]
    windows = [row[0] for row in TABLE]
    cut, shifted = (force_balance(ensembles, p, windows=windows) for p in (CUT, FORCE))
    assert cut.configurations == shifted.configurations == 12 * 32
    for k, (window, was_cut, was_shifted, error) in enumerate(TABLE):
        for balance, expected in ((cut, was_cut), (shifted, was_shifted)):
            # The table is of 15 files, three of them not here.
            assert abs(balance.residual.value[k] - expected) < 2 * error, window
    assert cut.verdict == "does not agree"
    assert shifted.verdict == "agrees within errors"
