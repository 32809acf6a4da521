"""Equilibrated snapshots of a mixture: what is asked, as jobs, and the jobs carried out."""

from pathlib import Path
from typing import Any

from glassbotan.progress import Progress, silent
from glassbotan.settings import checked
from glassbotan.simulation.engines import check_engine
from glassbotan.simulation.equilibration.job import Equilibrated, Job, carry_out
from glassbotan.simulation.equilibration.settings import EquilibrationSettings
from glassbotan.simulation.equilibration.start import cubic_box, particle_species
from glassbotan.structure.potentials import Mixture


def equilibrate(
    mixture: str | Path | Mixture = "kob-andersen-3d",
    *,
    checkpoint: str | Path | None = None,
    progress: Progress = silent,
    **settings: Any,
) -> list[Equilibrated]:
    """Make equilibrated snapshots of a mixture, and judge whether they are.

    Without ``start`` each begins from random places, is melted, cooled and held. With it, all are
    trajectories of one ensemble that leaves this equilibrated snapshot with velocities drawn anew,
    and are held until they have forgotten it, which the engine "ensemble" does for several at
    once.

    Parameters
    ----------
    mixture
        A bundled mixture's name, or a YAML file.
    checkpoint
        A file that is written about once a minute, to go on from when the same call is made
        again; with ``number`` and without ``start``, one for each, with the number after its name.
    progress
        Told about twice a second how far each job is.
    settings
        The fields of :class:`EquilibrationSettings`: temperature, particles, density, start,
        number, seed, engine, device, timestep, thermostat, damping, hold, hold_time, longest,
        melt_temperature, melt_time, cooling, cooling_time, cooling_rate, wave_number.

    Returns
    -------
    list of Equilibrated
        Each with its snapshot (with the field "velocities") and judgement, and with ``start`` how
        far it has left it.

    Raises
    ------
    InputError
        An argument makes no sense, or the checkpoint is of another run.
    RunError
        A trajectory blew up, or the disk is full.

    """
    jobs = jobs_of(checked(EquilibrationSettings, {"mixture": mixture, **settings}))
    if checkpoint is None:
        return [one for job in jobs for one in carry_out(job, progress=progress)]
    files = [Path(checkpoint)]
    if len(jobs) > 1:
        files = [files[0].with_name(f"{files[0].name}-{k + 1:04d}") for k in range(len(jobs))]
    made: list[Equilibrated] = []
    for job, file in zip(jobs, files, strict=True):
        made += carry_out(job, checkpoint_file=file, progress=progress)
    for file in files:
        file.unlink(missing_ok=True)
    return made


def jobs_of(settings: EquilibrationSettings) -> list[Job]:
    """Return the jobs that make all snapshots: one with a start, else one for each.

    Raises
    ------
    InputError
        The engine cannot run here, or so many particles make no box of the mixture.

    """
    check_engine(settings.engine, device=settings.device, integrator=settings.thermostat)
    if settings.start is not None:
        return [Job(settings, tuple(range(settings.number)))]
    # Refused here and not after hours.
    cubic_box(settings.mixture, settings.particles, settings.density)
    particle_species(settings.mixture, settings.particles)
    return [Job(settings, (k,)) for k in range(settings.number)]
