"""The data behind scores: which files, whether they are still here and still the same."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from glassbotan.evaluation.scores import Scores
from glassbotan.models.card import Card
from glassbotan.provenance import sha256


@dataclass(frozen=True)
class DataFile:
    """A file that something was trained, validated or scored on.

    Attributes
    ----------
    name, sha256
        As recorded.
    roles
        What it was used for: "scored", "training of botan" ...
    path
        Where it lies now, the same to the last bit; None where it is not known to.
    problem
        What became of a file that was scored, where it is missing or has changed.

    """

    name: str
    sha256: str
    roles: tuple[str, ...]
    path: Path | None = None
    problem: str = ""

    @property
    def purpose(self) -> str:
        """The roles in words: "scored; training of botan"."""
        return "; ".join(self.roles)


def listed(values: object) -> list[object]:
    """Return what a record lists; nothing where it is no list."""
    return values if isinstance(values, list) else []


def recorded_inputs(record: object) -> list[tuple[str, str]]:
    """Return names and SHA-256 of a provenance record's inputs; entries of no form are left out."""
    inputs = record.get("inputs") if isinstance(record, dict) else None
    return [
        (str(entry["name"]), str(entry["sha256"]))
        for entry in listed(inputs)
        if isinstance(entry, dict) and "name" in entry and "sha256" in entry
    ]


def scored_files(results: Iterable[Scores]) -> list[DataFile]:
    """Look for the files that were scored where they lay, and compare their SHA-256."""
    files: dict[tuple[str, str], DataFile] = {}
    for scores in results:
        for k, (name, digest) in enumerate(recorded_inputs(scores.provenance)):
            place = scores.data[k] if k < len(scores.data) else ""
            known = files.get((name, digest))
            if known is None or known.path is None:
                files[name, digest] = _checked(name, digest, place)
    return list(files.values())


def files_of_cards(cards: Iterable[Card]) -> list[DataFile]:
    """Return the files that models were trained and validated on, as their cards have them."""
    files = []
    for card in cards:
        roles = {
            str(name): role
            for role, part in (("training", "train"), ("validation", "validation"))
            for name in listed(card.data.get(part))
        }
        for name, digest in recorded_inputs(card.provenance):
            files.append(DataFile(name, digest, (f"{roles.get(name, 'input')} of {card.name}",)))
    return files


def files_here(paths: Iterable[Path], role: str) -> list[DataFile]:
    """Return files of this machine."""
    return [DataFile(path.name, sha256(path), (role,), path) for path in paths]


def merged(files: Iterable[DataFile]) -> list[DataFile]:
    """Return each file once, with all of its roles."""
    by_key: dict[tuple[str, str], DataFile] = {}
    for file in files:
        known = by_key.setdefault((file.name, file.sha256), file)
        by_key[file.name, file.sha256] = replace(
            known,
            roles=tuple(dict.fromkeys([*known.roles, *file.roles])),
            path=known.path or file.path,
            problem=known.problem or file.problem,
        )
    return list(by_key.values())


def _checked(name: str, digest: str, place: str) -> DataFile:
    problem = ""
    if not place or not _is_there(Path(place)):
        where = f" ({place})" if place else ""
        problem = f"missing: not found where it was scored{where}"
    elif sha256(Path(place)) != digest:
        problem = f"changed: the SHA-256 of {place} is not the recorded one"
    return DataFile(name, digest, ("scored",), None if problem else Path(place), problem)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # no name of a file at all
        return False
