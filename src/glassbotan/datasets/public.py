"""The public data sets: what they are, where they lie on this machine, which files a name means."""

import json
import logging
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any

from glassbotan.datasets.checksums import CHECKSUMS, Checksums
from glassbotan.errors import InputError
from glassbotan.io.ensemble_layout import GROUP_FILE
from glassbotan.io.ensemble_store import is_store, is_stored_snapshot, stored_snapshots
from glassbotan.io.formats import FORMATS, by_suffix, formats_that
from glassbotan.structure import Snapshot

LOGGER = logging.getLogger("glassbotan")

LISTING = "listing.json"


@dataclass(frozen=True)
class RemoteFile:
    """One file of a data set.

    Attributes
    ----------
    path
        Where it lies in the data set's folder, with forward slashes.
    url
        Where it is offered; None where no address is known.
    checksum
        ``sha256:<hexadecimal>`` or ``md5:<hexadecimal>``; None where nobody published one.
    size
        In bytes, where it is known.

    """

    path: str
    url: str | None
    checksum: str | None = None
    size: int | None = None


@dataclass(frozen=True)
class PublicDataset:
    """What is known of a data set before anything is downloaded.

    Attributes
    ----------
    name, title, citation, licence, doi, page, note
        For people.
    files
        The files, where they are known beforehand.
    listing
        Else the kind of server and the address that are asked for them.
    parts
        Names for sets of files that belong together, each with its glob: ``train`` ...
    unpack
        Whether its archives are to be unpacked.

    """

    name: str
    title: str
    citation: str
    licence: str
    doi: str
    page: str
    note: str = ""
    files: tuple[RemoteFile, ...] = ()
    listing: Mapping[str, str] | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    unpack: bool = False


@cache
def public_datasets() -> Mapping[str, PublicDataset]:
    """Return the registry of public data sets by name."""
    text = files("glassbotan.datasets").joinpath("public.json").read_text(encoding="utf-8")
    return parse_registry(text, "public.json")


def parse_registry(text: str, source: str) -> Mapping[str, PublicDataset]:
    """Return the data sets that a registry in JSON describes.

    Raises
    ------
    InputError
        A file in it is not safe to write (see ``remote_file``).

    """
    registry = {}
    for name, entry in json.loads(text).items():
        offered = tuple(remote_file(source, **file) for file in entry.pop("files", ()))
        registry[name] = PublicDataset(safe_path(name, source), files=offered, **entry)
    return registry


def public_dataset(name: str) -> PublicDataset:
    """Return one data set of the registry.

    Raises
    ------
    InputError
        There is none of this name.

    """
    registry = public_datasets()
    if name not in registry:
        raise InputError(f"no public data set is named {name!r}; there are {', '.join(registry)}")
    return registry[name]


def data_home() -> Path:
    """Return $GLASSBOTAN_DATA, or the folder ``data`` in glassbotan's cache."""
    if os.environ.get("GLASSBOTAN_DATA"):
        return Path(os.environ["GLASSBOTAN_DATA"])
    from glassbotan.io.cache import cache_home

    return cache_home() / "data"


def dataset_files(name: str, part: str) -> list[Path]:
    """Return the fetched files of a part of a data set, in natural order.

    Parameters
    ----------
    name
        As in ``public_datasets``.
    part
        A named part (``train``), a glob among its listed files (``train/*_1_*``), or a folder or
        glob inside the data set's folder.

    Raises
    ------
    InputError
        No such data set or part, files are not fetched yet, or one differs from its checksum.

    """
    dataset = public_dataset(name)
    folder = data_home() / name
    pattern = dataset.parts.get(part, part)
    listed = [file.path for file in dataset.files if fnmatchcase(file.path, pattern)]
    if part in dataset.parts or listed:
        paths = _listed(dataset, part, [folder / path for path in listed])
    else:
        paths = _free_part(dataset, part, folder)
    known = {file.path: file.checksum for file in dataset.files}
    checksums = Checksums.read(folder)
    for path in paths:
        relative = path.relative_to(folder).as_posix()
        checksums.check(relative, known.get(relative))
    checksums.keep()
    return paths


def resolve(specification: str | Path) -> list[Path]:
    """Return the files that a person means, in natural order.

    Parameters
    ----------
    specification
        A file, a folder (its snapshot files), a store of ensembles (its finished snapshots) or
        one snapshot in it, a glob, or a part of a public data set such as
        ``botan-small/train``. What exists on disk under this name goes before a data set.

    Raises
    ------
    InputError
        Nothing is found, or the data set is not fetched.

    """
    path = Path(specification).expanduser()
    if path.is_file():
        return [path]
    if is_store(path):
        finished, number = stored_snapshots(path)
        if not finished:
            raise InputError(f"{path}: none of its {number} snapshots is finished")
        if len(finished) < number:
            LOGGER.info("%s: %d of %d snapshots are finished", path, len(finished), number)
        return finished
    if is_stored_snapshot(path):
        return [path]
    if path.is_dir():
        return _snapshots_in(path)
    text = str(specification)
    name, _, part = text.partition("/")
    if name in public_datasets():
        return dataset_files(name, part)
    if any(c in text for c in "*?["):
        return _matching(path)
    raise InputError(
        f"{text}: no such file, folder, glob or part of a public data set "
        f"({', '.join(f'{d.name}/{p}' for d in public_datasets().values() for p in d.parts)})"
    )


def resolve_all(specifications: Iterable[str | Path]) -> list[Path]:
    """Return the files of several specifications, in their order; see ``resolve``."""
    return [path for specification in specifications for path in resolve(specification)]


def natural_order(paths: Iterable[Path]) -> list[Path]:
    """Return ``paths`` sorted by name with numbers by value: 2 before 10."""

    def key(path: Path) -> list[tuple[str, int]]:
        pieces = re.findall(r"(\D*)(\d*)", path.as_posix())
        return [(text, int(number or -1)) for text, number in pieces]

    return sorted(paths, key=key)


def safe_path(name: str, source: str) -> str:
    """Return a relative path of one form, refusing what could lead out of its folder.

    Parameters
    ----------
    name
        A path with forward slashes from a registry, a server or an archive.
    source
        Where it comes from, for the message.

    Raises
    ------
    InputError
        The name is empty or absolute, climbs with ``..``, starts with a drive's letter, or has a
        backslash or a control character.

    """
    path = PurePosixPath(name)
    if (
        not path.parts
        or path.is_absolute()
        or ".." in path.parts
        or re.match(r"[A-Za-z]:", name)
        or any(c == "\\" or ord(c) < 32 or ord(c) == 127 for c in name)
    ):
        raise InputError(f"{source}: refused the file name {name!r}, which may leave its folder")
    return path.as_posix()


def remote_file(source: str, path: Any, url: Any, checksum: Any, size: Any) -> RemoteFile:
    """Return a file of a registry or of a server's answer, every field of it checked.

    Raises
    ------
    InputError
        A field is not of its form, or the path is unsafe or of a name kept for this package.

    """
    relative = safe_path(str(path), source)
    if relative in (CHECKSUMS, LISTING) or relative.endswith((".part", ".part.json")):
        raise InputError(f"{source}: refused the file name {relative!r}, kept for other use")
    if url is not None and not re.fullmatch(r"https?://[^\s]+", str(url)):
        raise InputError(f"{source}: {relative}: the address {url!r} is not http or https")
    form = r"sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}"
    if checksum is not None and not re.fullmatch(form, str(checksum)):
        raise InputError(f"{source}: {relative}: {checksum!r} is neither a SHA-256 nor an MD5")
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
        raise InputError(f"{source}: {relative}: {size!r} is not a size in bytes")
    return RemoteFile(relative, url, checksum, size)


def _listed(dataset: PublicDataset, part: str, due: list[Path]) -> list[Path]:
    missing = [path for path in due if not path.is_file()]
    if missing:
        raise InputError(
            f"{dataset.name}/{part}: {len(missing)} of {len(due)} files are not in "
            f"{data_home() / dataset.name}; "
            f"fetch them with: glassbotan fetch {dataset.name}"
        )
    return natural_order(due)


def _free_part(dataset: PublicDataset, part: str, folder: Path) -> list[Path]:
    if dataset.parts or not part.strip("/"):
        known = ", ".join(dataset.parts) or f"any folder or glob inside {folder}"
        raise InputError(f"{dataset.name} has no part {part!r}; its parts: {known}")
    if not folder.is_dir():
        raise InputError(
            f"{dataset.name} is not in {folder}; fetch it with: glassbotan fetch {dataset.name}"
        )
    path = folder / safe_path(part, dataset.name)
    return _snapshots_in(path) if path.is_dir() else _matching(path)


def _snapshots_in(folder: Path) -> list[Path]:
    found = [
        path
        for path in folder.iterdir()
        if by_suffix(path, "read", Snapshot) and not path.name.startswith(".") and path.is_file()
    ]
    if not found:
        suffixes = {FORMATS[name].suffixes[0] for name in formats_that("read", Snapshot)}
        raise InputError(
            f"{folder}: no snapshot files ({', '.join(sorted(suffixes))}) in this folder"
        )
    return natural_order(found)


def _matching(pattern: Path) -> list[Path]:
    base = Path(pattern.anchor)
    found = [
        path
        for path in base.glob(str(pattern.relative_to(base)))
        # As in a shell, a star does not stand for the dot of a hidden file.
        if (is_stored_snapshot(path) or (path.is_file() and path.name != GROUP_FILE))
        and (pattern.name.startswith(".") or not path.name.startswith("."))
    ]
    if not found:
        raise InputError(f"{pattern}: no file matches")
    return natural_order(found)
