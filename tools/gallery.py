"""Draw every picture of docs/gallery.md by the commands that stand there.

python tools/gallery.py

Run from the repository's root, with glassbotan on the path.
"""

import shlex
import subprocess
import time
from pathlib import Path

PAGE = Path("docs/gallery.md")


def commands(text: str) -> list[str]:
    """Return the page's commands: indented lines that begin with glassbotan."""
    return [line.strip() for line in text.splitlines() if line.startswith("    glassbotan ")]


def main() -> None:
    """Run them in order; the first that fails ends it."""
    for command in commands(PAGE.read_text(encoding="utf-8")):
        start = time.monotonic()
        subprocess.run(shlex.split(command), check=True)  # noqa: S603 - the page is the project's own
        print(f"{time.monotonic() - start:5.1f} s  {command}", flush=True)


if __name__ == "__main__":
    main()
