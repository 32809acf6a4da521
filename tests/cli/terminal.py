"""The command line in a process of its own, on a terminal or off it."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

COLOURS = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "PY_COLORS", "TERM", "COLUMNS", "LINES")


def environment(**changes: str) -> dict[str, str]:
    """Return this process's environment without what the user prefers, and with the changes."""
    plain = {name: value for name, value in os.environ.items() if name not in COLOURS}
    return {**plain, "TERM": "xterm-256color", **changes}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "glassbotan", *map(str, arguments)]


def piped(*arguments: object, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with its output in pipes."""
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environment(**changes),
    )


def on_terminal(
    *arguments: object, columns: int = 80, output: Path | None = None, **changes: str
) -> tuple[int, str]:
    """Run the command line on a pseudo-terminal; return its status and what the terminal got.

    Where ``output`` is given, standard output goes to that file instead.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    stdout = theirs if output is None else os.open(output, os.O_CREAT | os.O_WRONLY, 0o600)
    process = subprocess.Popen(
        command(*arguments), stdin=theirs, stdout=stdout, stderr=theirs, env=environment(**changes)
    )
    os.close(theirs)
    if stdout != theirs:
        os.close(stdout)
    received = b""
    try:
        while part := os.read(ours, 1 << 16):
            received += part
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    return process.wait(), received.decode()
