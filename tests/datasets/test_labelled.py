"""Labels of an ensemble against their definitions, and what it costs to load them."""

import os
import sys
from dataclasses import replace
from itertools import pairwise
from subprocess import run

import numpy as np
import pytest

import glassbotan as gb
from conftest import random_ensemble, random_snapshot
from glassbotan.datasets import load_labelled
from glassbotan.datasets.groups import bond_groups, particle_groups
from glassbotan.datasets.labelled import label
from glassbotan.dynamics import bond_extension, motion_of, noise_ceiling
from glassbotan.dynamics.propensity import displacement_lengths


@pytest.fixture(scope="module")
def ensemble():
    return random_ensemble(random_snapshot(200), trajectories=7, times=(1.0, 3.0))


def test_labels_are_the_averages_of_the_ensemble(ensemble):
    graph = gb.neighbour_graph(ensemble.snapshot)
    found, expected = label(ensemble, graph).motion, motion_of(ensemble, graph)
    assert np.array_equal(found.times, expected.times)
    assert np.allclose(found.propensity, expected.propensity, atol=1e-12)
    assert np.allclose(found.bond_extension, expected.bond_extension, atol=1e-12)


def test_ceilings_are_those_of_each_group_s_samples(ensemble):
    graph = gb.neighbour_graph(ensemble.snapshot)
    labels = label(ensemble, graph)
    lengths = displacement_lengths(ensemble)
    single = [
        gb.IsoconfigurationalEnsemble(
            ensemble.snapshot, ensemble.times, ensemble.positions[:, r : r + 1]
        )
        for r in range(ensemble.n_trajectories)
    ]
    extensions = np.stack([bond_extension(one, graph) for one in single], axis=1)
    bonded = bond_groups(ensemble.snapshot, labels.bonds)
    for groups, samples, found in (
        (particle_groups(ensemble.snapshot), lengths, labels.ceilings["propensity"]),
        (bonded, extensions, labels.ceilings["bond_extension"]),
    ):
        assert [group.name for group in groups] == list(found)
        for group in groups:
            expected = [noise_ceiling(at_time[:, group.members]) for at_time in samples]
            assert np.allclose(found[group.name], expected, atol=1e-9, equal_nan=True)


def test_one_trajectory_has_no_ceiling():
    ensemble = random_ensemble(random_snapshot(60), trajectories=1)
    labels = label(ensemble, gb.neighbour_graph(ensemble.snapshot))
    assert np.isnan([c for of in labels.ceilings.values() for c in of.values()]).all()


def test_what_comes_from_the_cache_is_what_was_computed(published, tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSBOTAN_CACHE", str(tmp_path))
    computed = load_labelled(published[0], cached=False)
    first, later = load_labelled(published[0]), load_labelled(published[0])
    for found, expected in pairwise([later, first, computed]):
        assert np.array_equal(found.bonds.pairs, expected.bonds.pairs)
        assert np.array_equal(found.bonds.vectors, expected.bonds.vectors)
        assert np.allclose(found.motion.propensity, expected.motion.propensity, atol=1e-6)
        assert np.allclose(found.motion.bond_extension, expected.motion.bond_extension, atol=1e-6)
        assert np.allclose(found.motion["bond_breaking"], expected.motion["bond_breaking"])
        assert list(found.ceilings) == ["propensity", "bond_extension", "bond_breaking"]
        for name, ceilings in expected.ceilings.items():
            for group, values in ceilings.items():
                assert found.ceilings[name][group].tolist() == values.tolist()


def test_a_prediction_keeps_its_errors_and_its_bonds_in_the_cache(ensemble, tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSBOTAN_CACHE", str(tmp_path / "cache"))
    motion = motion_of(ensemble, gb.neighbour_graph(ensemble.snapshot, 1.5))
    error = (motion.propensity / 3).astype(np.float32)
    gb.write(tmp_path / "p.npz", replace(motion, errors={"propensity": error}))
    for _ in ("computed", "from the cache"):
        found = load_labelled(tmp_path / "p.npz", any_cutoff=True)
        assert np.array_equal(found.motion.propensity_error, error)
        assert found.bonds.cutoff == 1.5
        # What was taken with its own bonds once is refused all the same by who needs others.
        with pytest.raises(gb.InputError, match=r"cutoff 1.5; the model's graph has 2"):
            load_labelled(tmp_path / "p.npz")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory as Linux tells it")
def test_loading_takes_little_memory_and_no_torch(published, tmp_path):
    code = (
        "import sys; from pathlib import Path; from glassbotan.datasets import load_labelled; "
        f"load_labelled({str(published[0])!r}); "
        "print(*{'torch', 'scipy'} & set(sys.modules)); "
        "print(*[l for l in Path('/proc/self/status').read_text().split('\\n') if 'VmHWM' in l])"
    )
    found = run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "GLASSBOTAN_CACHE": str(tmp_path)},
    )
    heavy, peak = found.stdout.split("\n")[:2]
    assert heavy == ""
    assert int(peak.split()[1]) < 150 * 1024
