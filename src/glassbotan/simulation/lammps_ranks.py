"""One large system spread over the cores of a machine: LAMMPS under MPI, led from this process.

``mpiexec`` starts K programs, the ranks, each of which runs this module. All hold the same
:class:`~glassbotan.simulation.lammps_engine.LammpsRun` and get the same orders; LAMMPS divides
the particles among them, and rank 0 answers. Orders and answers are arrays by name in NumPy's npz
form. Each rank has a socket of its own, and ends as soon as nobody is at the other end.
"""

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict
from multiprocessing.connection import Client, Connection, wait
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import GlassbotanError, InputError, RunError
from glassbotan.simulation.engine import State, Task
from glassbotan.simulation.lammps_engine import LammpsRun
from glassbotan.simulation.settings import DynamicsSettings
from glassbotan.structure import Snapshot
from glassbotan.structure.lammps import MISSING, QUIET, lammps_class
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.potential import PairPotential

NO_MPIEXEC = (
    "mpiexec, which starts the ranks of a trajectory, is not here; install it with "
    "'pip install glassbotan[simulate]'"
)

PATIENCE = 300.0
"""Seconds in which the ranks must have started."""

GRACE = 5.0
"""Seconds that ranks have to end by themselves."""

LARGEST_MESSAGE = 2**34
"""Bytes; a message that claims more is not believed."""

ERRORS: Mapping[str, type[GlassbotanError]] = {"InputError": InputError, "RunError": RunError}


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
        self._ranks = _Ranks(mpiexec(), ranks)
        self._source = task.snapshot.source
        self._ask("begin", **_described(task))

    def advance(self, steps: int) -> None:
        """Integrate every trajectory by a number of timesteps."""
        if steps < 0:
            raise InputError(f"a run cannot advance by {steps} steps")
        self._ask("advance", steps=np.array(steps))

    def displacements(self) -> FloatArray:
        """Return r(t) - r(0), shape [R, N, d], length units; unwrapped."""
        return np.asarray(self._ask("displacements")["values"], dtype=np.float64)

    def velocities(self) -> FloatArray:
        """Return the velocities, shape [R, N, d]."""
        return np.asarray(self._ask("velocities")["values"], dtype=np.float64)

    def energies(self) -> tuple[FloatArray, FloatArray]:
        """Return potential and kinetic energy of the whole system, each of shape [R]."""
        potential, kinetic = np.asarray(self._ask("energies")["values"], dtype=np.float64)
        return potential, kinetic

    def state(self) -> State:
        """Return what :meth:`restore` needs to go on exactly as this run would."""
        return self._ask("state")

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go to a state that :meth:`state` returned, of a run on as many processes.

        A run that refuses a state is closed.
        """
        self._ask("restore", **state)

    def close(self) -> None:
        """End the ranks."""
        self._ranks.close()

    def _ask(self, order: str, **arrays: NDArray[Any]) -> State:
        try:
            answer = self._ranks.ask(order, arrays)
        except (EOFError, OSError):
            self.close()
            raise RunError(
                f"{self._source}: one of the {self._ranks.number} ranks died after step "
                f"{self.step}, perhaps for want of memory"
            ) from None
        except BaseException:
            # Answers may be left that belong to no further order.
            self.close()
            raise
        self.step = int(answer.pop("after"))
        return answer


class _Ranks:
    """K processes that do the same orders.

    Raises
    ------
    RunError
        They do not start.

    """

    def __init__(self, program: str, number: int) -> None:
        self.number = number
        self._connections: list[Connection] = []
        self._resources = ExitStack()
        try:
            self._start(program)
        except BaseException:
            self.close()
            raise

    def __del__(self) -> None:
        """End the processes of a run that nobody closed."""
        self.close()

    def ask(self, order: str, arrays: Mapping[str, NDArray[Any]]) -> State:
        """Give all ranks an order and, when all have done it, return the answer of rank 0.

        Raises
        ------
        GlassbotanError
            What a rank raised; or the ranks were ended.
        EOFError, OSError
            A rank died.

        """
        if not self._connections:
            raise RunError("the ranks of this run were ended")
        message = _packed({"order": np.array(order), **arrays})
        for connection in self._connections:
            connection.send_bytes(message)
        answer: State = {}
        waiting = list(self._connections)
        while waiting:
            # Whichever has answered: where one rank fails, others may wait for it for ever.
            for ready in wait(waiting):
                assert isinstance(ready, Connection)
                waiting.remove(ready)
                found = _unpacked(ready.recv_bytes(LARGEST_MESSAGE))
                if "error" in found:
                    raise ERRORS[str(found["kind"])](str(found["error"]))
                answer |= found
        return answer

    def close(self) -> None:
        """End the processes; each sees at once that its socket is closed."""
        for connection in self._connections:
            connection.close()
        self._connections = []
        self._resources.close()

    def _start(self, program: str) -> None:
        try:
            folder = Path(
                self._resources.enter_context(tempfile.TemporaryDirectory(prefix="glassbotan-"))
            )
            address = folder / "socket"
            server = self._resources.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(str(address))
            server.listen(self.number)
            with (folder / "said").open("wb") as said:
                command = [sys.executable, "-m", __name__, str(address), str(self.number)]
                self._process = subprocess.Popen(  # noqa: S603 - programs of this environment
                    [program, "-n", str(self.number), *command],
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    env={**os.environ, "HYDRA_LAUNCHER": "fork"},
                    # Ctrl-C is for the process that leads, which asks for a checkpoint first.
                    start_new_session=True,
                )
        except OSError as error:
            raise RunError(
                f"{program}: cannot start ranks ({error.strerror or error}); free some space, or "
                "set TMPDIR to a folder with a shorter name"
            ) from None
        self._resources.callback(_end, self._process)
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


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Wait for mpiexec to end with its ranks, and do not wait long."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(said: Path) -> str:
    lines = said.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it says nothing")


def _packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]  # no array is called allow_pickle
    return file.getvalue()


def _unpacked(message: bytes) -> State:
    with np.load(io.BytesIO(message), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _described(task: Task) -> State:
    """Return a task as arrays and, in JSON, which keeps every digit, what is none."""
    snapshot, potential = task.snapshot, task.potential
    assert potential.masses is not None
    record = {
        "source": snapshot.source,
        "temperature": snapshot.temperature,
        "shift": potential.shift,
        "settings": asdict(task.settings),
        "trajectories": task.trajectories,
        "seed": task.seed,
        "snapshot_index": task.snapshot_index,
    }
    given = {} if task.velocities is None else {"velocities": task.velocities}
    return {
        **given,
        "record": np.array(json.dumps(record)),
        "positions": snapshot.positions,
        "species": snapshot.species,
        "box": snapshot.box,
        "epsilon": potential.epsilon,
        "sigma": potential.sigma,
        "cutoff": potential.cutoff,
        "masses": potential.masses,
    }


def _task(described: Mapping[str, NDArray[Any]]) -> Task:
    record = json.loads(str(described["record"]))
    chosen = ("epsilon", "sigma", "cutoff", "masses")
    return Task(
        Snapshot(
            described["positions"],
            described["species"],
            described["box"],
            temperature=record["temperature"],
            source=record["source"],
        ),
        PairPotential(**{name: described[name] for name in chosen}, shift=record["shift"]),
        DynamicsSettings(**record["settings"]),
        tuple(record["trajectories"]),
        seed=record["seed"],
        snapshot_index=record["snapshot_index"],
        velocities=described.get("velocities"),
    )


def main(address: str, number: str) -> None:
    """Do what the leading process orders, as one of the ranks."""
    connection = Client(address, "AF_UNIX")
    orders: SimpleQueue[State] = SimpleQueue()
    threading.Thread(target=_listen, args=(connection, orders), daemon=True).start()
    rank = _Rank(int(number))
    while True:
        try:
            answer = rank.do(orders.get())
        except GlassbotanError as error:
            answer = {"error": np.array(str(error)), "kind": np.array(type(error).__name__)}
        connection.send_bytes(_packed(answer))


def _listen(connection: Connection, orders: "SimpleQueue[State]") -> None:
    """Take orders, and end this process as soon as nobody is there to give any."""
    try:
        while True:
            orders.put(_unpacked(connection.recv_bytes(LARGEST_MESSAGE)))
    finally:
        # At once, from amid LAMMPS's loops.
        os._exit(0)


class _Rank:
    """One of the ranks: its part of LAMMPS, and what it is ordered to do with it."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._run: LammpsRun | None = None
        self._leads = False

    def do(self, arrays: State) -> State:
        """Carry out an order; rank 0 returns what was asked for."""
        order = str(arrays.pop("order"))
        if self._run is None:
            self._join()
            self._run = LammpsRun(_task(arrays))
            return {"after": np.array(0)}
        result = _carried_out(self._run, order, arrays)
        return {"after": np.array(self._run.step), **(result if self._leads else {})}

    def _join(self) -> None:
        """Find this rank's place among all."""
        lammps = lammps_class()
        if lammps is None:
            raise InputError(MISSING)
        engine = lammps(cmdargs=list(QUIET))
        size, place = (engine.extract_setting(f"world_{what}") for what in ("size", "rank"))
        engine.close()
        if size != self._number:
            raise InputError(
                f"LAMMPS sees {size} of {self._number} ranks; mpiexec must be of the MPI that "
                f"LAMMPS was built with (it is {mpiexec()})"
            )
        self._leads = place == 0


def _carried_out(run: LammpsRun, order: str, arrays: State) -> State:
    if order == "advance":
        run.advance(int(arrays["steps"]))
    elif order == "restore":
        run.restore(arrays)
    elif order == "state":
        return run.state()
    else:
        # All ranks take part in gathering what one of them answers with.
        return {"values": np.asarray(getattr(run, order)())}
    return {}


if __name__ == "__main__":
    main(*sys.argv[1:])
