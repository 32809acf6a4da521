"""An isoconfigurational ensemble, simulated."""

from collections.abc import Sequence

import numpy as np

from glassbotan.dynamics import IsoconfigurationalEnsemble
from glassbotan.errors import InputError
from glassbotan.progress import Progress, silent
from glassbotan.simulation.engines import start, together
from glassbotan.simulation.settings import DynamicsSettings, Integrator
from glassbotan.simulation.times import steps_at
from glassbotan.structure import Snapshot
from glassbotan.structure.inherent import inherent_structure
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.potential import KOB_ANDERSEN, PairPotential

REPORT = 1000
"""Steps between reports of progress."""


def simulate_ensemble(
    snapshot: Snapshot,
    *,
    times: Sequence[float] | FloatArray,
    trajectories: int = 32,
    temperature: float | None = None,
    timestep: float = 0.005,
    integrator: Integrator = "nve",
    damping: float = 1.0,
    potential: PairPotential = KOB_ANDERSEN,
    engine: str = "lammps",
    seed: int = 0,
    snapshot_index: int = 0,
    ranks: int = 1,
    minimise: bool = False,
    device: str = "cpu",
    progress: Progress = silent,
) -> IsoconfigurationalEnsemble:
    """Run trajectories from one snapshot, with velocities drawn anew for each.

    Widmer-Cooper, Harrowell, Fynewever, Phys. Rev. Lett. 93, 135701 (2004).

    Parameters
    ----------
    snapshot
        The common initial configuration, in two or three dimensions.
    times
        At which positions are kept, shape [T], Lennard-Jones time units, increasing, each a whole
        number of timesteps; :func:`glassbotan.simulation.log_times` makes them log-spaced.
    trajectories
        Their number R. Trajectory k is the same for every R.
    temperature
        Units of epsilon / k_B; the snapshot's own by default.
    timestep, integrator, damping
        See :class:`glassbotan.simulation.DynamicsSettings`.
    potential
        The mixture's interaction.
    engine
        "lammps" or "ensemble"; :func:`glassbotan.simulation.available` says which are here.
    seed, snapshot_index
        What velocities follow from, together with the trajectory's number.
    ranks
        Processes that share each trajectory, for one large system; engine "lammps" only.
    minimise
        Begin from the snapshot's inherent structure, for a snapshot whose particles overlap.
    device
        "cpu", or "cuda" for the engine "ensemble" on a GPU.
    progress
        Told the steps done, of all trajectories.

    Returns
    -------
    IsoconfigurationalEnsemble
        Positions [T, R, N, d] in float64, unwrapped; the snapshot is the minimised one with
        ``minimise``.

    Raises
    ------
    InputError
        The temperature is not known, a time is no whole number of timesteps, particles overlap,
        the engine cannot run here, or another argument makes no sense.
    RunError
        A trajectory blew up, or the engine failed.

    """
    temperature = snapshot.temperature if temperature is None else temperature
    if temperature is None:
        raise InputError(f"{snapshot.source}: the temperature is not in the file; give it")
    settings = DynamicsSettings(
        temperature,
        timestep=timestep,
        integrator=integrator,
        damping=damping,
    )
    steps = steps_at(times, timestep)
    if trajectories < 1:
        raise InputError(f"{trajectories} trajectories; there must be at least 1")
    if minimise:
        snapshot = inherent_structure(snapshot, potential)
    positions = np.empty((len(steps), trajectories, *snapshot.positions.shape))
    per_trajectory = int(steps[-1])
    at_once = together(engine, device)
    for first in range(0, trajectories, at_once):
        group = range(first, min(first + at_once, trajectories))
        run = start(
            engine,
            snapshot,
            settings,
            potential=potential,
            trajectories=group,
            seed=seed,
            snapshot_index=snapshot_index,
            ranks=ranks,
            device=device,
        )
        try:
            for t, step in enumerate(steps):
                while run.step < step:
                    run.advance(min(int(step) - run.step, REPORT))
                    done = first * per_trajectory + len(group) * run.step
                    progress(done, trajectories * per_trajectory, "trajectories", unit="steps")
                positions[t, group.start : group.stop] = snapshot.positions + run.displacements()
        finally:
            run.close()
    return IsoconfigurationalEnsemble(snapshot, np.asarray(steps * timestep), positions)
