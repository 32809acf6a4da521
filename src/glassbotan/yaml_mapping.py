"""Files that a person writes (recipes, campaigns, potentials), read as YAML mappings."""

from pathlib import Path
from typing import Any

import yaml

from glassbotan.errors import InputError

LARGEST_FILE = 1_000_000
"""Bytes; what a person writes is a screenful of text."""


def read_mapping(path: str | Path, *, kind: str, expected: str) -> dict[str, Any]:
    """Return the mapping that a YAML file holds.

    Parameters
    ----------
    path
        The file.
    kind, expected
        What it is ("a campaign"), and what it should hold ("a campaign's keys"), for errors.

    Raises
    ------
    InputError
        The file is missing, too large, no YAML or no mapping.

    """
    file = Path(path)
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise InputError(f"{path}: too large for {kind}")
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise InputError(f"{path}: cannot be read ({reason})") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"{path}: not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a mapping {expected}")
    return content
