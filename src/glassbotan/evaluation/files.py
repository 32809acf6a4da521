"""Scores as files: what ``glassbotan evaluate --json`` writes and figures and reports read."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from glassbotan.errors import InputError
from glassbotan.evaluation.scores import FORM, READ, Scores, rows_by_quantity
from glassbotan.io.atomic import atomic_output
from glassbotan.provenance import package_version
from glassbotan.settings import checked

MAX_BYTES = 64 * 2**20
"""A hundred times the scores of 400 snapshots at ten times."""


def write_scores(path: str | Path, results: Sequence[Scores]) -> None:
    """Write the scores of one or several models, whole or not at all.

    Raises
    ------
    InputError
        The file cannot be written there.

    """
    with atomic_output(path) as temporary:
        temporary.write_text(scores_json(results) + "\n", encoding="utf-8")


def scores_json(results: Sequence[Scores]) -> str:
    """Return scores as JSON: one object, or a list of them with several models."""
    content = [scores.model_dump(mode="json") for scores in results]
    return json.dumps(content[0] if len(content) == 1 else content, indent=2, allow_nan=False)


def read_scores(path: str | Path) -> list[Scores]:
    """Read what ``write_scores`` or ``glassbotan evaluate --json`` wrote.

    Raises
    ------
    InputError
        The file cannot be read, is no result file or one of another version, or a field is wrong;
        names file and field.

    """
    path = Path(path)
    content = _parse(path)
    entries = content if isinstance(content, list) else [content]
    if not entries:
        raise InputError(f"{path}: holds no scores; write one with glassbotan evaluate --json")
    return [
        _scores(path, entry, f"{k}." if isinstance(content, list) else "")
        for k, entry in enumerate(entries)
    ]


def read_all_scores(paths: Iterable[str | Path]) -> list[Scores]:
    """Read several files; models that share a name are told apart by their file in brackets.

    Raises
    ------
    InputError
        As of ``read_scores``.

    """
    found = [(Path(path), scores) for path in paths for scores in read_scores(path)]
    by_model: dict[str, list[int]] = {}
    for k, (_, scores) in enumerate(found):
        by_model.setdefault(scores.model, []).append(k)
    results = [scores for _, scores in found]
    for model, same in by_model.items():
        if len(same) > 1:
            for k, label in zip(same, _distinct([found[k][0] for k in same]), strict=True):
                results[k] = results[k].model_copy(update={"model": f"{model} ({label})"})
    return results


def _distinct(paths: Sequence[Path]) -> list[str]:
    """Return names without suffix, with as many folders as tell them apart, else numbered."""
    for depth in range(1, max(len(path.parts) for path in paths) + 1):
        names = [Path(*path.parts[-depth:]).with_suffix("").as_posix() for path in paths]
        if len(set(names)) == len(names):
            return names
    return [f"{path.stem}, {k}" for k, path in enumerate(paths, start=1)]


def _parse(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if len(data) > MAX_BYTES:
        raise InputError(f"{path}: is larger than {MAX_BYTES >> 20} MiB; no result file is")
    try:
        return from_json(data.removeprefix(b"\xef\xbb\xbf"))
    except ValueError as error:
        raise InputError(
            f"{path}: is not JSON ({error}); expected what glassbotan evaluate --json wrote"
        ) from None


def _scores(path: Path, entry: Any, prefix: str) -> Scores:
    if not isinstance(entry, dict) or not {"form", "quantities", "particles"} & entry.keys():
        raise InputError(
            f"{path}: holds no scores of a model; expected what glassbotan evaluate --json wrote"
        )
    form = entry.get("form")
    if type(form) is not int or form not in READ:
        theirs = f"form {form!r}"[:40] if "form" in entry else "without a form number"
        raise InputError(
            f"{path}: is a result file of another version ({theirs}; this glassbotan "
            f"{package_version()} reads form {FORM}); evaluate again: "
            "glassbotan evaluate DATA --model NAME --json FILE"
        )
    if form != FORM:
        others = {k: value for k, value in entry.items() if k not in ("particles", "bonds")}
        entry = others | {"form": FORM, "quantities": rows_by_quantity(entry)}
    return checked(
        Scores,
        entry,
        source=str(path),
        naming=lambda place: (prefix + ".".join(map(str, place))).rstrip("."),
    )
