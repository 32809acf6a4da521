"""One job: the stages of a preparation, from which glasses come; stopped and gone on with at will.

A job has one trajectory, which begins at random and is melted, cooled and held, or several that
leave a snapshot which is in equilibrium already: an isoconfigurational ensemble, whose
trajectories are, once held long enough, snapshots of their own.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import InputError
from glassbotan.progress import Progress, silent
from glassbotan.provenance import package_version
from glassbotan.simulation import checkpoint
from glassbotan.simulation.engine import Run, State
from glassbotan.simulation.engines import start
from glassbotan.simulation.equilibration.decorrelation import Decorrelation, decorrelation
from glassbotan.simulation.equilibration.judgement import Judgement, judge
from glassbotan.simulation.equilibration.record import HoldRecord
from glassbotan.simulation.equilibration.settings import EquilibrationSettings
from glassbotan.simulation.equilibration.start import particle_species, random_start
from glassbotan.simulation.pacing import Pacer
from glassbotan.simulation.protocol import difference
from glassbotan.simulation.velocities import relative_to_centre, trajectory_seed
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray, wrap
from glassbotan.structure.snapshot import IntArray, fingerprint

SECONDS_BETWEEN_CHECKPOINTS = 60.0

LEAST_DAMPING_TIMES = 10.0
"""Of a hold after a melt: three blocks of energies in each half."""

VELOCITIES = "velocities"
"""The field of a snapshot that holds them, shape [N, d]."""


@dataclass(frozen=True, eq=False)
class Job:
    """What is to be done: the trajectories of those numbers, together."""

    settings: EquilibrationSettings
    trajectories: tuple[int, ...]

    @property
    def name(self) -> str:
        """For messages."""
        start = self.settings.start
        return f"glass {self.trajectories[0] + 1}" if start is None else start.source

    @property
    def prepared(self) -> bool:
        """Whether the start is in equilibrium already, so that it is only held."""
        return self.settings.start is not None

    @property
    def seed(self) -> int:
        """What the engine's random numbers follow from."""
        start, seed = self.settings.start, self.settings.seed
        if start is None:
            return seed
        # Two starts with one seed draw different numbers.
        return int(hashlib.sha256(f"{seed} {fingerprint(start)}".encode()).hexdigest()[:15], 16)

    @property
    def task(self) -> dict[str, Any]:
        """What it is, as JSON knows it: a checkpoint of another task is not taken up."""
        asked = self.settings
        task = {
            **asked.history,
            "engine": asked.engine,
            "seed": asked.seed,
            "trajectories": list(self.trajectories),
            "potential": asked.mixture.potential.to_json(),
        }
        if asked.start is not None:
            task["start"] = fingerprint(asked.start)
        else:
            task["particles"] = np.bincount(
                particle_species(asked.mixture, asked.particles)
            ).tolist()
            task |= {"density": asked.density, "dimension": asked.mixture.dimension}
        # On the CPU it is what it was before there were other devices.
        return task if asked.device == "cpu" else {**task, "device": asked.device}

    @property
    def key(self) -> str:
        """The task and the program that does it, as text."""
        return json.dumps({**self.task, "version": package_version()}, sort_keys=True)

    def begin(self) -> Snapshot:
        """Return the configuration that the first stage begins from."""
        asked = self.settings
        if asked.start is not None:
            return asked.start
        source = trajectory_seed(asked.seed, snapshot=0, trajectory=self.trajectories[0])
        return random_start(asked.mixture, asked.particles, asked.density, source)


@dataclass(frozen=True, eq=False)
class Equilibrated:
    """What comes out.

    Attributes
    ----------
    snapshot
        With its temperature and, as the field "velocities", velocities [N, d].
    judgement
        Whether it is in equilibrium; of several that leave one snapshot, of all together.
    decorrelation
        How far they have left their start and each other; None without a start.
    trajectory
        Its number, from 0.

    """

    snapshot: Snapshot
    judgement: Judgement
    decorrelation: Decorrelation | None
    trajectory: int


def carry_out(
    job: Job,
    *,
    checkpoint_file: Path | None = None,
    stop: Callable[[], bool] = lambda: False,
    progress: Progress = silent,
) -> list[Equilibrated]:
    """Do a job, or what is left of it.

    Parameters
    ----------
    job
        What is to be done.
    checkpoint_file
        Written about once a minute, and where it is there already, gone on from.
    stop
        Asked about twice a second; once it is true, a checkpoint is written and the job ends.
    progress
        Told about twice a second the particle-steps of all stages, as far as is known, the stage
        with its time, and F_s since the hold began.

    Returns
    -------
    list
        One for each of the job's trajectories. They are the same to the last bit whether and
        wherever the job was interrupted. The checkpoint is left in its place.

    Raises
    ------
    StoppedError
        It was asked to stop.
    InputError
        The checkpoint is of another job, or the engine refuses the task.
    RunError
        A trajectory blew up, or the disk is full.

    """
    if checkpoint_file is not None:
        _check_checkpoint(checkpoint_file, job)
    with closing(_Work(job)) as work:
        work.start(checkpoint_file, progress)
        work.go_on(
            Pacer(
                tell=lambda: work.tell(progress),
                stop=stop,
                save=lambda: work.save(checkpoint_file),
                interval=SECONDS_BETWEEN_CHECKPOINTS,
            )
        )
        return work.results()


class _Work:
    """A job under way."""

    def __init__(self, job: Job) -> None:
        self.job, self.settings = job, job.settings
        self.potential = job.settings.mixture.potential
        self.stages = job.settings.stages()
        self.stage = 0
        self.run: Run | None = None

    # The stage's beginning, and what is recorded if it is the hold: set by start() or restore().
    _snapshot: Snapshot
    _velocities: FloatArray | None
    record: HoldRecord

    def start(self, file: Path | None, progress: Progress) -> None:
        """Take the work up where a checkpoint left it, or begin it."""
        if file is not None and checkpoint.take_up(
            self.restore, checkpoint.read(file, self.job.key), file
        ):
            return
        self.close()
        self.tell(progress)
        self._start_stage(0, self.job.begin(), None)

    def save(self, file: Path | None) -> None:
        """Write a checkpoint, where there is to be one."""
        if file is not None:
            checkpoint.save(file, self.state(), self.job.key)

    def close(self) -> None:
        """Let go of the engine."""
        if self.run is not None:
            self.run.close()
            self.run = None

    def go_on(self, pacer: Pacer) -> None:
        """Do what is left of all stages."""
        for index in range(self.stage, len(self.stages) - 1):
            pacer.advance(self._run, self.stages[index].steps)
            now = self._moved(self._run.displacements()[0])
            self._start_stage(index + 1, now, self._run.velocities())
        self._hold(pacer)

    def results(self) -> list[Equilibrated]:
        """Return the glasses at the end of the hold."""
        moved = relative_to_centre(self._run.displacements(), self._masses)
        velocities = relative_to_centre(self._run.velocities(), self._masses)
        judgement = judge(
            self.record,
            self._time(self._run.step),
            temperature=self._temperature(self.record.kinetic_energy),
            damping=self.settings.damping,
            common_start=self.job.prepared and len(moved) > 1,
        )
        compared = None
        if self.job.prepared:
            compared = decorrelation(
                self._snapshot, moved, self._majority, wave_number=self.settings.wave_number
            )
        return [
            Equilibrated(
                self._moved(
                    moved[k],
                    fields={VELOCITIES: velocities[k]},
                    temperature=self.settings.temperature,
                ),
                judgement,
                compared,
                trajectory,
            )
            for k, trajectory in enumerate(self.job.trajectories)
        ]

    def state(self) -> State:
        """Return what :meth:`restore` needs to go on exactly as this job would."""
        state: State = {
            "stage": np.array(self.stage),
            "positions": self._snapshot.positions,
            "species": self._snapshot.species,
            "box": self._snapshot.box,
            **{f"run:{name}": values for name, values in self._run.state().items()},
        }
        if self._velocities is not None:
            state["velocities"] = self._velocities
        return state | {f"record:{name}": array for name, array in self.record.state().items()}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go to a state that :meth:`state` returned, of the same job."""
        try:
            stage = int(state["stage"])
            snapshot = Snapshot(
                np.asarray(state["positions"], dtype=np.float64),
                np.asarray(state["species"], dtype=np.int64),
                np.asarray(state["box"], dtype=np.float64),
                source=self.job.name,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"the checkpoint is none of an equilibration ({error})") from None
        if not 0 <= stage < len(self.stages):
            raise InputError("the checkpoint is of another thermal history")
        velocities = state.get("velocities")
        self._start_stage(
            stage, snapshot, None if velocities is None else np.asarray(velocities, np.float64)
        )
        self._run.restore(_part(state, "run:"))
        self.record.restore(_part(state, "record:"))

    def tell(self, progress: Progress) -> None:
        """Say how far it is."""
        if self.run is None:
            progress(0, None, "random start", unit="particle-steps")
            return
        step, ends = self._run.step, [stage.steps for stage in self.stages]
        stage, end, scattering = self.stages[self.stage].name, None, ""
        if self.record.frames > 1:
            end = self._end_of_hold()
            ends[-1] = ends[-1] if end is None else max(min(end, ends[-1]), step)
            scattering = f", F_s = {float(self.record.scattering[0, -1].mean()):.3f}"
        at_most = end is None and self.settings.hold_time is None
        limit = "at most " if at_most and stage == "hold" else ""
        times = f"t = {self._time(step):.4g} of {limit}{self._time(ends[self.stage]):.4g}"
        lanes = self._snapshot.n_particles * len(self.job.trajectories)
        progress(
            lanes * (sum(ends[: self.stage]) + step),
            lanes * sum(ends),
            f"{stage}, {times}{scattering}",
            unit="particle-steps",
            at_most=at_most,
        )

    @property
    def _run(self) -> Run:
        assert self.run is not None
        return self.run

    @property
    def _masses(self) -> FloatArray:
        return self.potential.particle_masses(self._snapshot.species)

    @property
    def _majority(self) -> IntArray:
        species = self._snapshot.species
        return np.flatnonzero(species == np.bincount(species).argmax())

    def _time(self, step: int) -> float:
        return step * self.settings.timestep

    def _temperature(self, kinetic_energy: float) -> float:
        """Return T of a mean kinetic energy a particle."""
        # Langevin's noise moves the centre of mass too, a Nose-Hoover chain leaves it at rest.
        particles = self._snapshot.n_particles
        moving = particles - (self.settings.thermostat == "nose-hoover")
        return 2 * kinetic_energy * particles / (self._snapshot.dimension * moving)

    def _moved(self, displacements: FloatArray, **changes: Any) -> Snapshot:
        """Return the stage's beginning with particles elsewhere, by [N, d]."""
        positions = wrap(self._snapshot.positions + displacements, self._snapshot.box)
        return replace(self._snapshot, positions=positions, source=self.job.name, **changes)

    def _start_stage(self, index: int, snapshot: Snapshot, velocities: FloatArray | None) -> None:
        self.close()
        stage = self.stages[index]
        self.stage, self._snapshot, self._velocities = index, snapshot, velocities
        self.run = start(
            self.settings.engine,
            snapshot,
            self.settings.dynamics(stage.temperature, stage.damping),
            potential=self.potential,
            trajectories=self.job.trajectories,
            seed=self.job.seed,
            # Every stage draws noise of its own; stage 0 of a trajectory is its random start's.
            snapshot_index=index + 1,
            velocities=velocities,
            device=self.settings.device,
        )
        self.record = HoldRecord(
            len(self.job.trajectories),
            self._masses,
            self._majority,
            wave_number=self.settings.wave_number,
            timestep=self.settings.timestep,
        )

    def _hold(self, pacer: Pacer) -> None:
        """Hold until the record says that it is enough, or to the longest time."""
        limit = self.stages[-1].steps
        if self.record.frames == 0:
            self._sample()
        while (end := self._next_sample(limit)) is not None:
            pacer.advance(self._run, end, reached=self._sample)
        if self._end_of_hold() is None:
            pacer.advance(self._run, limit)

    def _next_sample(self, limit: int) -> int | None:
        """Return the step of the next sample, None where the hold ends before it."""
        step, end = self._run.step, self._end_of_hold()
        if end is not None and step >= end and step % self.record.interval == 0:
            return None
        following = (step // self.record.sampling + 1) * self.record.sampling
        return following if following <= limit else None

    def _end_of_hold(self) -> int | None:
        """Return the step that the hold is to end at by its relaxation time, where it is known."""
        settings, tau = self.settings, self.record.tau_alpha()
        if settings.hold_time is not None or np.isnan(tau):
            return None
        # The energy of one trajectory changes no faster than its thermostat lets it.
        least = 0.0 if self.job.prepared else LEAST_DAMPING_TIMES * settings.damping
        return settings.steps(max(settings.hold * tau, least))

    def _sample(self) -> None:
        step, particles = self._run.step, self._snapshot.n_particles
        potential, kinetic = self._run.energies()
        whole = step % self.record.interval == 0
        self.record.add(
            step,
            self._run.displacements() if whole else None,
            potential / particles,
            kinetic / particles,
        )


def _check_checkpoint(file: Path, job: Job) -> None:
    """Raise InputError where a checkpoint is of another job; names a difference."""
    key = checkpoint.key_of(file)
    if key is None or key == job.key:
        return
    try:
        there = dict(json.loads(key))
    except (ValueError, TypeError):
        there = {}
    here = json.loads(job.key)
    different = next((n for n in here if there.get(n) != here[n]), "the program")
    what = difference(
        different.replace("_", " "), there.get(different), here.get(different), told=_short
    )
    raise InputError(
        f"{file}: the checkpoint of another run: {what}; remove it, or give another name to the "
        "output"
    )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _part(state: Mapping[str, NDArray[np.generic]], prefix: str) -> State:
    return {n.removeprefix(prefix): a for n, a in state.items() if n.startswith(prefix)}
