"""The engines by name: which are here, and the start of a run on one of them."""

from collections.abc import Sequence
from importlib import import_module
from typing import cast

import numpy as np

from glassbotan.errors import InputError
from glassbotan.simulation.cages import Cages
from glassbotan.simulation.engine import Engine, Run, Task
from glassbotan.simulation.plausible import check_plausible
from glassbotan.simulation.settings import DynamicsSettings
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.potential import KOB_ANDERSEN, PairPotential

HOMES = {
    "lammps": "glassbotan.simulation.lammps_engine",
    "ensemble": "glassbotan.simulation.ensemble_engine",
}

TOGETHER = {"lammps": 1, "ensemble": 16}
"""Trajectories of one snapshot that an engine runs best at once on the CPU."""

ON_DEVICE = 32
"""The same on a GPU: one warp."""

DEVICES = ("cpu", "cuda", "cpu-plain")
"""Where the engine ``ensemble`` can run. The last is the plain form of what runs on a GPU, on the
CPU: slow, and for tests."""


def together(engine: str, device: str = "cpu") -> int:
    """Return how many trajectories of one snapshot an engine runs best at once."""
    return TOGETHER.get(engine, 1) if device == "cpu" else ON_DEVICE


def available() -> dict[str, str | None]:
    """Return every engine's name with None where it can run here, else why it cannot."""
    return {name: _missing(name) for name in HOMES}


def start(
    engine: str,
    snapshot: Snapshot,
    settings: DynamicsSettings,
    *,
    potential: PairPotential = KOB_ANDERSEN,
    trajectories: Sequence[int] = (0,),
    seed: int = 0,
    snapshot_index: int = 0,
    ranks: int = 1,
    velocities: FloatArray | None = None,
    cages: Cages | None = None,
    device: str = "cpu",
) -> Run:
    """Begin trajectories of a snapshot, each with velocities of its own.

    Parameters
    ----------
    engine
        "lammps" or "ensemble".
    snapshot
        The common initial configuration, in two or three dimensions.
    settings
        Equations of motion.
    potential
        The mixture's interaction.
    trajectories
        Indices in the ensemble, shape [R]; an index names the same trajectory in every run.
    seed, snapshot_index
        Further sources of the velocities: the ensemble's or campaign's seed, and the snapshot's
        number in it.
    ranks
        Processes of this machine that share each trajectory, for one large system; "lammps" only.
    velocities
        Instead of those drawn from seed and numbers, shape [R, N, d]: for a run that goes on from
        another. The centre of mass is brought to rest.
    cages
        Walls around every particle, so that none rearranges; "ensemble" only.
    device
        "cpu", or "cuda" for the engine "ensemble" on a GPU.

    Raises
    ------
    InputError
        The engine is unknown or cannot run here, on the device or on several ranks, the potential
        does not know a species, the box is shorter than twice the cutoff, particles overlap,
        density, temperature or timestep are out of all bounds, an index or seed is negative,
        velocities or cages have another shape, or the engine knows no cages.

    """
    check_engine(engine, ranks, device)
    numbers = [_natural(index, "trajectory") for index in trajectories]
    if not numbers or len(set(numbers)) < len(numbers):
        raise InputError(f"trajectories {numbers}: give at least one, and none twice")
    check_plausible(snapshot, potential, settings)
    task = Task(
        snapshot,
        potential,
        settings,
        tuple(numbers),
        seed=_natural(seed, "seed"),
        snapshot_index=_natural(snapshot_index, "snapshot index"),
        velocities=velocities,
        cages=cages,
    )
    if cages is not None and engine != "ensemble":
        raise InputError(f"the engine {engine!r} knows no cages; use 'ensemble'")
    if device != "cpu":
        from glassbotan.simulation.device import engine as device_engine

        return device_engine.start(task, device)
    if ranks == 1:
        return _module(engine).start(task)
    from glassbotan.simulation import lammps_ranks

    return lammps_ranks.start(task, ranks)


def check_engine(engine: str, ranks: int = 1, device: str = "cpu") -> None:
    """Raise InputError where the engine is unknown or cannot run here, or not in K processes.

    With a device, where the engine or the machine does not know it.
    """
    if engine not in HOMES:
        raise InputError(f"engine {engine!r} is unknown; use {' or '.join(map(repr, HOMES))}")
    if device != "cpu":
        _check_device(engine, ranks, device)
        return
    # No other engine is looked for: LAMMPS brings MPI with it, which takes its time and memory.
    reason = _missing(engine)
    if reason is not None:
        raise InputError(reason)
    if ranks < 1:
        raise InputError(f"ranks: {ranks}; there must be at least 1")
    if ranks > 1 and engine != "lammps":
        raise InputError(
            f"ranks: {ranks}; the engine {engine!r} runs a trajectory in one process, the engine "
            "'lammps' in several"
        )
    if ranks > 1:
        from glassbotan.simulation.lammps_ranks import mpiexec

        mpiexec()


def _check_device(engine: str, ranks: int, device: str) -> None:
    if device not in DEVICES:
        raise InputError(f"device {device!r} is unknown; use 'cpu' or 'cuda'")
    if engine != "ensemble" or ranks != 1:
        raise InputError(
            f"the device {device!r} is one of the engine 'ensemble' in one process; leave out "
            "--ranks and use --engine ensemble"
        )
    from glassbotan.simulation.device.engine import missing

    reason = missing(device)
    if reason is not None:
        raise InputError(reason)


def _natural(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise InputError(f"the {name} is {value!r}; it must be a whole number from 0 on")
    return int(value)


def _missing(engine: str) -> str | None:
    try:
        return _module(engine).missing()
    except ImportError as error:
        return f"the engine {engine!r} is not part of this installation ({error})"


def _module(engine: str) -> Engine:
    return cast("Engine", import_module(HOMES[engine]))
