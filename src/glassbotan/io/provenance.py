"""Where a result came from (model, input, version ...), as one line of JSON inside a file."""

import json
from collections.abc import Mapping

Provenance = Mapping[str, object]


def to_json(provenance: Provenance | None) -> str:
    """Return JSON on one line; what JSON does not know (paths, dates) as text."""
    return json.dumps(dict(provenance or {}), sort_keys=True, default=str)


def from_json(text: str) -> dict[str, object]:
    """Return what ``to_json`` wrote; empty where it is no JSON object."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
