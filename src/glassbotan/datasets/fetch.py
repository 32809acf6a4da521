"""A public data set brought to this machine: listed, downloaded or copied, checked, unpacked."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import quote

from glassbotan.datasets.checksums import Checksums, file_checksum
from glassbotan.datasets.download import (
    CHUNK,
    Observer,
    Patience,
    check_space,
    disk_errors,
    download,
    keep,
    partial_path,
    readable,
)
from glassbotan.datasets.listing import ask_listing, get_text, listing_text, stored_listing
from glassbotan.datasets.public import (
    LISTING,
    LOCK,
    PublicDataset,
    RemoteFile,
    data_home,
    public_dataset,
)
from glassbotan.datasets.unpack import ENDINGS, DamagedArchiveError, archive_folder, unpack
from glassbotan.errors import InputError, RunError
from glassbotan.io.atomic import atomic_output


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
    observer: Observer | None = None,
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

    Raises
    ------
    InputError
        No such data set or file; a file here differs from its checksum (it is left as it is).
    RunError
        The server or the disk fails; what arrived is kept, and the next call goes on.

    """
    observer, patience = observer or Observer(), patience or Patience()
    dataset = public_dataset(name)
    folder = (into or data_home()) / name
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with _only_one(folder):
            offered = _offered(
                dataset, folder, mirror=mirror, url=url, observer=observer, patience=patience
            )
            checksums = Checksums.read(folder)
            files = _chosen(offered, only, dataset)
            missing = [f for f in files if not _is_here(f, checksums, observer)]
            checksums.keep()
            _check_total(missing, folder)
            for file in missing:
                _bring(file, mirror, checksums, observer, patience)
            unpacked = _unpack_all(files, checksums, observer) if dataset.unpack else []
    except KeyboardInterrupt:
        raise InterruptedFetchError(
            f"stopped; what arrived is kept in {folder}: run the same command to go on"
        ) from None
    here = tuple(folder / f.path for f in files if (folder / f.path).is_file())
    return Fetched(folder, here, len(missing), tuple(unpacked))


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
    offered = _offered(
        dataset,
        folder,
        mirror=mirror,
        url=None,
        observer=Observer(),
        patience=patience or Patience(),
    )
    return [ListedFile(f, _state(folder / f.path)) for f in _chosen(offered, only, dataset)]


def _state(target: Path) -> str:
    if target.is_file():
        return "here"
    part = partial_path(target)
    return f"{readable(part.stat().st_size)} here" if part.is_file() else ""


def _offered(
    dataset: PublicDataset,
    folder: Path,
    *,
    mirror: str | None,
    url: str | None,
    observer: Observer,
    patience: Patience,
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
    files = _ask(dataset, mirror, observer, patience)
    # Pinned: later calls speak of the same version of the data set, and need no server.
    if folder.is_dir():
        with atomic_output(stored) as temporary:
            temporary.write_text(listing_text(files), encoding="utf-8")
    return files


def _ask(
    dataset: PublicDataset, mirror: str | None, observer: Observer, patience: Patience
) -> list[RemoteFile]:
    assert dataset.listing is not None
    if mirror is None:
        return ask_listing(dataset.listing, patience)
    try:
        # A mirror is often used where the public server is out of reach: one try.
        return ask_listing(dataset.listing, replace(patience, tries=1))
    except RunError as unreachable:
        local = _local(mirror, dataset.name)
        source = str(local / LISTING) if local else f"{mirror.rstrip('/')}/{LISTING}"
        try:
            text = Path(source).read_text(encoding="utf-8") if local else get_text(source, patience)
        except (OSError, RunError):
            raise RunError(f"{unreachable}, and the mirror has no {LISTING}") from None
        observer.note(f"{unreachable}; taking names and checksums from the mirror's {LISTING}")
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


def _is_here(file: RemoteFile, checksums: Checksums, observer: Observer) -> bool:
    target = checksums.folder / file.path
    if target.is_dir():
        raise InputError(f"{target} is a folder where a file is due; move it away")
    if not target.exists():
        return _members_here(file, checksums)
    observer.begin("check", file.path, None)
    with disk_errors(target):
        size = target.stat().st_size
        if file.size not in (None, size):
            raise InputError(
                f"{target} has {size} bytes, expected {file.size}; move it away and fetch again"
            )
        if not checksums.check(file.path, file.checksum, anew=True):
            checksums.put(file.path, file_checksum(target))
            observer.note(
                f"{file.path} was here without a record; no checksum of it is published, "
                "and the one it has now is recorded"
            )
    return True


def _members_here(file: RemoteFile, checksums: Checksums) -> bool:
    """Whether an archive was deleted after it was unpacked, and all its files are intact."""
    record = checksums.files.get(file.path)
    if record is None or record.unpacked is None:
        return False
    members = [p for p, checked in checksums.files.items() if checked.archive == file.path]
    if not all((checksums.folder / p).is_file() for p in members):
        return False
    for path in members:
        checksums.check(path)
    return bool(members)


def _check_total(missing: list[RemoteFile], folder: Path) -> None:
    due = sum(max((f.size or 0) - _kept(folder / f.path), 0) for f in missing)
    check_space(folder, due, f"the download ({len(missing)} files)")


def _kept(target: Path) -> int:
    part = partial_path(target)
    return part.stat().st_size if part.is_file() else 0


def _bring(
    file: RemoteFile,
    mirror: str | None,
    checksums: Checksums,
    observer: Observer,
    patience: Patience,
) -> None:
    folder = checksums.folder
    target = folder / file.path
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    local = _local(mirror, folder.name)
    if local:
        file = _with_record(_with_record(file, checksums), Checksums.read(local))
        checksum, source = _copy(file, local / file.path, target, observer), str(local)
    else:
        if mirror:
            file = replace(file, url=f"{mirror.rstrip('/')}/{quote(file.path)}")
        checksum = download(file, target, observer=observer, patience=patience)
        source = file.url or ""
    _compare_with_first(target, checksum, _with_record(file, checksums))
    checksums.put(file.path, checksum, url=source)
    # After every file, so that a kill loses no record of what nobody else has a checksum of.
    checksums.write()


def _with_record(file: RemoteFile, checksums: Checksums) -> RemoteFile:
    """Give a file without a published checksum the recorded one, if there is one."""
    record = checksums.files.get(file.path)
    return replace(file, checksum=record.checksum) if record and not file.checksum else file


def _compare_with_first(target: Path, checksum: str, file: RemoteFile) -> None:
    """Hold a file without a published checksum to that of its first download."""
    if file.checksum in (None, checksum):
        return
    aside = target.with_name(f"{target.name}.new")
    keep(target, aside)
    raise RunError(
        f"{file.url}: this is another file than at the first download (checksum {checksum}, "
        f"recorded {file.checksum}); it is kept as {aside}"
    )


def _local(mirror: str | None, name: str) -> Path | None:
    """Return the mirror's folder of this data set; None for an address."""
    if mirror is None or mirror.startswith(("http://", "https://")):
        return None
    base = Path(mirror).expanduser()
    if not base.is_dir():
        raise InputError(f"--from {mirror}: neither an address (http, https) nor a folder")
    return base / name if (base / name).is_dir() else base


def _copy(file: RemoteFile, source: Path, target: Path, observer: Observer) -> str:
    if not source.is_file():
        raise InputError(f"{source}: the mirror has no such file")
    size, part = source.stat().st_size, partial_path(target)
    check_space(target.parent, size, file.path)
    observer.begin("copy", file.path, size)
    with disk_errors(part), source.open("rb") as original, part.open("wb") as copy:
        while chunk := original.read(CHUNK):
            copy.write(chunk)
            observer.advance(len(chunk))
    checksum = file_checksum(part, file.checksum)
    if file.checksum and checksum != file.checksum:
        part.unlink()
        raise InputError(f"{source}: the checksum is {checksum}, expected {file.checksum}")
    keep(part, target)
    return checksum


def _unpack_all(files: list[RemoteFile], checksums: Checksums, observer: Observer) -> list[Path]:
    folders = []
    for file in files:
        if not file.path.endswith(ENDINGS):
            continue
        folder = archive_folder(checksums.folder / file.path)
        if checksums.files[file.path].unpacked is None or not folder.is_dir():
            _unpack_one(file.path, folder, checksums, observer)
        elif not _members_here(file, checksums):
            raise InputError(
                f"{folder} has lost files since it was unpacked; "
                "move it away, and the next fetch unpacks it again"
            )
        folders.append(folder)
    return folders


def _unpack_one(archive: str, folder: Path, checksums: Checksums, observer: Observer) -> None:
    relative = folder.relative_to(checksums.folder).as_posix()
    try:
        members = unpack(checksums.folder / archive, folder, observer=observer)
    except DamagedArchiveError:
        # A first download that went wrong must not be what the next one is held to.
        del checksums.files[archive]
        checksums.write()
        raise
    for path, checksum in members.items():
        checksums.put(f"{relative}/{path}", checksum, archive=archive)
    checksums.files[archive].unpacked = relative
    checksums.write()


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Keep a second fetch out of the folder while this one writes there."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with disk_errors(folder):
        lock = (folder / LOCK).open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # A file system may know no locks at all; then there is nothing to wait for.
            if isinstance(error, BlockingIOError):
                raise RunError(
                    f"another fetch is at work in {folder}; wait for it to end"
                ) from None
        yield
