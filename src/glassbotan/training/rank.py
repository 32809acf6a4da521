"""One of the processes that launch.py starts: python -m glassbotan.training.rank ADDRESS."""

import logging
import signal
import sys
import traceback
from typing import TYPE_CHECKING

from glassbotan.children import serve
from glassbotan.errors import GlassbotanError, LostContactError, RunError, ToldElsewhereError

if TYPE_CHECKING:
    from glassbotan.training.launch import Order


def carry_out(order: "Order") -> None:
    """Train as one of the processes."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv, volume, arguments = order
    logging.basicConfig(format="%(message)s")
    logger = logging.getLogger("glassbotan")
    logger.setLevel(volume)
    try:
        from glassbotan.training.run import train

        train(**arguments)
    except KeyboardInterrupt:
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - in words that the starter can tell
        if logger.isEnabledFor(logging.DEBUG):
            traceback.print_exc()
        raise told(error) from None


def told(error: Exception) -> Exception:
    """Return an error as the process that started this one is to raise it."""
    text = str(error)
    if isinstance(error, ToldElsewhereError):
        return LostContactError(text)
    if isinstance(error, GlassbotanError):
        return error
    if isinstance(error, MemoryError) or "DefaultCPUAllocator" in text:
        return MemoryError(text)
    if isinstance(error, OSError):
        return RunError(f"{error.filename or 'input or output'}: {error.strerror or error}")
    return RuntimeError(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    serve(sys.argv[1], carry_out, once=True)
