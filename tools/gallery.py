"""Draw every picture of docs/gallery.md by the commands that stand there.

    python tools/gallery.py

Run from the repository's root, with glassbotan on the path. Pages are shown in Chromium
(playwright) where it is installed; without it their pictures stay as they are.
"""

import shlex
import shutil
import subprocess
import time
from pathlib import Path

PAGE = Path("docs/gallery.md")
SHOWN = {Path("out/view.html"): (1200, 720), Path("out/report.html"): (1000, 1250)}
"""Pages that are shown in a browser, with the window's size."""


def commands(text: str) -> list[str]:
    """Return the page's commands: indented lines that begin with glassbotan."""
    return [line.strip() for line in text.splitlines() if line.startswith("    glassbotan ")]


def photograph(pages: dict[Path, tuple[int, int]]) -> None:
    """Save what a browser shows of each page as docs/images/NAME.png."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )
        for path, (width, height) in pages.items():
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(path.resolve().as_uri())
            page.wait_for_timeout(5000)
            page.screenshot(path=Path("docs/images") / path.with_suffix(".png").name)
        browser.close()


def main() -> None:
    """Run the commands in order; the first that fails ends it."""
    Path("out").mkdir(exist_ok=True)
    for command in commands(PAGE.read_text(encoding="utf-8")):
        start = time.monotonic()
        subprocess.run(shlex.split(command), check=True)  # noqa: S603 - the page is the project's own
        print(f"{time.monotonic() - start:5.1f} s  {command}", flush=True)
    if shutil.which("chromium"):
        photograph(SHOWN)


if __name__ == "__main__":
    main()
