"""glassbotan dynamics: its tables, JSON and picture, and what it refuses."""

import json
import re
import shutil

import numpy as np
import pytest
from command_line import refusal, run

import glassbotan as gb
from conftest import random_snapshot
from dynamics.gases import ballistic_gas
from dynamics.stores import write_store
from glassbotan.dynamics import relaxation_of

TIMES = (0.1, 0.5, 1.0, 2.0)


def gases(temperature: float, snapshots: int = 3, first: int = 0):
    return [
        ballistic_gas(40, trajectories=4, times=TIMES, temperature=temperature, seed=first + k)
        for k in range(snapshots)
    ]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return write_store(tmp_path_factory.mktemp("store") / "e.zarr", gases(0.44))


def test_tables_are_shown(store):
    result = run("dynamics", store)
    assert (result.status, result.err) == (0, "")
    for title in ("A, 32 particles; snapshots: 3; trajectories: 12", "B, 8 particles", "all 40"):
        assert f"T = 0.44: {title}" in result.out
    assert max(map(len, result.out.splitlines())) <= 120
    for heading in ("F_s", "MSD", "alpha_2", "Q", "chi_4", "within", "between"):
        assert heading in result.out
    (found,) = relaxation_of(gases(0.44))
    told = re.search(r"0\.44 +A +7\.25 +(\S+)", result.out)
    assert told[1] == found.species[0].tau_alpha_text
    assert re.search(r"\n +0\.1 +0\.8\d+\(\d+\)", result.out)
    assert "…" not in result.out


def test_one_snapshot_has_no_part_between(tmp_path):
    store = write_store(tmp_path / "e.zarr", gases(0.44, 1), counts=(4, 4, 4, 2))
    out = run("dynamics", store).out
    assert "chi_4 within" in out
    assert "between" not in out
    assert re.search(r"\n +2 .* 2 *\n", out)


def test_a_relaxation_time_that_is_not_reached_says_so(store):
    result = run("dynamics", store, "--wave-number", "0.1", "--json", "-")
    (found,) = json.loads(result.out)
    assert found["species"][0]["tau_alpha"] == {"value": None, "error": None}
    out = run("dynamics", store, "--wave-number", "0.1").out
    assert out.count("not reached") == 2
    assert "nan" not in out.lower()


def test_json_has_all_numbers_and_knows_where_it_came_from(store, tmp_path):
    target = tmp_path / "r.json"
    result = run("dynamics", store, "--json", target, "--wave-number", "7.25,5")
    assert result.out.endswith(f"table: {target}\n")
    (found,) = json.loads(target.read_text(), parse_constant=pytest.fail)
    (expected,) = relaxation_of(gases(0.44), wave_number=[7.25, 5.0])
    assert found["times"] == list(TIMES)
    assert found["snapshots"] == [3] * 4
    assert found["trajectories"] == [12] * 4
    for told, species in zip(found["species"], expected.species, strict=True):
        assert told["wave_number"] == species.wave_number
        assert np.allclose(told["scattering"]["value"], species.scattering.value, atol=1e-6)
        assert np.allclose(told["scattering"]["error"], species.scattering.error, atol=1e-6)
        assert set(told["susceptibility"]) == {"total", "isoconfigurational", "structural"}
    assert found["species"][1]["mass"] == 2.0
    inputs = found["provenance"]["inputs"]
    assert [i["name"] for i in inputs] == ["0000", "0001", "0002"]
    assert found["provenance"]["command"].startswith("glassbotan dynamics")
    assert run("dynamics", store, "--json", "-").out.startswith("[")


def test_a_picture_is_drawn(store, tmp_path):
    target = tmp_path / "r.svg"
    result = run("dynamics", store, "-o", target)
    assert result.status == 0
    assert result.out.endswith(f"relaxation: {target}\n")
    assert b"glassbotan dynamics" in target.read_bytes()


def test_a_picture_beside_json_alone_on_standard_output(store, tmp_path):
    result = run("dynamics", store, "--json", "-", "-o", tmp_path / "r.png")
    json.loads(result.out)
    assert result.err == f"relaxation: {tmp_path / 'r.png'}\n"


def test_several_temperatures_and_stores(store, tmp_path):
    other = write_store(tmp_path / "f.zarr", gases(0.6, first=10) + gases(0.44, first=20))
    found = json.loads(run("dynamics", store, other, "--json", "-").out)
    assert [r["temperature"] for r in found] == [0.44, 0.6]
    assert [r["snapshots"][0] for r in found] == [6, 3]


def test_published_files(published):
    out = run("-q", "dynamics", *published).out
    assert "T = 0.44: A, 3277 particles" in out
    assert re.search(r"4120 +0\.3\d+\(\d+\)", out)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--wave-number", "0"), "--wave-number '0': expected positive numbers"),
        (("--wave-number", "1,2,3"), "3 wave numbers were given; expected one, or one for each of"),
        (("--overlap-length", "0"), "--overlap-length 0.0: expected a positive length"),
        (("--overlap-length", "inf"), "--overlap-length inf: expected a positive length"),
        (("-o", "r.jpg"), "r.jpg: unknown suffix; use one of .png, .pdf, .svg"),
        (("-o", "no/r.png"), "no/r.png: cannot be written, there is no folder"),
        (("--json", "no/r.json"), "no/r.json: cannot be written, there is no folder"),
    ],
)
def test_wrong_options_are_refused(store, words, message):
    assert refusal("dynamics", store, *words).startswith(message)


def test_wrong_data_are_refused(store, tmp_path):
    store = shutil.copytree(store, tmp_path / "e.zarr")
    assert "no such file" in refusal("dynamics", tmp_path / "no.zarr")
    gb.write(tmp_path / "a.xyz", random_snapshot(20))
    assert "holds no trajectories" in refusal("dynamics", tmp_path / "a.xyz")
    message = refusal("dynamics", store, store / "snapshots" / "0001")
    assert "starts from the same snapshot as" in message
    shutil.rmtree(store / "snapshots" / "0001" / "displacements")
    message = refusal("dynamics", store)
    assert "keep: positions" in message
    assert "without --targets-only" in message
