"""One table, in Markdown and JSON, of what the other benchmarks measured.

    python benchmarks/table.py FOLDER

Reads FOLDER/*.json as the benchmarks wrote them with ``--json``, and writes FOLDER/table.md and
FOLDER/table.json (parts by file name) beside them.
"""

import argparse
import json
import platform
from pathlib import Path
from typing import Any

TABLE = "table"


def main() -> None:
    """Collect, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    parts = {
        path.stem: json.loads(path.read_text())
        for path in sorted(folder.glob("*.json"))
        if path.stem != TABLE
    }
    text = "\n\n".join([machine(), *(section(name, part) for name, part in parts.items())])
    (folder / f"{TABLE}.md").write_text(text + "\n")
    record = {"machine": machine(), "parts": parts}
    (folder / f"{TABLE}.json").write_text(json.dumps(record, indent=2) + "\n")
    print(text)


def machine() -> str:
    """Return the processor and its cores in words."""
    names = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return f"{names[0] if names else platform.processor()}, {len(names)} cores"


def section(name: str, part: dict[str, Any]) -> str:
    """Return one benchmark's rows as a Markdown table under its command."""
    rows = part["rows"]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    origin = part["provenance"]
    lines = [
        f"## {name}",
        "",
        f"`{origin['command']}`, {origin['created']}",
        "",
        f"| {' | '.join(column.replace('_', ' ') for column in columns)} |",
        f"|{'---|' * len(columns)}",
        *(f"| {' | '.join(cell(row.get(column)) for column in columns)} |" for row in rows),
    ]
    return "\n".join(lines)


def cell(value: object) -> str:
    """Return a value as it is read best: numbers with three digits."""
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
