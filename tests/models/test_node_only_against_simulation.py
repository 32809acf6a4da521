"""The published node-only checkpoint against trajectories simulated for this test."""

import pytest

import glassbotan as gb
from glassbotan.dynamics import noise_ceiling, propensity
from glassbotan.dynamics.ceiling import pearson
from glassbotan.dynamics.propensity import displacement_lengths
from glassbotan.structure.lammps import lammps_class


@pytest.mark.slow
@pytest.mark.skipif(lammps_class() is None, reason="LAMMPS is not installed")
@pytest.mark.parametrize(
    ("index", "correlation", "ceiling", "mean_a", "mean_b"),
    [(0, 0.936, 0.969, 0.1037, 0.1097), (1, 0.932, 0.967, 0.1040, 0.1129)],
)
def test_scores_as_independent_simulations_found(
    labelled, index, correlation, ceiling, mean_a, mean_b
):
    snapshot = labelled[index].motion.snapshot
    ensemble = gb.simulate_ensemble(
        snapshot,
        times=[0.132],
        timestep=0.0011,
        temperature=0.44,
        engine="lammps",
        potential="kob-andersen-3d-cut",
    )
    first = snapshot.species == 0
    measured = propensity(ensemble)[0]
    assert measured[first].mean() == pytest.approx(mean_a, rel=0.02)
    assert measured[~first].mean() == pytest.approx(mean_b, rel=0.02)
    assert noise_ceiling(displacement_lengths(ensemble)[0][:, first]) == pytest.approx(
        ceiling, abs=0.005
    )
    predicted = gb.predict(snapshot, "node-only-2020").propensity[0]
    assert pearson(predicted[first].astype(float), measured[first]) == pytest.approx(
        correlation, abs=0.01
    )
