"""What the processes of a campaign load: as many of them run as a machine has cores."""

import subprocess
import sys

import pytest

from simulation.campaigns import campaign_file, environment
from simulation.glasses import needs_lammps

HEAVY = {"torch", "sklearn", "scipy", "matplotlib", "ase", "pandas", "lightning"}


@pytest.mark.parametrize(
    ("engine", "workers"), [("ensemble", 2), pytest.param("lammps", 1, marks=needs_lammps)]
)
def test_workers_of_a_campaign_load_neither_torch_nor_what_draws(tmp_path, engine, workers):
    if workers > 1:
        pytest.importorskip("distributed")
    file = campaign_file(tmp_path, engine=engine, temperature=0.5, trajectories=[2, 2, 2])
    # Python hands this option on to the processes that it starts.
    command = [sys.executable, "-X", "importtime", "-m", "simulation.campaign_process"]
    done = subprocess.run(
        [*command, str(file), str(tmp_path / "s.zarr"), str(workers)],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    )
    assert done.stdout.split()[-1] == "complete"
    loaded = [line.split("|")[-1].strip() for line in done.stderr.split("\n") if "|" in line]
    assert loaded.count("glassbotan.simulation.work") >= (1 if workers == 1 else 1 + workers)
    assert not HEAVY & set(loaded)
