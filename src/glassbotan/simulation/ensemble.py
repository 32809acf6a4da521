"""An isoconfigurational ensemble, simulated."""

from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from glassbotan.dynamics import IsoconfigurationalEnsemble
from glassbotan.errors import InputError
from glassbotan.progress import Progress, silent
from glassbotan.settings import checked
from glassbotan.simulation.engine import Run
from glassbotan.simulation.pacing import Pacer
from glassbotan.simulation.protocol import EnsembleSettings
from glassbotan.simulation.settings import temperature_of
from glassbotan.simulation.trajectories import run_through
from glassbotan.structure import Snapshot
from glassbotan.structure.inherent import inherent_structure
from glassbotan.structure.periodic import FloatArray


def simulate_ensemble(
    snapshot: Snapshot,
    *,
    temperature: float | None = None,
    snapshot_index: int = 0,
    progress: Progress = silent,
    **settings: Any,
) -> IsoconfigurationalEnsemble:
    """Run trajectories from one snapshot, with velocities drawn anew for each.

    Widmer-Cooper, Harrowell, Fynewever, Phys. Rev. Lett. 93, 135701 (2004).

    Parameters
    ----------
    snapshot
        The common initial configuration, in two or three dimensions.
    temperature
        Units of epsilon / k_B; the snapshot's own by default.
    snapshot_index
        What velocities follow from, together with seed and the trajectory's number. Trajectory k
        is the same for every number of trajectories.
    progress
        Told the steps done, of all trajectories.
    settings
        The fields of :class:`glassbotan.simulation.EnsembleSettings`: ``times`` at least
        (:func:`glassbotan.simulation.log_times` makes them log-spaced), trajectories, timestep,
        integrator, damping, potential, engine, device, seed, ranks, minimise.

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
    asked = checked(EnsembleSettings, settings)
    temperature = temperature_of(snapshot) if temperature is None else temperature
    if len(set(asked.trajectories)) > 1:
        raise InputError("trajectories: give one number; all of them reach the last time")
    if asked.minimise:
        snapshot = inherent_structure(snapshot, asked.interaction)
    steps, trajectories = asked.steps, asked.trajectories[0]
    positions = np.empty((len(steps), trajectories, *snapshot.positions.shape))
    whole = int(steps[-1])

    def tell(run: Run, chosen: range) -> None:
        done = chosen.start * whole + len(chosen) * run.step
        progress(done, trajectories * whole, "trajectories", unit="steps")

    def keep(chosen: range, time: int, moved: FloatArray, _: FloatArray) -> None:
        positions[time, chosen.start : chosen.stop] = snapshot.positions + moved

    for block in asked.blocks(snapshot_index):
        chosen = block.trajectories
        with closing(asked.start(replace(snapshot, temperature=temperature), block)) as run:
            run_through(
                run,
                steps,
                asked.interaction.particle_masses(snapshot.species),
                conserves_momentum=asked.integrator == "nve",
                keep=partial(keep, chosen),
                pacer=Pacer(tell=partial(tell, run, chosen)),
            )
            tell(run, chosen)
    return IsoconfigurationalEnsemble(snapshot, np.asarray(steps * asked.timestep), positions)
