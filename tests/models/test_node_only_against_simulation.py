"""The published node-only checkpoint against trajectories simulated for this test."""

import numpy as np
import pytest

import glassbotan as gb
from glassbotan.dynamics import noise_ceiling, propensity
from glassbotan.dynamics.ceiling import pearson
from glassbotan.dynamics.propensity import displacement_lengths
from glassbotan.structure import minimum_image
from glassbotan.structure.inherent import _lammps_class, _lammps_setup
from glassbotan.structure.potential import KOB_ANDERSEN

STEP, STEPS, TRAJECTORIES, TEMPERATURE = 0.0011, 120, 32, 0.44


def simulated(snapshot: gb.Snapshot) -> gb.IsoconfigurationalEnsemble:
    """Velocity Verlet at constant energy to t = 0.132, with fresh velocities each time."""
    engine = _lammps_class()(cmdargs=["-screen", "none", "-log", "none", "-suffix", "opt"])
    engine.commands_list(_lammps_setup(KOB_ANDERSEN, snapshot.box))
    n = snapshot.n_particles
    start = np.mod(snapshot.positions, snapshot.box)
    engine.create_atoms(n, list(range(1, n + 1)), (snapshot.species + 1).tolist(), start.ravel())
    engine.commands_list(["fix move all nve", f"timestep {STEP}"])
    finals = []
    for seed in range(1, TRAJECTORIES + 1):
        engine.scatter("x", 1, 3, np.ctypeslib.as_ctypes(start.ravel().copy()))
        engine.command(f"velocity all create {TEMPERATURE} {seed} mom yes rot no dist gaussian")
        engine.command(f"run {STEPS}")
        now = np.array(engine.gather("x", 1, 3)).reshape(n, 3)
        finals.append(snapshot.positions + minimum_image(now - start, snapshot.box))
    engine.close()
    return gb.IsoconfigurationalEnsemble(snapshot, np.array([STEP * STEPS]), np.array([finals]))


@pytest.mark.slow
@pytest.mark.skipif(_lammps_class() is None, reason="LAMMPS is not installed")
@pytest.mark.parametrize(
    ("index", "correlation", "ceiling", "mean_a", "mean_b"),
    [(0, 0.936, 0.969, 0.1037, 0.1097), (1, 0.932, 0.967, 0.1040, 0.1129)],
)
def test_scores_as_independent_simulations_found(
    labelled, index, correlation, ceiling, mean_a, mean_b
):
    snapshot = labelled[index].motion.snapshot
    ensemble = simulated(snapshot)
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
