"""What lasts as long as the process is not searched for garbage."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def lasting() -> Iterator[None]:
    """Import or make in the block what is needed until the process ends.

    Python looks through all objects for groups that nothing else refers to: now and then, and
    at the end. What torch and Matplotlib define takes a quarter of a second each time, and there
    is nothing to be found. Not for Triton, which complains if it is not taken down at the end.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()
