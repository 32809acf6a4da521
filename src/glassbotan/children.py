"""Processes that share a job: started here, led through sockets, and seen to their end.

Each process calls back at a socket in a folder that only this user can enter, gets the same orders
as all others, and ends as soon as nobody is at the other end. Orders, answers and errors are what
Python can pickle.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from multiprocessing.connection import Client, Connection, wait
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self

from glassbotan.errors import LostContactError, RunError

PATIENCE = 300.0
"""Seconds in which processes must have called back."""


class ChildDiedError(RunError):
    """A process ended before it answered."""


class Children:
    """Processes of this machine that get the same orders.

    Parameters
    ----------
    programs
        Each with what stands in its environment beside this process's variables. All get the
        socket's address as last argument, to call :func:`serve` with.
    number
        Of processes that call back: as many as programs, or as a program (mpiexec) starts.
    grace
        Seconds that processes have to end by themselves.
    heard
        Whether what they write is to be seen; else the last line is told if they do not start.

    Raises
    ------
    RunError
        They do not start.

    """

    def __init__(
        self,
        programs: Sequence[tuple[Sequence[str], Mapping[str, str]]],
        number: int,
        *,
        grace: float,
        heard: bool = True,
    ) -> None:
        self.number = number
        self.processes: list[subprocess.Popen[bytes]] = []
        self._grace = grace
        self._connections: list[Connection] = []
        self._resources = ExitStack()
        try:
            self._start(programs, heard=heard)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Close at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes."""
        self.close()

    def ask(self, order: object) -> list[Any]:
        """Give all processes an order and, when all have done it, return their answers.

        Raises
        ------
        Exception
            What a process raised. That it lost contact with another is raised only if nothing is
            heard of the reason.
        ChildDiedError
            A process ended.
        RunError
            All were ended before.

        """
        if not self._connections:
            raise RunError("the ranks of this run were ended")
        answers: list[Any] = []
        lost: LostContactError | None = None
        deadline = float("inf")
        waiting = list(self._connections)
        try:
            for connection in waiting:
                connection.send(order)
            while waiting and time.monotonic() < deadline:
                left = min(deadline - time.monotonic(), PATIENCE)
                # Whichever has answered: where one fails, others may wait for it for ever.
                for ready in wait(waiting, max(left, 0)):
                    assert isinstance(ready, Connection)
                    waiting.remove(ready)
                    found = ready.recv()
                    if isinstance(found, LostContactError):
                        lost, deadline = found, time.monotonic() + self._grace
                    elif isinstance(found, Exception):
                        raise found
                    answers.append(found)
        except (EOFError, ConnectionError):
            raise ChildDiedError from None
        if lost is not None:
            raise lost
        return answers

    def end(self, number: signal.Signals | None = None) -> None:
        """Send those that still run a signal, and kill what has not ended after some seconds."""
        running = [process for process in self.processes if process.poll() is None]
        if number is not None:
            for process in running:
                process.send_signal(number)
        deadline = time.monotonic() + self._grace
        for process in running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(deadline - time.monotonic(), 0))
                continue
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            # What hangs in the system's kernel, with a device or a disk, cannot be waited for.
            with suppress(subprocess.TimeoutExpired):
                process.wait(self._grace)

    def close(self) -> None:
        """End the processes; each sees at once that its socket is closed."""
        for connection in self._connections:
            connection.close()
        self._connections = []
        self._resources.close()

    def _start(
        self, programs: Sequence[tuple[Sequence[str], Mapping[str, str]]], *, heard: bool
    ) -> None:
        name = Path(programs[0][0][0]).name
        try:
            folder = Path(
                self._resources.enter_context(tempfile.TemporaryDirectory(prefix="glassbotan-"))
            )
            server = self._resources.enter_context(socket.socket(socket.AF_UNIX))
            address = folder / "socket"
            server.bind(str(address))
            server.listen(self.number)
            with (folder / "said").open("wb") as said:
                output = None if heard else said
                for command, environment in programs:
                    process = subprocess.Popen(  # noqa: S603 - programs of this environment
                        [*command, str(address)],
                        env={**os.environ, **environment},
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=output,
                        # Ctrl-C is for this process, which then asks the others to end.
                        start_new_session=True,
                    )
                    if not self.processes:
                        self._resources.callback(self.end)
                    self.processes.append(process)
        except OSError as error:
            raise RunError(
                f"{name}: cannot start ranks ({error.strerror or error}); free some space, or "
                "set TMPDIR to a folder with a shorter name"
            ) from None
        self._accept(server, folder / "said", name)

    def _accept(self, server: socket.socket, said: Path, name: str) -> None:
        """Wait until every process has called."""
        deadline = time.monotonic() + PATIENCE
        server.settimeout(0.1)
        while len(self._connections) < self.number:
            try:
                called, _ = server.accept()
            except TimeoutError:
                ended = any(process.poll() is not None for process in self.processes)
                if ended or time.monotonic() > deadline:
                    raise RunError(
                        f"{name} started {len(self._connections)} of {self.number} ranks: "
                        f"{_last_line(said)}"
                    ) from None
                continue
            called.setblocking(True)
            self._connections.append(Connection(called.detach()))


def _last_line(said: Path) -> str:
    lines = said.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it says nothing")


def serve(address: str, carry_out: Callable[[Any], object], *, once: bool = False) -> None:
    """Do what the leading process orders, as one of its children.

    Parameters
    ----------
    address
        Where to call.
    carry_out
        Takes an order and returns the answer; what it raises is raised by the leading process.
    once
        Whether there is only one order; else they come until the leading process is gone.

    """
    try:
        connection = Client(address, "AF_UNIX")
    except OSError:
        sys.exit(1)  # it is gone already
    orders: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_listen, args=(connection, orders), daemon=True).start()
    while True:
        order = orders.get()
        try:
            answer = carry_out(order)
        except Exception as error:  # noqa: BLE001 - whatever it is, the leading process tells it
            answer = error
        connection.send(answer)
        if once:
            return


def _listen(connection: Connection, orders: "SimpleQueue[Any]") -> None:
    """Take orders, and end this process as soon as nobody is there to give any."""
    try:
        while True:
            orders.put(connection.recv())
    finally:
        # At once, from amid whatever library is at work.
        os._exit(1)
