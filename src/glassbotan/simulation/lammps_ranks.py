"""One large system spread over the cores of a machine: LAMMPS under MPI, led from this process.

``mpiexec`` starts K programs, the ranks, each of which runs this module. All hold the same
:class:`~glassbotan.simulation.lammps_engine.LammpsRun` and get the same orders, a method's name
and its arguments; LAMMPS divides the particles among them, and rank 0 answers. Each rank has a
socket of its own, in a folder that only this user can enter, and ends as soon as nobody is at the
other end.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from multiprocessing.connection import Client, Connection, wait
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassbotan.children import end_children, start_child
from glassbotan.errors import GlassbotanError, InputError, RunError
from glassbotan.simulation.engine import State, Task
from glassbotan.simulation.lammps_engine import LammpsRun
from glassbotan.structure.lammps import MISSING, QUIET, lammps_class
from glassbotan.structure.periodic import FloatArray

Order = tuple[str, tuple[Any, ...]]
"""A method of the ranks' run, or "begin", and its arguments."""

NO_MPIEXEC = (
    "mpiexec, which starts the ranks of a trajectory, is not here; install it with "
    "'pip install glassbotan[simulate]'"
)

PATIENCE = 300.0
"""Seconds in which the ranks must have started."""

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


def start(task: Task, ranks: int) -> "RanksRun":
    """Begin the task's trajectories, at step 0, each on that many processes."""
    return RanksRun(task, ranks)


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
        self.number = ranks
        self._source = task.snapshot.source
        self._connections: list[Connection] = []
        self._resources = ExitStack()
        try:
            self._start(mpiexec())
        except BaseException:
            self.close()
            raise
        self._ask("begin", task)

    def __del__(self) -> None:
        """End the processes of a run that nobody closed."""
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
        """End the ranks; each sees at once that its socket is closed."""
        for connection in self._connections:
            connection.close()
        self._connections = []
        self._resources.close()

    def _ask(self, order: str, *arguments: object) -> Any:
        """Let all ranks do something and, when all have done it, return the answer of rank 0."""
        if not self._connections:
            raise RunError("the ranks of this run were ended")
        try:
            for connection in self._connections:
                connection.send((order, arguments))
            answers = self._answers()
        except (EOFError, OSError):
            self.close()
            raise RunError(
                f"{self._source}: one of the {self.number} ranks died after step {self.step}, "
                "perhaps for want of memory"
            ) from None
        except BaseException:
            # Answers may be left that belong to no further order.
            self.close()
            raise
        self.step = answers[0][0]
        return next((result for _, result in answers if result is not None), None)

    def _answers(self) -> list[tuple[int, Any]]:
        """Return each rank's step and, of rank 0, its result; raise what a rank raises."""
        answers = []
        waiting = list(self._connections)
        while waiting:
            # Whichever has answered: where one rank fails, others may wait for it for ever.
            for ready in wait(waiting):
                assert isinstance(ready, Connection)
                waiting.remove(ready)
                found = ready.recv()
                if isinstance(found, GlassbotanError):
                    raise found
                answers.append(found)
        return answers

    def _start(self, program: str) -> None:
        try:
            folder = Path(
                self._resources.enter_context(tempfile.TemporaryDirectory(prefix="glassbotan-"))
            )
            address = folder / "socket"
            server = self._resources.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(str(address))
            server.listen(self.number)
            number = str(self.number)
            rank = [sys.executable, "-m", __name__, str(address), number]
            with (folder / "said").open("wb") as said:
                self._process = start_child(
                    [program, "-n", number, *rank],
                    {"HYDRA_LAUNCHER": "fork"},
                    stdin=subprocess.DEVNULL,
                    said=said,
                )
        except OSError as error:
            raise RunError(
                f"{program}: cannot start ranks ({error.strerror or error}); free some space, or "
                "set TMPDIR to a folder with a shorter name"
            ) from None
        self._resources.callback(end_children, [self._process], None, GRACE)
        self._accept(server, folder / "said")

    def _accept(self, server: socket.socket, said: Path) -> None:
        """Wait until every rank has called."""
        deadline = time.monotonic() + PATIENCE
        server.settimeout(0.1)
        while len(self._connections) < self.number:
            try:
                called, _ = server.accept()
            except TimeoutError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RunError(
                        f"mpiexec started {len(self._connections)} of {self.number} ranks: "
                        f"{_last_line(said)}"
                    ) from None
                continue
            called.setblocking(True)
            self._connections.append(Connection(called.detach()))


def _last_line(said: Path) -> str:
    lines = said.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it says nothing")


def main(address: str, number: str) -> None:
    """Do what the leading process orders, as one of the ranks."""
    connection = Client(address, "AF_UNIX")
    orders: SimpleQueue[Order] = SimpleQueue()
    threading.Thread(target=_listen, args=(connection, orders), daemon=True).start()
    run: LammpsRun | None = None
    leads = False
    while True:
        order, arguments = orders.get()
        result = None
        try:
            if run is None:
                leads = _place(int(number)) == 0
                run = LammpsRun(*arguments)
            else:
                # All ranks take part in gathering what one of them answers with.
                result = getattr(run, order)(*arguments)
        except GlassbotanError as error:
            connection.send(error)
        else:
            connection.send((run.step, result if leads else None))


def _listen(connection: Connection, orders: "SimpleQueue[Order]") -> None:
    """Take orders, and end this process as soon as nobody is there to give any."""
    try:
        while True:
            orders.put(connection.recv())
    finally:
        # At once, from amid LAMMPS's loops.
        os._exit(0)


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
    main(*sys.argv[1:])
