"""What scores were measured on."""

import dataclasses

import numpy as np
import pytest

import glassbotan as gb
from conftest import random_snapshot
from glassbotan.evaluation.circumstances import common_temperature, known_system, timings
from glassbotan.models.predictor import load_predictor


def mixture(*, density: float = 1.2, fraction: float = 0.8, dimension: int = 3) -> gb.Snapshot:
    edge = (1000 / density) ** (1 / dimension)
    snapshot = random_snapshot(1000, dimension=dimension, edge=edge)
    species = (np.arange(1000) >= round(1000 * fraction)).astype(int)
    return dataclasses.replace(snapshot, species=species, temperature=0.44)


def test_the_published_snapshots_are_a_kob_andersen_mixture(labelled):
    snapshots = [x.motion.snapshot for x in labelled]
    assert known_system(snapshots) == "Kob-Andersen mixture"
    assert common_temperature(snapshots) == 0.44


@pytest.mark.parametrize(
    "changes", [{"density": 1.25}, {"fraction": 0.65}, {"fraction": 1.0}, {"dimension": 2}]
)
def test_other_glasses_are_not(changes):
    assert known_system([mixture()]) == "Kob-Andersen mixture"
    assert known_system([mixture(), mixture(**changes)]) is None


def test_three_species_are_not():
    snapshot = mixture()
    snapshot.species[-1] = 2
    assert known_system([snapshot]) is None


def test_a_temperature_is_told_where_all_agree():
    cold, hot = mixture(), dataclasses.replace(mixture(), temperature=0.5)
    unknown = dataclasses.replace(cold, temperature=None)
    assert common_temperature([cold, cold]) == 0.44
    assert common_temperature([cold, hot]) is None
    assert common_temperature([cold, unknown]) is None
    assert common_temperature([unknown, unknown]) is None


@pytest.mark.parametrize("model", ["node-only", "linear"])
def test_timings_are_means_with_the_machine(model):
    found = timings(load_predictor(model), [random_snapshot(60), random_snapshot(40)], [1.0, 3.0])
    assert (found.seconds, found.particles, found.device) == (2.0, 50.0, "cpu")
    assert found.threads >= 1
    assert found.machine.endswith(("core", "cores"))
