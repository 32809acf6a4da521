"""What the page of the interactive view holds: every number, and no stranger's markup."""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import glassbotan as gb
from conftest import REPOSITORY, random_snapshot
from glassbotan.datasets import LabelledSnapshot
from glassbotan.dynamics import Motion
from glassbotan.errors import InputError
from glassbotan.evaluation.comparison import Comparison
from glassbotan.figures.viewer import view_page
from glassbotan.figures.viewer.descriptors import readable_descriptors
from glassbotan.figures.viewer.scene import scene_of

VIEWER = REPOSITORY / "viewer"
BUNDLE = REPOSITORY / "src" / "glassbotan" / "figures" / "viewer" / "viewer.js"


def motion(snapshot: gb.Snapshot, times: list[float], source: str, seed: int = 0) -> Motion:
    values = np.random.default_rng(seed).uniform(0, 1, (len(times), snapshot.n_particles))
    return Motion(snapshot, np.array(times), {"propensity": values}, source=source)


def comparison(snapshot: gb.Snapshot, measured: list[float], predicted: list[float]) -> Comparison:
    labels = LabelledSnapshot(motion(snapshot, measured, "simulated", 1), {})
    return Comparison(snapshot, labels, (motion(snapshot, predicted, "model", 2),))


def stored(scene, begin: int, kind: str, count: int) -> np.ndarray:
    return np.frombuffer(scene.buffer, kind, count, begin)


def quantity(scene, label: str) -> dict:
    return next(q for q in scene.metadata["quantities"] if q["label"] == label)


def test_every_number_is_stored_in_single_precision():
    snapshot = random_snapshot(50)
    compared = comparison(snapshot, [1.0, 10.0], [1.0, 10.0])
    scene = scene_of(compared)
    positions = stored(scene, scene.metadata["positions"], "<f4", 150).reshape(-1, 3)
    np.testing.assert_allclose(positions, snapshot.positions, rtol=1e-6)
    kinds = stored(scene, scene.metadata["kinds"], "u1", 50)
    np.testing.assert_array_equal(kinds, snapshot.species)
    values = stored(scene, quantity(scene, "propensity, model")["offset"], "<f4", 100)
    expected = compared.predictions[0].propensity.astype(np.float32)
    np.testing.assert_array_equal(values.reshape(2, 50), expected)


def test_another_quantity_is_shown_with_its_error_by_the_motions_that_tell_it():
    snapshot, generator = random_snapshot(20), np.random.default_rng(0)
    broken = [
        Motion(snapshot, np.array([1.0]), {"bond_breaking": x}, source=name)
        for name, x in zip(("file", "model"), generator.random((2, 1, 20)), strict=True)
    ]
    other = motion(snapshot, [1.0], "other", 3)
    compared = Comparison(snapshot, LabelledSnapshot(broken[0], {}), (other, broken[1]))
    scene = scene_of(compared, quantity="bond_breaking")
    labels = [q["label"] for q in scene.metadata["quantities"]]
    assert labels == [
        "bond-breaking propensity, simulation",
        "bond-breaking propensity, model",
        "error, model − simulation",
        "species",
    ]
    told = quantity(scene, "bond-breaking propensity, model")
    assert (told["unit"], told["scale"], told["timed"]) == ("", "sequential", True)
    values = stored(scene, told["offset"], "<f4", 20)
    np.testing.assert_array_equal(values, broken[1]["bond_breaking"][0].astype(np.float32))
    with pytest.raises(gb.InputError, match="bond_extension: is of bonds; a view colours part"):
        scene_of(compared, quantity="bond_extension")
    with pytest.raises(gb.InputError, match="no bond-breaking propensity to show: other tells pro"):
        scene_of(Comparison(snapshot, None, (other,)), quantity="bond_breaking")


def test_positions_outside_of_the_box_are_folded():
    snapshot = random_snapshot(20)
    moved = replace(snapshot, positions=snapshot.positions - 3 * snapshot.box)
    one, other = (scene_of(Comparison(s)) for s in (snapshot, moved))
    np.testing.assert_allclose(
        *(stored(s, s.metadata["positions"], "<f4", 60) for s in (one, other)), atol=1e-5
    )


def test_times_are_the_union_and_errors_stand_where_both_are_known():
    scene = scene_of(comparison(random_snapshot(20), [1.0, 10.0], [10.2, 100.0]))
    assert scene.metadata["times"] == [1.0, 10.0, 100.0]
    assert quantity(scene, "propensity, simulation")["rows"] == [0, 1, -1]
    assert quantity(scene, "propensity, model")["rows"] == [-1, 0, 1]
    error = quantity(scene, "error, model − simulation")
    assert [row >= 0 for row in error["rows"]] == [False, True, False]
    assert error["difference"] == [1, 0]
    assert error["scale"] == "diverging"


def test_a_snapshot_alone_shows_its_species():
    scene = scene_of(Comparison(random_snapshot(20)))
    assert [q["label"] for q in scene.metadata["quantities"]] == ["species"]
    assert scene.metadata["times"] == []


def test_the_files_own_fields_and_numbers_are_offered():
    snapshot = random_snapshot(5)
    fields = {
        "id": np.array([7, 3, 9, 1, 5]),
        "charge": np.arange(5.0),
        "velocity": np.ones((5, 3)),
        "name": np.array(list("abcde")),
        "huge": np.full(5, 1e300),
    }
    scene = scene_of(Comparison(replace(snapshot, fields=fields)))
    labels = [q["label"] for q in scene.metadata["quantities"]]
    assert labels == ["charge", "velocity[1]", "velocity[2]", "velocity[3]", "huge", "species"]
    assert stored(scene, scene.metadata["ids"], "<i4", 5).tolist() == [7, 3, 9, 1, 5]


def test_numbers_that_are_not_each_particles_own_are_not_taken():
    snapshot = random_snapshot(4)
    scene = scene_of(Comparison(replace(snapshot, fields={"id": np.array([1, 1, 2, 3])})))
    assert scene.metadata["ids"] is None


def test_species_numbers_may_be_far_apart():
    snapshot = random_snapshot(6)
    strange = replace(snapshot, species=np.array([0, 2, 70000, 0, 2, 0]))
    scene = scene_of(Comparison(strange))
    assert scene.metadata["species"] == ["A", "C", "S70000"]
    assert stored(scene, scene.metadata["kinds"], "u1", 6).tolist() == [0, 1, 2, 0, 1, 0]
    with pytest.raises(InputError, match="at most 256"):
        scene_of(Comparison(replace(random_snapshot(300), species=np.arange(300))))


@pytest.mark.parametrize("dimension", [2, 3])
def test_a_crystal_has_the_descriptors_of_a_crystal(dimension):
    grid = np.stack(np.meshgrid(*[np.arange(8)] * dimension, indexing="ij"), -1)
    sites = grid.reshape(-1, dimension) + 0.5
    snapshot = gb.Snapshot(sites, np.zeros(len(sites), int), np.full(dimension, 8.0))
    energy, neighbours, density, order = readable_descriptors(snapshot)
    assert np.ptp(energy.values) < 1e-9
    assert np.all(neighbours.values == 2 * dimension)
    # 6 + 12 + 8 + 6 + 24 + 24 sites of the cubic lattice within 2.5, 4 + 4 + 4 + 8 of the square.
    within = 81 / (4 / 3 * np.pi * 2.5**3) if dimension == 3 else 21 / (np.pi * 2.5**2)
    np.testing.assert_allclose(density.values, within, rtol=1e-9)
    # Simple cubic, six equal neighbours: q6 = sqrt(1/8); a square's four have no sixfold order.
    np.testing.assert_allclose(order.values, np.sqrt(1 / 8) if dimension == 3 else 0, atol=1e-5)


def test_descriptors_live_beside_lammps_in_one_process():
    # Voronoi cells of freud ended the process once LAMMPS was loaded.
    code = (
        "from conftest import random_snapshot; import glassbotan as gb;"
        "from glassbotan.figures.viewer.descriptors import readable_descriptors;"
        "snapshot = random_snapshot(200, edge=7.0);"
        "gb.inherent_structure(snapshot, method='lammps');"
        "print(len(list(readable_descriptors(snapshot))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "tests")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "4\n"


def test_no_energy_for_a_third_species():
    snapshot = random_snapshot(200, edge=7.0)
    mixed = replace(snapshot, species=np.arange(200) % 3)
    assert "potential energy" not in [q.name for q in readable_descriptors(mixed)]


def test_a_strangers_names_stay_text():
    evil = "</script><script>alert(1)</script>\u2028<img src=x onerror=alert(1)>"
    snapshot = replace(random_snapshot(4), source=f"folder\\{evil}", fields={evil: np.arange(4.0)})
    page = view_page(Comparison(snapshot), provenance={"command": evil}, title=evil)
    assert page.count("<script") == 3
    assert page.count("</script>") == 3
    assert "<img" not in page
    assert page.count("\u2028") <= page.split('id="scene"')[0].count("\u2028")
    told = re.search(r'id="scene">(.*?)</script>', page, re.DOTALL)
    assert told is not None
    metadata = json.loads(told[1])
    assert metadata["quantities"][0]["label"] == evil
    assert metadata["provenance"]["command"] == evil


def test_a_file_name_that_is_no_text_is_shown_all_the_same():
    snapshot = replace(random_snapshot(4), source="glass\udcff.xyz")
    assert "glass?.xyz" in view_page(Comparison(snapshot)).encode("utf-8").decode("utf-8")


def test_the_page_allows_itself_its_own_script_and_no_network():
    page = view_page(Comparison(random_snapshot(4)))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    script = BUNDLE.read_bytes()
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy[1]
    without_script = page.replace(script.decode(), "")
    assert not re.search(r"(src|href)\s*=|url\(|@import", without_script)


def test_ten_times_of_4096_particles_stay_under_six_megabytes():
    snapshot = random_snapshot(4096, edge=15.0)
    times = np.geomspace(0.1, 1e5, 10).tolist()
    compared = comparison(snapshot, times, times)
    many = replace(
        compared, predictions=[motion(snapshot, times, f"model {k}", k) for k in range(8)]
    )
    assert len(view_page(many, descriptors=True).encode()) < 6e6


def test_the_bundle_was_built_from_these_sources():
    names = ["build.mjs", "package-lock.json"]
    names += [f"src/{path.name}" for path in (VIEWER / "src").iterdir()]
    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(f"{name}\0{(VIEWER / name).read_text(encoding='utf-8')}\0".encode())
    head = BUNDLE.read_text(encoding="utf-8")[:200]
    assert f"sources sha256:{digest.hexdigest()}" in head, "stale: run `make viewer`"


def test_the_bundle_is_small_and_names_its_licence():
    assert BUNDLE.stat().st_size < 1e6
    assert "MIT" in BUNDLE.read_text(encoding="utf-8")[:400]
    licence = BUNDLE.with_name("THIRD-PARTY.txt").read_text(encoding="utf-8")
    assert "Permission is hereby granted" in licence


def test_the_lock_file_names_no_registry():
    lock = json.loads((VIEWER / "package-lock.json").read_text(encoding="utf-8"))
    assert not any("resolved" in package for package in lock["packages"].values())
    assert all("integrity" in package for name, package in lock["packages"].items() if name)
