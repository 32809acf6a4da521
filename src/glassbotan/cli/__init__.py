"""The command line: one file a command, no physics and no learning."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from glassbotan.errors import GlassbotanError, ToldElsewhereError

INTERNAL_ERROR = 70
"""Exit status of a bug, EX_SOFTWARE of the BSD sysexits."""
INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 and the number of SIGINT, as shells have it."""


def main() -> None:
    """Run the command line and exit with its status.

    0 for success, 2 for bad input, 1 for a failed run, 70 for a bug, 130 for Ctrl-C.
    """
    try:
        with _interruptible():
            # Loaded here, so that Ctrl-C is met with one line from the first moment on.
            from glassbotan.cli.app import run

            run()
    except ToldElsewhereError as error:
        sys.exit(error.exit_status)
    except GlassbotanError as error:
        _fail(str(error), error.exit_status)
    except KeyboardInterrupt:
        _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        _discard_output()  # its reader has gone (`| head`)
        sys.exit(1)
    except MemoryError:
        _fail("not enough memory for this job", 1)
    except OSError as error:
        if error.filename is None:
            _discard_output()
        _fail(f"{error.filename or 'input or output'}: {error.strerror or error}", 1)
    except Exception as error:  # noqa: BLE001 - whatever it is, a person gets one line
        _fail_by_bug(error)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Make Ctrl-C end the block as KeyboardInterrupt, even where a library makes something else.

    Imports turn it into other errors, Lightning into exit status 1, and destructors swallow it.
    """
    pressed = threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the system's call
        pressed.set()
        raise KeyboardInterrupt

    # Neither in a thread, nor where the caller handles or ignores the signal (nohup).
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler or (
        threading.current_thread() is not threading.main_thread()
    ):
        yield
        return
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except BaseException as error:
        told = isinstance(error, ToldElsewhereError) or (
            isinstance(error, GlassbotanError) and error.exit_status == INTERRUPTED
        )
        if pressed.is_set() and not told:
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if pressed.is_set():
        raise KeyboardInterrupt


def _fail_by_bug(error: Exception) -> None:
    import logging
    import traceback

    if "DefaultCPUAllocator" in str(error):
        _fail("not enough memory for this job", 1)
    if logging.getLogger("glassbotan").isEnabledFor(logging.DEBUG):
        traceback.print_exception(error)
        advice = "please report it with these lines"
    else:
        advice = "please report it with what --verbose shows"
    _fail(
        f"internal error, a bug of glassbotan ({type(error).__name__}: {error}); {advice}",
        INTERNAL_ERROR,
    )


def _fail(message: str, status: int) -> None:
    line = " ".join(part.strip() for part in message.splitlines())
    with suppress(OSError):  # nobody is left who could be told
        sys.stderr.write(f"glassbotan: error: {line}\n")
        sys.stderr.flush()
    sys.exit(status)


def _discard_output() -> None:
    """Keep Python from failing once more at exit, when it flushes standard output."""
    with suppress(OSError):  # a standard output that is no file has no number
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
