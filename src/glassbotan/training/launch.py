"""Start a run's processes on this machine, one a device, and see them to their end.

Lightning's own launcher runs the person's command once more for each device and, where one of
them dies, kills all without a word. Here a process that trains nothing starts them all: it tells
what happened to whom, and serves a call from Python as well as the command.
"""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from glassbotan.errors import GlassbotanError, InputError, RunError, ToldElsewhereError
from glassbotan.training.config import Recipe

LOGGER = logging.getLogger("glassbotan")

GRACE = 15.0
"""Seconds that processes have to end by themselves when one has failed or Ctrl-C was pressed."""
PAUSE = 0.05
"""Seconds between two looks at the processes."""

Process = subprocess.Popen[bytes]

ERRORS: dict[str, type[Exception]] = {
    "input": InputError,
    "run": RunError,
    "memory": MemoryError,
    "bug": RuntimeError,
}
"""What a process's report is raised as; beside these there is "lost", of contact with another."""


def rank() -> int:
    """Return this process's number among those that torchrun, srun or this module started."""
    for name in ("RANK", "SLURM_PROCID", "LOCAL_RANK"):
        if name in os.environ:
            return int(os.environ[name])
    return 0


@contextmanager
def told_once() -> Iterator[None]:
    """Let the first process alone tell what the block refuses, as it does on all of them."""
    try:
        yield
    except GlassbotanError as error:
        if rank() > 0:
            raise ToldElsewhereError(error) from None
        raise


def train_in_processes(recipe: Recipe, folder: Path, number: int, *, resume: bool) -> Path:
    """Train with that many processes of this machine; see :func:`glassbotan.training.run.train`.

    Raises
    ------
    GlassbotanError
        What a process raised.
    RunError
        One was killed; or Ctrl-C was pressed.

    """
    job = {
        "recipe": recipe.model_dump(mode="json"),
        "folder": str(folder),
        "resume": resume,
        "arguments": sys.argv,
        "volume": LOGGER.level,
    }
    processes: list[Process] = []
    with tempfile.TemporaryDirectory(prefix="glassbotan-") as name:
        scratch = Path(name)
        (scratch / "job.json").write_text(json.dumps(job), encoding="utf-8")
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
        try:
            for k in range(number):
                place = {"LOCAL_RANK": str(k), "NODE_RANK": "0", "WORLD_SIZE": str(number)}
                processes.append(_start(scratch, {**os.environ, **address, **place}))
            error = _wait(processes, scratch, folder)
        except KeyboardInterrupt:
            _end(processes, signal.SIGINT)
            raise RunError(f"interrupted; go on with --resume (the run is in {folder})") from None
        finally:
            _end(processes, signal.SIGKILL)
    if error is not None:
        raise error
    return folder / "model"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start(scratch: Path, environment: dict[str, str]) -> Process:
    return subprocess.Popen(  # noqa: S603 - this program
        [sys.executable, "-m", "glassbotan.training.launch", str(scratch)],
        env=environment,
        # Open for as long as this process lives.
        stdin=subprocess.PIPE,
        # Ctrl-C is for the process that started the others, which then ends them.
        start_new_session=True,
    )


def _wait(processes: Sequence[Process], scratch: Path, folder: Path) -> Exception | None:
    """Wait until all have ended, or it is clear why one has failed; return that."""
    deadline = float("inf")
    while True:
        statuses = [process.poll() for process in processes]
        if any(statuses):
            reason = _reason(statuses, scratch, folder)
            if reason is not None:
                return reason
            # It may have failed only because another is about to.
            deadline = min(deadline, time.monotonic() + GRACE)
        if None not in statuses or time.monotonic() > deadline:
            break
        time.sleep(PAUSE)
    if not any(statuses):
        return None
    return RunError(
        "the processes of the run lost contact with each other; go on with --resume "
        f"(the run is in {folder})"
    )


def _reason(statuses: Sequence[int | None], scratch: Path, folder: Path) -> Exception | None:
    """Return what ended the run, unless that lies with a process that still runs."""
    for report in sorted(scratch.glob("report-*.json")):
        told = json.loads(report.read_text(encoding="utf-8"))
        if told["kind"] in ERRORS:
            return ERRORS[told["kind"]](told["text"])
    for k, status in enumerate(statuses):
        if status is not None and status < 0:
            return RunError(
                f"process {k + 1} of {len(statuses)} was killed "
                f"({signal.Signals(-status).name}), perhaps for want of memory; go on with "
                f"--resume (the run is in {folder})"
            )
    return None


def _end(processes: Sequence[Process], number: signal.Signals) -> None:
    """Send a signal to those that still run, and wait for them, but not for ever."""
    running = [process for process in processes if process.poll() is None]
    for process in running:
        process.send_signal(number)
    deadline = time.monotonic() + GRACE
    for process in running:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(deadline - time.monotonic(), 0))


def main(scratch: Path) -> None:
    """Train as one of the processes; what goes wrong is left in a report."""
    threading.Thread(target=_end_with_starter, daemon=True).start()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    job = json.loads((scratch / "job.json").read_text(encoding="utf-8"))
    sys.argv = job["arguments"]
    logging.basicConfig(format="%(message)s")
    LOGGER.setLevel(job["volume"])
    try:
        from glassbotan.training.run import train

        train(Recipe.model_validate(job["recipe"]), Path(job["folder"]), resume=job["resume"])
    except (ToldElsewhereError, KeyboardInterrupt):
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - whatever it is, the starter tells it
        if LOGGER.isEnabledFor(logging.DEBUG):
            traceback.print_exc()
        kind, text = _told(error)
        beside = scratch / f"{os.environ['LOCAL_RANK']}.partial"
        beside.write_text(json.dumps({"kind": kind, "text": text}), encoding="utf-8")
        beside.rename(scratch / f"report-{os.environ['LOCAL_RANK']}.json")
        sys.exit(1)


def _end_with_starter() -> None:
    """End this process as soon as the one that started it is gone."""
    os.read(0, 1)  # nothing ever comes but the end
    os._exit(1)


def _told(error: Exception) -> tuple[str, str]:
    from glassbotan.training.processes import LostContactError

    text = str(error)
    if isinstance(error, LostContactError):
        return "lost", text
    if isinstance(error, GlassbotanError):
        return ("input" if isinstance(error, InputError) else "run"), text
    if isinstance(error, MemoryError) or "DefaultCPUAllocator" in text:
        return "memory", text
    if isinstance(error, OSError):
        return "run", f"{error.filename or 'input or output'}: {error.strerror or error}"
    return "bug", f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
