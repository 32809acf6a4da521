"""A public data set brought to this machine: listed, downloaded or copied, checked, unpacked."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import quote

from glassbotan.datasets.checksums import Checksums, file_checksum
from glassbotan.datasets.download import (
    CHUNK,
    Patience,
    Web,
    arrived,
    check_space,
    disk_errors,
    partial_path,
)
from glassbotan.datasets.listing import ask_listing, listing_text, stored_listing
from glassbotan.datasets.public import (
    LISTING,
    PublicDataset,
    RemoteFile,
    data_home,
    public_dataset,
)
from glassbotan.datasets.unpack import ENDINGS, DamagedArchiveError, archive_folder, unpack
from glassbotan.errors import InputError, RunError
from glassbotan.io.atomic import atomic_output
from glassbotan.io.lock import only_one
from glassbotan.progress import Progress, silent
from glassbotan.progress_bar import readable

LOGGER = logging.getLogger("glassbotan")


class InterruptedFetchError(RunError):
    """The person stopped it (Ctrl-C); what arrived is kept."""

    exit_status = 130


@dataclass(frozen=True)
class Fetched:
    """What a fetch left on disk.

    Attributes
    ----------
    folder
        Of the data set.
    files
        The files asked for, in the folder.
    new
        How many of them were not there before.
    unpacked
        Folders that archives were unpacked to, now or earlier.

    """

    folder: Path
    files: tuple[Path, ...]
    new: int
    unpacked: tuple[Path, ...]


@dataclass(frozen=True)
class ListedFile:
    """A file that a data set offers, and how much of it is here."""

    file: RemoteFile
    state: str


def fetch(
    name: str,
    *,
    into: Path | None = None,
    only: Sequence[str] = (),
    mirror: str | None = None,
    url: str | None = None,
    progress: Progress = silent,
    patience: Patience | None = None,
) -> Fetched:
    """Download what is missing of a public data set, and check all of it.

    Parameters
    ----------
    name
        As in ``public_datasets``.
    into
        Folder that holds a folder for each data set; ``data_home()`` by default.
    only
        Globs on path or file name; a file that matches one of them is fetched, all by default.
    mirror
        Base address or local folder with the same layout, to be used in place of the public
        addresses; checked by the same checksums.
    url
        Address of the one file of a data set whose own address is unknown or has moved.
    progress
        Is told how far each file is.

    Raises
    ------
    InputError
        No such data set or file; a file here differs from its checksum (it is left as it is).
    RunError
        The server or the disk fails; what arrived is kept, and the next call goes on.

    """
    dataset = public_dataset(name)
    folder = (into or data_home()) / name
    web = Web(progress, patience)
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with only_one(folder, f"another fetch is at work in {folder}; wait for it to end"):
            files = _chosen(_offered(dataset, folder, mirror, url, web), only, dataset)
            checksums = Checksums.read(folder)
            missing = [f for f in files if not _is_here(f, checksums, progress)]
            checksums.keep()
            due = sum(
                max((f.size or 0) - arrived(partial_path(folder / f.path)), 0) for f in missing
            )
            check_space(folder, due, f"the download ({len(missing)} files)")
            for file in missing:
                _bring(file, mirror, checksums, web)
            archives = [f for f in files if dataset.unpack and f.path.endswith(ENDINGS)]
            unpacked = tuple(_unpacked(f, checksums, progress) for f in archives)
    except KeyboardInterrupt:
        raise InterruptedFetchError(
            f"stopped; what arrived is kept in {folder}: run the same command to go on"
        ) from None
    here = tuple(folder / f.path for f in files if (folder / f.path).is_file())
    return Fetched(folder, here, len(missing), unpacked)


def list_files(
    name: str,
    *,
    into: Path | None = None,
    only: Sequence[str] = (),
    mirror: str | None = None,
    patience: Patience | None = None,
) -> list[ListedFile]:
    """Return the files that a data set offers, and which of them are here, without fetching any.

    Arguments and errors as for ``fetch``.
    """
    dataset = public_dataset(name)
    folder = (into or data_home()) / name
    offered = _offered(dataset, folder, mirror, None, Web(patience=patience))
    return [ListedFile(f, _state(folder / f.path)) for f in _chosen(offered, only, dataset)]


def _state(target: Path) -> str:
    if target.is_file():
        return "here"
    part = partial_path(target)
    return f"{readable(arrived(part))} here" if part.is_file() else ""


def _offered(
    dataset: PublicDataset, folder: Path, mirror: str | None, url: str | None, web: Web
) -> list[RemoteFile]:
    if url is not None and (len(dataset.files) != 1 or mirror is not None):
        raise InputError(
            "--url is for a data set of one file and without --from; "
            f"{dataset.name} has {len(dataset.files) or 'many'} files, see --from"
        )
    if dataset.listing is None:
        return [replace(f, url=url or f.url) for f in dataset.files]
    stored = folder / LISTING
    if stored.is_file():
        return stored_listing(stored.read_text(encoding="utf-8"), str(stored))
    # A mirror is often used where the public server is out of reach: one try.
    asking = web if mirror is None else Web(patience=replace(web.patience, tries=1))
    try:
        files = ask_listing(dataset.listing, asking)
    except RunError as unreachable:
        if mirror is None:
            raise
        files = _listing_of_mirror(mirror, dataset.name, web, unreachable)
    # Pinned: later calls speak of the same version of the data set, and need no server.
    if folder.is_dir():
        with atomic_output(stored) as temporary:
            temporary.write_text(listing_text(files), encoding="utf-8")
    return files


def _listing_of_mirror(mirror: str, name: str, web: Web, unreachable: RunError) -> list[RemoteFile]:
    local = _local(mirror, name)
    source = str(local / LISTING) if local else f"{mirror.rstrip('/')}/{LISTING}"
    try:
        text = Path(source).read_text(encoding="utf-8") if local else web.text(source)
    except (OSError, RunError):
        raise RunError(f"{unreachable}, and the mirror has no {LISTING}") from None
    LOGGER.info("%s; taking names and checksums from the mirror's %s", unreachable, LISTING)
    return stored_listing(text, source)


def _chosen(
    files: list[RemoteFile], only: Sequence[str], dataset: PublicDataset
) -> list[RemoteFile]:
    if not only:
        return files
    chosen = [
        f
        for f in files
        if any(fnmatchcase(f.path, o) or fnmatchcase(Path(f.path).name, o) for o in only)
    ]
    if not chosen:
        examples = ", ".join(f.path for f in files[:3])
        raise InputError(
            f"{dataset.name}: none of {len(files)} files matches {' or '.join(only)}; "
            f"they are such as {examples}"
        )
    return chosen


def _is_here(file: RemoteFile, checksums: Checksums, progress: Progress) -> bool:
    target = checksums.folder / file.path
    if target.is_dir():
        raise InputError(f"{target} is a folder where a file is due; move it away")
    if not target.exists():
        return _members_here(file, checksums)
    progress(0, None, f"check {file.path}")
    with disk_errors(target):
        size = target.stat().st_size
        if file.size not in (None, size):
            raise InputError(
                f"{target} has {size} bytes, expected {file.size}; move it away and fetch again"
            )
        if not checksums.check(file.path, file.checksum, anew=True):
            checksums.put(file.path, file_checksum(target))
            LOGGER.info(
                "%s was here without a record; no checksum of it is published, "
                "and the one it has now is recorded",
                file.path,
            )
    return True


def _members_here(file: RemoteFile, checksums: Checksums) -> bool:
    """Whether an archive was deleted after it was unpacked, and all its files are intact."""
    members = [p for p, checked in checksums.files.items() if checked.archive == file.path]
    unpacked = file.path in checksums.files and checksums.files[file.path].unpacked is not None
    if not unpacked or not all((checksums.folder / p).is_file() for p in members):
        return False
    for path in members:
        checksums.check(path)
    return bool(members)


def _bring(file: RemoteFile, mirror: str | None, checksums: Checksums, web: Web) -> None:
    target = checksums.folder / file.path
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    local = _local(mirror, checksums.folder.name)
    if local:
        # A copy is held to its first download, and else to what the mirror has recorded.
        file = _with_record(_with_record(file, checksums), Checksums.read(local))
        checksum, source = _copy(file, local / file.path, target, web.progress), str(local)
    else:
        if mirror:
            file = replace(file, url=f"{mirror.rstrip('/')}/{quote(file.path)}")
        checksum, source = web.file(file, target), file.url or ""
        first = _with_record(file, checksums).checksum
        if first not in (None, checksum):
            aside = target.with_name(f"{target.name}.new")
            with disk_errors(aside):
                target.replace(aside)
            raise RunError(
                f"{source}: this is another file than at the first download (checksum {checksum}, "
                f"recorded {first}); it is kept as {aside}"
            )
    checksums.put(file.path, checksum, url=source)
    # After every file, so that a kill loses no record of what nobody else has a checksum of.
    checksums.write()


def _with_record(file: RemoteFile, checksums: Checksums) -> RemoteFile:
    """Give a file without a published checksum the recorded one, if there is one."""
    record = checksums.files.get(file.path)
    return replace(file, checksum=record.checksum) if record and not file.checksum else file


def _local(mirror: str | None, name: str) -> Path | None:
    """Return the mirror's folder of this data set; None for an address."""
    if mirror is None or mirror.startswith(("http://", "https://")):
        return None
    base = Path(mirror).expanduser()
    if not base.is_dir():
        raise InputError(f"--from {mirror}: neither an address (http, https) nor a folder")
    return base / name if (base / name).is_dir() else base


def _copy(file: RemoteFile, source: Path, target: Path, progress: Progress) -> str:
    if not source.is_file():
        raise InputError(f"{source}: the mirror has no such file")
    size, part = source.stat().st_size, partial_path(target)
    check_space(target.parent, size, file.path)
    LOGGER.debug("copy %s", file.path)
    with disk_errors(part):
        with source.open("rb") as original, part.open("wb") as copy:
            while chunk := original.read(CHUNK):
                copy.write(chunk)
                progress(copy.tell(), size, f"copy {file.path}", unit="B")
        checksum = file_checksum(part, file.checksum)
        if file.checksum not in (None, checksum):
            part.unlink()
            raise InputError(f"{source}: the checksum is {checksum}, expected {file.checksum}")
        part.replace(target)
    return checksum


def _unpacked(file: RemoteFile, checksums: Checksums, progress: Progress) -> Path:
    """Return the folder of an archive's files, unpacked now or earlier."""
    archive = file.path
    folder = archive_folder(checksums.folder / archive)
    if checksums.files[archive].unpacked is not None and folder.is_dir():
        if not _members_here(file, checksums):
            raise InputError(
                f"{folder} has lost files since it was unpacked; "
                "move it away, and the next fetch unpacks it again"
            )
        return folder
    try:
        members = unpack(checksums.folder / archive, folder, progress=progress)
    except DamagedArchiveError:
        # A first download that went wrong must not be what the next one is held to.
        del checksums.files[archive]
        checksums.write()
        raise
    relative = folder.relative_to(checksums.folder).as_posix()
    for path, checksum in members.items():
        checksums.put(f"{relative}/{path}", checksum, archive=archive)
    checksums.files[archive].unpacked = relative
    checksums.write()
    return folder
