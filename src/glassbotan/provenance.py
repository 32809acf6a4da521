"""What made an output: command, version, seed and inputs, recorded wherever one is written."""

import hashlib
import shlex
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def provenance(
    inputs: Iterable[str | Path] = (), *, seed: int | None = None, **details: object
) -> dict[str, object]:
    """Return a JSON-ready record of the running command.

    Parameters
    ----------
    inputs
        Files that the output was made from; recorded by name and SHA-256.
    seed
        Of the random numbers, where there were any.
    details
        Whatever else made the output what it is (the model's name ...).

    """
    return {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "version": package_version(),
        "commit": source_commit(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "inputs": [{"name": Path(p).name, "sha256": sha256(Path(p))} for p in inputs],
        **details,
    }


def package_version() -> str:
    """Return the installed version of glassbotan."""
    try:
        return version("glassbotan")
    except PackageNotFoundError:
        return "unknown"


@cache
def source_commit() -> str | None:
    """Return the commit that the package runs from, with + for changes; None if installed."""
    folder = Path(__file__).parent
    git = ("git", "-C", str(folder))
    try:
        tracked = subprocess.run(  # noqa: S603 - fixed words
            [*git, "ls-files", "--error-unmatch", __file__], capture_output=True, check=False
        )
        if tracked.returncode:
            return None
        describe = ("describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+")
        return _output(*git, *describe)
    except (OSError, subprocess.CalledProcessError):
        return None


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, check=True, text=True)  # noqa: S603
    return done.stdout.strip()


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file, or of names and contents of a folder's files."""
    stat = path.stat()
    return _sha256(path.resolve(), stat.st_size, stat.st_mtime_ns)


@cache
def _sha256(path: Path, size: int, modified: int) -> str:  # noqa: ARG001 - the cache's key
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        parts = [f"{file.relative_to(path).as_posix()} {sha256(file)}" for file in files]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
