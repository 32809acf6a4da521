"""One of the processes that launch.py starts: python -m glassbotan.training.rank FOLDER."""

import logging
import os
import pickle
import signal
import sys
import threading
import traceback
from pathlib import Path

from glassbotan.errors import GlassbotanError, RunError, ToldElsewhereError
from glassbotan.io.atomic import atomic_output
from glassbotan.training.launch import JOB, LOGGER, Job, rank


def main(scratch: Path) -> None:
    """Train as one of the processes; what goes wrong is left in a report."""
    threading.Thread(target=_end_with_starter, daemon=True).start()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    job: Job = pickle.loads((scratch / JOB).read_bytes())  # noqa: S301 - by who started this
    sys.argv = list(job.arguments)
    logging.basicConfig(format="%(message)s")
    LOGGER.setLevel(job.volume)
    try:
        from glassbotan.training.run import train

        train(job.recipe, job.folder, resume=job.resume)
    except (ToldElsewhereError, KeyboardInterrupt):
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - whatever it is, the starter tells it
        if LOGGER.isEnabledFor(logging.DEBUG):
            traceback.print_exc()
        leave_report(scratch, error)
        sys.exit(1)


def leave_report(scratch: Path, error: Exception) -> None:
    """Leave what the process that started this one is to raise."""
    with atomic_output(scratch / f"report-{rank()}") as temporary:
        temporary.write_bytes(pickle.dumps(_told(error)))


def _told(error: Exception) -> Exception:
    text = str(error)
    if isinstance(error, GlassbotanError):
        return error
    if isinstance(error, MemoryError) or "DefaultCPUAllocator" in text:
        return MemoryError(text)
    if isinstance(error, OSError):
        return RunError(f"{error.filename or 'input or output'}: {error.strerror or error}")
    return RuntimeError(f"{type(error).__name__}: {error}")


def _end_with_starter() -> None:
    """End this process as soon as the one that started it is gone."""
    os.read(0, 1)  # nothing ever comes but the end
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
