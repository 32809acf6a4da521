"""Equilibrated snapshots of a mixture: what is asked, as jobs, and the jobs carried out."""

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassbotan.errors import InputError
from glassbotan.simulation.engines import check_engine
from glassbotan.simulation.equilibration.job import (
    Equilibrated,
    Job,
    Report,
    carry_out,
    describe_task,
)
from glassbotan.simulation.equilibration.settings import (
    Cooling,
    EquilibrationSettings,
    Thermostat,
)
from glassbotan.simulation.equilibration.start import cubic_box, particle_species, random_start
from glassbotan.simulation.velocities import trajectory_seed
from glassbotan.structure import Snapshot
from glassbotan.structure.potential import PairPotential, check_species
from glassbotan.structure.snapshot import fingerprint

if TYPE_CHECKING:
    from glassbotan.structure.potentials import Mixture

PARTICLES = 4096

HOLD, HOLD_FROM = 10.0, 3.0
"""Relaxation times of a hold after a melt, and of one that only forgets where it began."""

DAMPING, DAMPING_FROM = 2.0, 10.0
"""The thermostat's in these: after a melt heat must come and go, which slows motion by some per
cent; what is at its temperature is better left alone."""

MELT = 3.0
"""Temperature of the melt over the deepest well of like particles: far above any glass."""

HOTTEST = 20.0
"""The same, beyond which a temperature is taken for one in other units."""

WAVE_NUMBER = 7.25
"""Times the majority's sigma: first peak of the Kob-Andersen mixture's structure factor."""


def equilibrate(
    mixture: "str | Path | Mixture" = "kob-andersen-3d",
    *,
    temperature: float | None = None,
    particles: int | None = None,
    density: float | None = None,
    start: Snapshot | None = None,
    number: int = 1,
    seed: int = 0,
    engine: str = "ensemble",
    device: str = "cpu",
    thermostat: Thermostat = "langevin",
    damping: float | None = None,
    timestep: float = 0.005,
    melt_temperature: float | None = None,
    melt_time: float = 20.0,
    cooling: Cooling = "quench",
    cooling_time: float | None = None,
    cooling_rate: float | None = None,
    hold: float | None = None,
    hold_time: float | None = None,
    longest: float = 1e5,
    wave_number: float | None = None,
    checkpoint: str | Path | None = None,
    report: Report = lambda progress: None,  # noqa: ARG005 - nobody to report to
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
    temperature
        Units of epsilon / k_B; that of ``start`` by default.
    particles, density
        Number, 4096 by default, and number density, the mixture's usual one by default; those of
        ``start`` where it is given.
    start
        A snapshot in equilibrium.
    number
        How many snapshots.
    seed
        What random numbers follow from, with the number of each snapshot.
    engine
        "ensemble" or "lammps"; :func:`glassbotan.simulation.available` says which are here.
    device
        "cpu", or "cuda" for the engine "ensemble" on a GPU.
    thermostat, timestep, melt_time, cooling, cooling_time, hold_time, longest
        See :class:`EquilibrationSettings`.
    damping
        In which the thermostat takes hold while the glass is held; 2 by default, 10 with ``start``.
    cooling_rate
        Of a ramp, temperature a time unit, instead of ``cooling_time``.
    melt_temperature
        Three times the deepest well of like particles, or twice ``temperature``, by default.
    hold
        In units of tau_alpha; 10 by default, 3 with ``start``. After a melt at least ten damping
        times, so that the energy's changes can be told from chance.
    wave_number
        Of F_s, inverse length; 7.25 over the majority's sigma by default.
    checkpoint
        A file that is written about once a minute, to go on from when the same call is made
        again; with ``number`` and without ``start``, one for each, with the number after its name.
    report
        Told about twice a second how far it is.

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
    jobs = plan_jobs(
        mixture,
        temperature=temperature,
        particles=particles,
        density=density,
        start=start,
        number=number,
        seed=seed,
        engine=engine,
        device=device,
        thermostat=thermostat,
        damping=damping,
        timestep=timestep,
        melt_temperature=melt_temperature,
        melt_time=melt_time,
        cooling=cooling,
        cooling_time=cooling_time,
        cooling_rate=cooling_rate,
        hold=hold,
        hold_time=hold_time,
        longest=longest,
        wave_number=wave_number,
    )
    files: list[Path | None] = [None] * len(jobs)
    if checkpoint is not None:
        path = Path(checkpoint)
        files = [path] if len(jobs) == 1 else [
            path.with_name(f"{path.name}-{k + 1:04d}") for k in range(len(jobs))
        ]  # fmt: skip
    made: list[Equilibrated] = []
    for job, file in zip(jobs, files, strict=True):
        made += carry_out(job, checkpoint_file=file, report=report)
    for file in files:
        if file is not None:
            file.unlink(missing_ok=True)
    return made


def plan_jobs(
    mixture: "str | Path | Mixture",
    *,
    temperature: float | None,
    particles: int | None,
    density: float | None,
    start: Snapshot | None,
    number: int,
    seed: int,
    engine: str,
    device: str = "cpu",
    **history: Any,
) -> list[Job]:
    """Return the jobs that make so many snapshots: one with a start, else one for each.

    Arguments are those of :func:`equilibrate`, every one of them.

    Raises
    ------
    InputError
        An argument makes no sense.

    """
    loaded = _loaded(mixture)
    _check_counts(number, seed, engine, device)
    if start is not None:
        if particles is not None or density is not None:
            raise InputError(
                f"{start.source}: particles and density are this snapshot's own; leave them out"
            )
        check_species(start, loaded.potential)
    settings = _settings(loaded, _temperature(temperature, start, loaded), start, **history)
    if settings.thermostat == "nose-hoover" and engine != "lammps":
        raise InputError("the thermostat 'nose-hoover' is one of the engine 'lammps'")
    if start is not None:
        return _on(
            device, [_from_snapshot(start, loaded.potential, settings, engine, seed, number)]
        )
    density = loaded.density if density is None else density
    if density is None:
        raise InputError(f"mixture {loaded.name}: its density is not known; give it")
    particles = PARTICLES if particles is None else particles
    jobs = [
        _from_random_places(loaded, particles, density, settings, engine, seed, k)
        for k in range(number)
    ]
    return _on(device, jobs)


def _loaded(mixture: "str | Path | Mixture") -> "Mixture":
    if not isinstance(mixture, (str, Path)):
        return mixture
    from glassbotan.structure.potentials import load_mixture

    return load_mixture(mixture)


def _temperature(given: float | None, start: Snapshot | None, mixture: "Mixture") -> float:
    if given is None and start is None:
        raise InputError("the temperature is not given")
    if given is None and start is not None:
        given = start.temperature
        if given is None:
            raise InputError(f"{start.source}: the temperature is not in the file; give it")
    assert given is not None
    hottest = HOTTEST * _well(mixture)
    if np.isfinite(given) and given > hottest:
        raise InputError(
            f"the temperature is {given:g}; mixture {mixture.name} is a hot gas above "
            f"{hottest:g} (units of epsilon / k_B, not kelvin)"
        )
    return given


def _settings(
    mixture: "Mixture",
    temperature: float,
    start: Snapshot | None,
    *,
    melt_temperature: float | None,
    cooling_time: float | None,
    cooling_rate: float | None,
    damping: float | None,
    hold: float | None,
    wave_number: float | None,
    **history: Any,
) -> EquilibrationSettings:
    """Return the settings with the mixture's defaults."""
    asked = (melt_temperature, cooling_time, cooling_rate)
    if start is not None and (any(a is not None for a in asked) or history["cooling"] == "ramp"):
        raise InputError(
            f"{start.source}: what begins from a snapshot is neither melted nor cooled; leave out "
            "the melt's temperature and the cooling"
        )
    if melt_temperature is None:
        melt_temperature = max(MELT * _well(mixture), 2 * temperature)
    if cooling_rate is not None:
        if cooling_time is not None:
            raise InputError("a cooling time and a cooling rate are given; one is enough")
        if not (np.isfinite(cooling_rate) and cooling_rate > 0):
            raise InputError(f"the cooling rate is {cooling_rate:g}; it must be a positive number")
        cooling_time = abs(melt_temperature - temperature) / cooling_rate
    if wave_number is None:
        majority = _majority(mixture, start)
        wave_number = WAVE_NUMBER / float(mixture.potential.sigma[majority, majority])
    if hold is None:
        hold = HOLD if start is None else HOLD_FROM
    if damping is None:
        damping = DAMPING if start is None else DAMPING_FROM
    return EquilibrationSettings(
        temperature=temperature,
        melt_temperature=melt_temperature,
        damping=damping,
        cooling_time=cooling_time,
        hold=hold,
        wave_number=wave_number,
        **history,
    )


def _on(device: str, jobs: list[Job]) -> list[Job]:
    """Return the jobs on a device; on the CPU they are what they were before there were others."""
    if device == "cpu":
        return jobs
    return [replace(job, device=device, task={**job.task, "device": device}) for job in jobs]


def _check_counts(number: int, seed: int, engine: str, device: str) -> None:
    if number < 1:
        raise InputError(f"{number} snapshots; there must be at least 1")
    if seed < 0:
        raise InputError(f"the seed is {seed}; it must be a whole number from 0 on")
    check_engine(engine, device=device)


def _majority(mixture: "Mixture", start: Snapshot | None) -> int:
    if start is not None:
        return int(np.bincount(start.species).argmax())
    return 0 if mixture.composition is None else int(np.argmax(mixture.composition))


def _well(mixture: "Mixture") -> float:
    """Return the deepest well of like particles."""
    return float(np.diag(mixture.potential.epsilon).max())


def _from_snapshot(
    start: Snapshot,
    potential: PairPotential,
    settings: EquilibrationSettings,
    engine: str,
    seed: int,
    number: int,
) -> Job:
    trajectories, start_print = tuple(range(number)), fingerprint(start)
    return Job(
        name=start.source,
        begin=lambda: start,
        potential=potential,
        settings=settings,
        engine=engine,
        # Two starts with one seed draw different numbers.
        seed=int(hashlib.sha256(f"{seed} {start_print}".encode()).hexdigest()[:15], 16),
        trajectories=trajectories,
        prepared=True,
        task=describe_task(
            settings,
            potential,
            engine=engine,
            seed=seed,
            trajectories=trajectories,
            start=start_print,
        ),
    )


def _from_random_places(
    mixture: "Mixture",
    particles: int,
    density: float,
    settings: EquilibrationSettings,
    engine: str,
    seed: int,
    index: int,
) -> Job:
    # Refused here and not after hours.
    cubic_box(mixture, particles, density)
    counts = np.bincount(particle_species(mixture, particles)).tolist()
    source = trajectory_seed(seed, snapshot=0, trajectory=index)
    return Job(
        name=f"glass {index + 1}",
        begin=partial(random_start, mixture, particles, density, source),
        potential=mixture.potential,
        settings=settings,
        engine=engine,
        seed=seed,
        trajectories=(index,),
        prepared=False,
        task=describe_task(
            settings,
            mixture.potential,
            engine=engine,
            seed=seed,
            trajectories=(index,),
            particles=counts,
            density=density,
            dimension=mixture.dimension,
        ),
    )
