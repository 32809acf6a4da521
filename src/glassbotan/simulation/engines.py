"""The engines by name: which are here, and the start of a run on one of them."""

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any, cast

from pydantic import field_validator

from glassbotan.errors import InputError
from glassbotan.settings import Natural, Positive, Settings, told
from glassbotan.simulation.engine import Engine, Run, Task
from glassbotan.simulation.plausible import check_plausible
from glassbotan.simulation.settings import DynamicsSettings
from glassbotan.structure import Snapshot
from glassbotan.structure.potential import KOB_ANDERSEN, PairPotential

ENGINES = {
    "ensemble": "glassbotan.simulation.ensemble_engine",
    "lammps": "glassbotan.simulation.lammps_engine",
}
"""Modules as :class:`glassbotan.simulation.engine.Engine` describes them."""

DEFAULT_ENGINE = "ensemble"


class EngineSettings(Settings):
    """Which engine integrates, where, and from what its random numbers follow."""

    seed: Natural = told(0, "N", "Of all random numbers.")
    engine: str = told(DEFAULT_ENGINE, "NAME", "ensemble (fastest) or lammps.")
    device: str = told("cpu", "NAME", "cpu, or cuda: the engine ensemble on a GPU.")
    timestep: Positive = told(DynamicsSettings.timestep, "TIME", "Of the integration.")

    @field_validator("engine")
    @classmethod
    def _known(cls, engine: str) -> str:
        _named(engine)
        return engine


def together(engine: str, device: str = "cpu") -> int:
    """Return how many trajectories of one snapshot an engine runs best at once."""
    return _named(engine).TOGETHER.get(device, 1)


def available() -> dict[str, str | None]:
    """Return every engine's name with None where it can run here, else why it cannot."""
    return {name: _missing(name) for name in ENGINES}


def start(
    engine: str,
    snapshot: Snapshot,
    settings: DynamicsSettings,
    *,
    potential: PairPotential = KOB_ANDERSEN,
    trajectories: Sequence[int] = (0,),
    ranks: int = 1,
    device: str = "cpu",
    **further: Any,
) -> Run:
    """Begin trajectories of a snapshot, each with velocities of its own.

    Parameters
    ----------
    engine
        One of :func:`available`.
    snapshot, settings, potential, trajectories, further
        See :class:`glassbotan.simulation.engine.Task`: seed, snapshot_index, velocities, cages.
    ranks
        Processes of this machine that share each trajectory, for one large system; "lammps" only.
    device
        "cpu", or "cuda" for the engine "ensemble" on a GPU.

    Raises
    ------
    InputError
        As :func:`start_task`, or a part of the task makes no sense.

    """
    task = Task(snapshot, potential, settings, tuple(trajectories), **further)
    return start_task(task, engine, ranks, device)


def start_task(task: Task, engine: str, ranks: int = 1, device: str = "cpu") -> Run:
    """Begin a task's trajectories.

    Raises
    ------
    InputError
        The engine is unknown or cannot run here, on the device or on several ranks, the potential
        does not know a species, the box is shorter than twice the cutoff, particles overlap,
        density, temperature or timestep are out of all bounds, or the engine knows no cages.

    """
    check_engine(engine, ranks, device)
    if task.cages is not None and not _named(engine).CAGES:
        raise InputError(f"the engine {engine!r} knows no cages; use {_others('CAGES')}")
    check_plausible(task.snapshot, task.potential, task.settings)
    return _named(engine).start(task, device, ranks)


def check_engine(
    engine: str, ranks: int = 1, device: str = "cpu", integrator: str | None = None
) -> None:
    """Raise InputError where the engine is unknown or cannot run here.

    Or not in several processes, on the device, or with the integrator.
    """
    module = _named(engine)
    if device not in module.TOGETHER:
        knowing = [name for name in ENGINES if device in _named(name).TOGETHER]
        raise InputError(
            f"the engine {engine!r} knows no device {device!r}; use "
            f"{_either(module.TOGETHER)}{_or_engine(knowing)}"
        )
    if ranks < 1:
        raise InputError(f"ranks: {ranks}; there must be at least 1")
    if ranks > 1 and not module.RANKS:
        raise InputError(
            f"ranks: {ranks}; the engine {engine!r} runs a trajectory in one process, the engine "
            f"{_others('RANKS')} in several"
        )
    if integrator is not None and integrator not in module.INTEGRATORS:
        knowing = [name for name in ENGINES if integrator in _named(name).INTEGRATORS]
        raise InputError(
            f"the engine {engine!r} has no integrator {integrator!r}; use "
            f"{_either(module.INTEGRATORS)}{_or_engine(knowing)}"
        )
    # No other engine is looked for: LAMMPS brings MPI with it, which takes its time and memory.
    reason = module.missing(device, ranks)
    if reason is not None:
        raise InputError(reason)


def _or_engine(names: Sequence[str]) -> str:
    return f", or the engine {_either(names)}" if names else ""


def _others(ability: str) -> str:
    """Return the names of the engines that have an ability."""
    return _either([name for name in ENGINES if getattr(_named(name), ability)])


def _either(names: Iterable[str]) -> str:
    """Return "'a', 'b' or 'c'"."""
    *before, last = map(repr, names)
    return f"{', '.join(before)} or {last}" if before else last


def _missing(engine: str) -> str | None:
    try:
        return _named(engine).missing("cpu", 1)
    except InputError as error:
        return str(error)


def _named(engine: str) -> Engine:
    if engine not in ENGINES:
        raise InputError(f"engine {engine!r} is unknown; use {_either(ENGINES)}")
    try:
        return cast("Engine", import_module(ENGINES[engine]))
    except ImportError as error:
        raise InputError(
            f"the engine {engine!r} is not part of this installation ({error})"
        ) from None
