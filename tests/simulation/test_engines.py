"""The registry of engines: what a new one needs, and what is refused by what engines can."""

import numpy as np
import pytest

import glassbotan as gb
from cli.command_line import refusal, run
from conftest import random_snapshot
from glassbotan.errors import InputError
from glassbotan.simulation import engines, equilibrate
from glassbotan.simulation.cages import Cages
from glassbotan.simulation.campaign import Campaign
from glassbotan.simulation.equilibration import EquilibrationSettings
from glassbotan.simulation.settings import DynamicsSettings
from glassbotan.structure.inherent import inherent_structure


@pytest.fixture
def glass(monkeypatch):
    monkeypatch.setitem(engines.ENGINES, "dummy", "simulation.dummy_engine")
    return inherent_structure(random_snapshot(160, edge=5.1, seed=1))


def test_a_new_engine_is_a_module_and_a_line(glass, tmp_path):
    assert engines.available()["dummy"] is None
    asked = {"times": [0.1, 0.5], "trajectories": 6, "engine": "dummy", "temperature": 0.5}
    ensemble = gb.simulate_ensemble(glass, **asked)
    assert ensemble.displacements(1) == pytest.approx(5 * ensemble.displacements(0))
    gb.write(tmp_path / "glass.xyz", glass)
    words = ("--engine", "dummy", "--times", "0.1,0.5", "--trajectories", "6", "-T", "0.5")
    store = tmp_path / "out.zarr"
    assert run("simulate", "ensemble", tmp_path / "glass.xyz", *words, "-o", store).status == 0
    stored = gb.read_ensemble(store / "snapshots" / "0000")
    assert stored.displacements(1) == pytest.approx(ensemble.displacements(1), abs=1e-5)


def test_an_engine_is_asked_only_for_what_it_can(glass):
    refused = {
        "has no integrator 'langevin'; use 'nve', or the engine": {"integrator": "langevin"},
        "knows no device 'cuda'; use 'cpu', or the engine 'ensemble'": {"device": "cuda"},
        "the engine 'lammps' in several": {"ranks": 2},
    }
    for message, asked in refused.items():
        with pytest.raises(InputError, match=message):
            engines.check_engine("dummy", **asked)
    walls = Cages(glass.positions, radius=0.3)
    with pytest.raises(InputError, match="knows no cages; use 'ensemble'"):
        engines.start("dummy", glass, DynamicsSettings(0.5), cages=walls)
    with pytest.raises(InputError, match="has no integrator 'langevin'"):
        equilibrate(engine="dummy", temperature=1.0, particles=160)
    message = "engine 'none' is unknown; use 'ensemble', 'lammps' or 'dummy'"
    assert message in refusal("simulate", "equilibrate", "-T", "1", "--engine", "none")


def test_every_job_has_the_same_default_engine():
    for model in (Campaign, EquilibrationSettings):
        assert model.model_fields["engine"].default == engines.DEFAULT_ENGINE


def test_a_seed_names_the_same_velocities_on_every_engine(glass):
    runs = [
        engines.start(name, glass, DynamicsSettings(0.5), trajectories=[3, 5], seed=4)
        for name, missing in engines.available().items()
        if missing is None
    ]
    assert len(runs) >= 1
    for other in runs[1:]:
        np.testing.assert_allclose(other.velocities(), runs[0].velocities(), atol=1e-4)
    for one in runs:
        one.close()
