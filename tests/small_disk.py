"""A disk that is soon full."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def small_disk() -> Iterator[None]:
    """The system refuses to make any file larger than 2 kilobytes.

    Only for as long as the block runs: pytest's own report may go to a longer file.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
