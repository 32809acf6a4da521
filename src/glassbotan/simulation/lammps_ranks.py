"""One large system spread over the cores of a machine: LAMMPS under MPI, led from this process.

``mpiexec`` starts K programs, the ranks, each of which runs this module. All hold the same
:class:`~glassbotan.simulation.lammps_engine.LammpsRun` and get the same orders, a method's name
and its arguments; LAMMPS divides the particles among them, and rank 0 answers.
"""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassbotan.children import ChildDiedError, Children, serve
from glassbotan.errors import GlassbotanError, InputError, RunError
from glassbotan.simulation.engine import State, Task
from glassbotan.simulation.lammps_engine import LammpsRun
from glassbotan.structure.lammps import MISSING, QUIET, lammps_class
from glassbotan.structure.periodic import FloatArray

NO_MPIEXEC = (
    "mpiexec, which starts the ranks of a trajectory, is not here; install it with "
    "'pip install glassbotan[simulate]'"
)

GRACE = 5.0
"""Seconds that ranks have to end by themselves."""


def mpiexec() -> str:
    """Return the program that starts ranks: that of this environment, else the first found.

    Raises
    ------
    InputError
        There is none.

    """
    ours = Path(sys.prefix) / "bin" / "mpiexec"
    found = str(ours) if ours.exists() else shutil.which("mpiexec")
    if found is None:
        raise InputError(NO_MPIEXEC)
    return found


class RanksRun:
    """Trajectories of one snapshot, one after another, each on K processes of this machine.

    See :class:`glassbotan.simulation.engine.Run` for the methods. The numbers are those of
    :class:`~glassbotan.simulation.lammps_engine.LammpsRun` but for rounding, which depends on K.

    Raises
    ------
    InputError
        There is no mpiexec, or it is of another MPI than LAMMPS.
    RunError
        The ranks do not start; and from every method: a trajectory blew up, LAMMPS failed, or a
        rank died.

    """

    def __init__(self, task: Task, ranks: int) -> None:
        self.step = 0
        """The number of timesteps done."""
        self._source = task.snapshot.source
        rank = [sys.executable, "-m", __name__, str(ranks)]
        self._ranks = Children(
            [([mpiexec(), "-n", str(ranks), *rank], {"HYDRA_LAUNCHER": "fork"})],
            ranks,
            grace=GRACE,
            heard=False,
        )
        self._ask("begin", task)

    def __del__(self) -> None:
        """End the processes of a run that nobody closed."""
        if hasattr(self, "_ranks"):
            self.close()

    def advance(self, steps: int) -> None:
        """Integrate every trajectory by a number of timesteps."""
        if steps < 0:
            raise InputError(f"a run cannot advance by {steps} steps")
        self._ask("advance", steps)

    def displacements(self) -> FloatArray:
        """Return r(t) - r(0), shape [R, N, d], length units; unwrapped."""
        return np.asarray(self._ask("displacements"))

    def velocities(self) -> FloatArray:
        """Return the velocities, shape [R, N, d]."""
        return np.asarray(self._ask("velocities"))

    def energies(self) -> tuple[FloatArray, FloatArray]:
        """Return potential and kinetic energy of the whole system, each of shape [R]."""
        potential, kinetic = self._ask("energies")
        return potential, kinetic

    def state(self) -> State:
        """Return what :meth:`restore` needs to go on exactly as this run would."""
        return dict(self._ask("state"))

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go to a state that :meth:`state` returned, of a run on as many processes.

        A run that refuses a state is closed.
        """
        self._ask("restore", dict(state))

    def close(self) -> None:
        """End the ranks."""
        self._ranks.close()

    def _ask(self, order: str, *arguments: object) -> Any:
        """Let all ranks do something, and return the answer of rank 0."""
        try:
            answers = self._ranks.ask((order, arguments))
        except BaseException as error:
            # Answers may be left that belong to no further order.
            self.close()
            if isinstance(error, ChildDiedError):
                raise RunError(
                    f"{self._source}: one of the {self._ranks.number} ranks died after step "
                    f"{self.step}, perhaps for want of memory"
                ) from None
            if isinstance(error, GlassbotanError) or not isinstance(error, Exception):
                raise
            raise RunError(
                f"{self._source}: a rank failed ({type(error).__name__}: {error})"
            ) from None
        self.step = answers[0][0]
        return next((result for _, result in answers if result is not None), None)


class _Rank:
    """One of the ranks: its part of LAMMPS, and what it is ordered to do with it."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._run: LammpsRun | None = None
        self._leads = False

    def carry_out(self, order: tuple[str, tuple[Any, ...]]) -> tuple[int, Any]:
        """Carry out an order; return the step and, as rank 0, what was asked for."""
        method, arguments = order
        if self._run is None:
            self._leads = _place(self._number) == 0
            self._run = LammpsRun(*arguments)
            return 0, None
        # All ranks take part in gathering what one of them answers with.
        result = getattr(self._run, method)(*arguments)
        return self._run.step, result if self._leads else None


def _place(number: int) -> int:
    """Return this rank's place among so many."""
    lammps = lammps_class()
    if lammps is None:
        raise InputError(MISSING)
    engine = lammps(cmdargs=list(QUIET))
    size, place = (engine.extract_setting(f"world_{what}") for what in ("size", "rank"))
    engine.close()
    if size != number:
        raise InputError(
            f"LAMMPS sees {size} of {number} ranks; mpiexec must be of the MPI that LAMMPS was "
            f"built with (it is {mpiexec()})"
        )
    return int(place)


if __name__ == "__main__":
    serve(sys.argv[2], _Rank(int(sys.argv[1])).carry_out)
