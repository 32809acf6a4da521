"""Archives unpacked inside one folder, and nowhere else."""

import bz2
import gzip
import hashlib
import io
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, NoReturn

from glassbotan.datasets.download import Observer, check_space, disk_errors
from glassbotan.datasets.public import safe_path
from glassbotan.errors import InputError, RunError

CHUNK = 1 << 20
_OPENERS: dict[str, Callable[[io.BufferedReader], io.BufferedIOBase]] = {
    ".tar": lambda raw: raw,
    ".tar.gz": lambda raw: gzip.GzipFile(fileobj=raw),
    ".tgz": lambda raw: gzip.GzipFile(fileobj=raw),
    ".tar.bz2": bz2.BZ2File,
    ".tar.xz": lzma.LZMAFile,
}
ENDINGS = (*_OPENERS, ".zip")
"""Of the archives that can be unpacked."""


class DamagedArchiveError(RunError):
    """The archive is not what it was made as."""


@dataclass(frozen=True)
class _Member:
    """A file in an archive: its safe path, its declared size, its bytes."""

    path: str
    size: int
    stream: IO[bytes]


def archive_folder(archive: Path) -> Path:
    """Return the folder that an archive is unpacked to: its name without the ending."""
    ending = next(e for e in sorted(ENDINGS, key=len, reverse=True) if archive.name.endswith(e))
    return archive.with_name(archive.name.removesuffix(ending))


def unpack(archive: Path, folder: Path, *, observer: Observer | None = None) -> dict[str, str]:
    """Unpack an archive into a new folder, and return the SHA-256 of each file.

    Only plain files are written, each created anew in a folder that nobody else fills, so that no
    name, link or device in the archive can reach out of it. The folder appears when all is
    unpacked. An archive's single outer folder of the same name is left out.

    Parameters
    ----------
    archive
        ``.tar`` (``.gz``, ``.bz2``, ``.xz``), ``.tgz`` or ``.zip``.
    folder
        Where to; must not exist.

    Returns
    -------
    ``sha256:<hexadecimal>`` by path relative to ``folder``.

    Raises
    ------
    InputError
        A member's name leads out of the folder, it is a link or a device, two have one name, or
        the folder exists.
    DamagedArchiveError, RunError
        The archive is damaged, or the disk is full; nothing is left of what was unpacked.

    """
    if folder.exists():
        raise InputError(
            f"{folder} exists already; move it away, and the next fetch unpacks {archive.name}"
        )
    temporary = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(temporary, ignore_errors=True)
    with disk_errors(temporary):
        temporary.mkdir()
    observer = observer or Observer()
    members = _zip_members if archive.name.endswith(".zip") else _tar_members
    try:
        with _damage(archive, temporary):
            checksums = {
                member.path: _store(member, temporary, archive)
                for member in members(archive, temporary, observer)
            }
        return _settle(temporary, folder, checksums)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _settle(temporary: Path, folder: Path, checksums: dict[str, str]) -> dict[str, str]:
    tops = list(temporary.iterdir())
    outer = len(tops) == 1 and tops[0].is_dir() and tops[0].name == folder.name
    with disk_errors(folder):
        (tops[0] if outer else temporary).rename(folder)
    if not outer:
        return checksums
    return {path.partition("/")[2]: checksum for path, checksum in checksums.items()}


def _tar_members(archive: Path, folder: Path, observer: Observer) -> Iterator[_Member]:
    opener = next(_OPENERS[e] for e in _OPENERS if archive.name.endswith(e))
    size = archive.stat().st_size
    check_space(folder, size, f"unpacking {archive.name}")
    observer.begin("unpack", archive.name, size)
    with (
        archive.open("rb") as raw,
        opener(raw) as plain,
        tarfile.open(fileobj=plain, mode="r|") as tar,
    ):
        seen = 0
        for info in tar:
            observer.advance(raw.tell() - seen)
            seen = raw.tell()
            if info.isdir() and not PurePosixPath(info.name).parts:
                continue  # "./", the folder itself
            path = safe_path(info.name, archive.name)
            if info.isdir():
                _make_folder(folder / path, archive)
                continue
            stream = tar.extractfile(info) if info.isreg() else None
            if stream is None:
                _refuse(archive, info.name)
            check_space(folder, info.size, f"unpacking {path}")
            yield _Member(path, info.size, stream)
        while plain.read(CHUNK):  # to the end, where the compressed stream keeps its checksum
            pass


def _zip_members(archive: Path, folder: Path, observer: Observer) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as packed:
        infos = packed.infolist()
        total = sum(info.file_size for info in infos)
        check_space(folder, total, f"unpacking {archive.name}")
        observer.begin("unpack", archive.name, total)
        for info in infos:
            path = safe_path(info.orig_filename, archive.name)
            kind = stat.S_IFMT(info.external_attr >> 16)
            if info.is_dir():
                _make_folder(folder / path, archive)
                continue
            if kind not in (0, stat.S_IFREG):
                _refuse(archive, path)
            if info.flag_bits & 1:
                raise InputError(f"{archive}: {path} is encrypted")
            with packed.open(info) as stream:
                yield _Member(path, info.file_size, stream)
            observer.advance(info.file_size)


def _store(member: _Member, folder: Path, archive: Path) -> str:
    target = folder / member.path
    _make_folder(target.parent, archive)
    digest, written = hashlib.sha256(), 0
    try:
        output = target.open("xb")
    except FileExistsError:
        raise InputError(f"{archive}: {member.path} is there twice") from None
    with output:
        while chunk := member.stream.read(CHUNK):
            written += len(chunk)
            if written > member.size:
                raise InputError(f"{archive}: {member.path} is longer than the archive declares")
            digest.update(chunk)
            output.write(chunk)
    if written != member.size:
        raise DamagedArchiveError(
            f"{archive} is damaged: {member.path} ends early; move it away and fetch again"
        )
    return f"sha256:{digest.hexdigest()}"


def _make_folder(folder: Path, archive: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"{archive}: {folder.name} is both a file and a folder") from None


def _refuse(archive: Path, name: str) -> NoReturn:
    raise InputError(
        f"{archive}: refused {name!r}, which is a link or a device; only plain files are unpacked"
    )


@contextmanager
def _damage(archive: Path, folder: Path) -> Iterator[None]:
    try:
        with disk_errors(folder):
            try:
                yield
            except OSError as error:
                if error.errno is None:  # from a decompressor, not from the disk
                    raise EOFError(str(error)) from None
                raise
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise DamagedArchiveError(
            f"{archive} is damaged ({error}); move it away and fetch again"
        ) from None
    except NotImplementedError as error:
        raise InputError(f"{archive} cannot be unpacked here: {error}") from None
