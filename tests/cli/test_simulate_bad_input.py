"""What glassbotan simulate is given by mistake: one line, an exit status, nothing destroyed."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from cli.command_line import refusal, run
from glassbotan import io
from glassbotan.simulation import lammps_engine, native, trajectories
from glassbotan.simulation.engines import available
from simulation.campaigns import assert_same_contents, environment
from simulation.glasses import needs_lammps, thermal_glass

pytestmark = needs_lammps

needs_ensemble = pytest.mark.skipif(
    available()["ensemble"] is not None, reason="the ensemble engine was not built"
)

POTENTIAL = """
species: [A, B]
epsilon: {AA: 1.0, AB: 1.5, BB: 0.5}
sigma: {AA: 1.0, AB: 0.8, BB: 0.88}
cutoff: {AA: 2.5, AB: 2.0, BB: 2.2}
"""


@pytest.fixture
def glass(tmp_path):
    path = tmp_path / "glass.xyz"
    io.write(path, thermal_glass(3))
    return path


def ensemble(glass, *words, store="out.zarr", engine="lammps"):
    """The command; a word given twice holds as given last."""
    usual = ("--engine", engine, "--times", "0.1", "--trajectories", "2")
    return ("simulate", "ensemble", glass, *usual, *words, "-o", glass.parent / store)


def altered(glass, **changes):
    """Write the glass with something changed."""
    io.write(glass, replace(thermal_glass(3), **changes))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-T", "0"), "temperature: input should be greater than 0"),
        (("-T", "nan"), "temperature: input should be a finite number"),
        (("-T", "1e9"), r"the temperature is 1e+09; its velocities would move a particle by"),
        (("--timestep", "0"), "timestep: input should be greater than 0"),
        (("--timestep", "0.1"), "the timestep is 0.1; in the first, the force on particle"),
        (("--box", "1000"), "has a density of 1.6e-07 (box 1000, 1000, 1000), that of a thin gas"),
        (("--box", "2"), "longer than half the shortest box edge"),
        (("--box", "nan"), "--box: input should be a finite number"),
        (("--targets-only", "--cutoff", "1"), "it must be at least 1.35 (the first shell)"),
        (("--ranks", "0"), "ranks: input should be greater than or equal to 1"),
    ],
)
def test_numbers_that_make_no_sense(glass, words, message):
    assert message in refusal(*ensemble(glass, *words))
    assert [path.name for path in glass.parent.iterdir()] == ["glass.xyz"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("AA: 2.5", "AA: 0.3", "cutoff: AA is 0.3, shorter than its sigma of 1"),
        ("AA: 2.5", "AA: 0", "cutoff.AA: input should be greater than 0"),
        ("AA: 2.5", "AA: 9", "longer than half the shortest box edge"),
    ],
)
def test_a_potential_whose_cutoff_makes_no_sense(glass, old, new, message):
    file = glass.parent / "own.yaml"
    file.write_text(POTENTIAL.replace(old, new))
    assert message in refusal(*ensemble(glass, "--potential", file))


def test_a_species_that_the_potential_does_not_know(glass):
    species = thermal_glass(3).species.copy()
    species[3] = 2
    altered(glass, species=species)
    assert "species 2 (C) is present" in refusal(*ensemble(glass))


def test_overlapping_particles_are_parted_when_asked(glass):
    positions = thermal_glass(3).positions.copy()
    positions[1] = positions[0] + [0.5, 0, 0]
    altered(glass, positions=positions)
    assert "part them first with --minimise" in refusal(*ensemble(glass))
    assert run(*ensemble(glass, "--minimise")).status == 0
    positions[1] = positions[0]
    altered(glass, positions=positions)
    assert "particles 0 and 1 overlap (distance 0" in refusal(*ensemble(glass, store="b.zarr"))


@pytest.mark.parametrize("engine", ["lammps", pytest.param("ensemble", marks=needs_ensemble)])
def test_a_timestep_that_blows_up(glass, engine):
    hot = ensemble(glass, "--timestep", "0.05", "--times", "0.5,50", engine=engine)
    for _ in range(2):
        said = refusal(*hot, status=1)
        assert "blew up by step" in said
        assert "use a timestep shorter than 0.05" in said
    store = glass.parent / "out.zarr"
    assert "none of its 1 snapshots is finished" in refusal("evaluate", store, "--model", "botan")
    with pytest.raises(Exception, match="is not finished"):
        io.read_ensemble(store / "snapshots" / "0000")
    sound = ensemble(glass, "--times", "0.5,50", engine=engine)
    assert "timestep is 0.05 there and 0.005 here" in refusal(*sound)


def test_a_store_of_later_form_or_of_another_campaign(glass):
    assert run(*ensemble(glass)).status == 0
    assert "seed is 0 there and 1 here" in refusal(*ensemble(glass, "--seed", "1"))
    assert "ranks is 1 there and 2 here" in refusal(*ensemble(glass, "--ranks", "2"))
    description = glass.parent / "out.zarr" / "zarr.json"
    content = json.loads(description.read_text())
    content["attributes"]["glassbotan"]["form"] = 99
    description.write_text(json.dumps(content))
    before = description.read_bytes()
    assert "has form 99; this version of glassbotan" in refusal(*ensemble(glass))
    assert description.read_bytes() == before


def test_engines_that_are_not_installed(glass, monkeypatch):
    monkeypatch.setattr(lammps_engine, "lammps_class", lambda: None)
    assert "pip install glassbotan[simulate]" in refusal(*ensemble(glass))
    monkeypatch.setattr(native, "load", lambda: None)
    said = refusal(*ensemble(glass, engine="ensemble"))
    assert "the engine 'ensemble' was not built" in said
    assert "or use the engine 'lammps'" in said


@needs_ensemble
def test_one_engine_does_not_need_the_other(glass, monkeypatch):
    def found():
        raise AssertionError("LAMMPS was loaded")

    monkeypatch.setattr(lammps_engine, "lammps_class", found)
    assert run(*ensemble(glass, engine="ensemble")).status == 0


LIMITED = """
import resource, sys

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), resource.RLIM_INFINITY))
from glassbotan.cli import main

main()
"""


@needs_ensemble
@pytest.mark.parametrize("limit", [1000, 5000])
def test_a_disk_that_takes_no_more(glass, limit):
    """A limit to the size of files stands for a full disk: first no store, then no frame fits."""
    words = ensemble(glass, "--trajectories", "16", engine="ensemble")
    limited = subprocess.run(
        [sys.executable, "-c", LIMITED, str(limit), *map(str, words[:-2]), "-o", words[-1]],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert limited.returncode == 1
    assert limited.stderr.count("\n") == 1
    assert "out.zarr: not written (File too large)" in limited.stderr
    store = glass.parent / "out.zarr"
    assert store.exists() == (limit == 5000)
    assert not list(glass.parent.rglob("*.partial*"))
    assert run(*words).status == 0
    undisturbed = ensemble(glass, "--trajectories", "16", engine="ensemble", store="other.zarr")
    assert run(*undisturbed).status == 0
    assert_same_contents(store, glass.parent / "other.zarr", 1)


def test_a_folder_that_cannot_be_written(glass):
    assert "there is no folder" in refusal(*ensemble(glass, store="none/out.zarr"))
    (glass.parent / "file.zarr").write_text("dear")
    assert "is a file; a store is a folder" in refusal(*ensemble(glass, store="file.zarr"))
    assert (glass.parent / "file.zarr").read_text() == "dear"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_store_that_became_read_only(glass, monkeypatch):
    folder = glass.parent / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    said = refusal(*ensemble(glass, store="locked/out.zarr"))
    assert "locked/out.zarr: cannot be written (Permission denied)" in said
    folder.chmod(0o700)
    monkeypatch.setattr(trajectories, "SLICE", 0.01)
    begun = ensemble(glass, store="locked/out.zarr")
    assert run(*begun, "--time-limit", "0.000001").status == 0
    for path in [*folder.rglob("*"), folder]:
        if path.is_dir():
            path.chmod(0o500)
    assert "locked/out.zarr: cannot be written (Permission denied)" in refusal(*begun)
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o700)
    assert run(*begun).status == 0
