"""What the benchmarks share: published snapshots, the head of their options, and the record."""

import argparse
import json
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent


def published_file(number: int) -> Path:
    """Return one of the bundled published snapshots, 401 or 402."""
    return REPOSITORY / f"data/published/isoconfig_N4096T0.44_{number}_tc07.npz"


def options(description: str | None, **defaults: int) -> argparse.ArgumentParser:
    """Return a parser that knows --json and whole numbers with defaults, such as --repeats."""
    assert description is not None
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--json", type=Path)
    return parser


def write_record(record: dict[str, Any], path: Path | None) -> None:
    """Write a record as JSON, where that is asked for."""
    if path:
        path.write_text(json.dumps(record, indent=2) + "\n")
