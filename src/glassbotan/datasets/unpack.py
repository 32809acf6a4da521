"""Archives unpacked inside one folder, and nowhere else."""

import bz2
import gzip
import hashlib
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path, PurePosixPath
from typing import IO, Any

from glassbotan.datasets.download import check_space, disk_errors
from glassbotan.datasets.public import safe_path
from glassbotan.errors import InputError, RunError
from glassbotan.progress import Progress, silent

CHUNK = 1 << 20
_OPENERS: dict[str, Callable[[Any], AbstractContextManager[Any]]] = {
    ".tar": nullcontext,
    ".tar.gz": gzip.open,
    ".tgz": gzip.open,
    ".tar.bz2": bz2.open,
    ".tar.xz": lzma.open,
}
ENDINGS = (*_OPENERS, ".zip")
"""Of the archives that can be unpacked."""


class DamagedArchiveError(RunError):
    """The archive is not what it was made as."""


def archive_folder(archive: Path) -> Path:
    """Return the folder that an archive is unpacked to: its name without the ending."""
    return archive.with_name(archive.name.removesuffix(_ending(archive)))


def unpack(archive: Path, folder: Path, *, progress: Progress = silent) -> dict[str, str]:
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
    members = _zip_members if archive.name.endswith(".zip") else _tar_members
    try:
        with _damage(archive, temporary):
            checksums = {
                path: _store(stream, size, path, temporary, archive)
                for path, size, stream in members(archive, temporary, progress)
            }
        tops = list(temporary.iterdir())
        outer = len(tops) == 1 and tops[0].is_dir() and tops[0].name == folder.name
        with disk_errors(folder):
            (tops[0] if outer else temporary).rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return {p.partition("/")[2] if outer else p: checksum for p, checksum in checksums.items()}


def _ending(archive: Path) -> str:
    return next(e for e in ENDINGS if archive.name.endswith(e))


def _tar_members(
    archive: Path, folder: Path, progress: Progress
) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Yield path, size and bytes of each plain file; refuse what is neither that nor a folder."""
    total = archive.stat().st_size
    check_space(folder, total, f"unpacking {archive.name}")
    with (
        archive.open("rb") as raw,
        _OPENERS[_ending(archive)](raw) as plain,
        tarfile.open(fileobj=plain, mode="r|") as tar,
    ):
        for info in tar:
            progress(raw.tell(), total, f"unpack {archive.name}", unit="B")
            if info.isdir() and not PurePosixPath(info.name).parts:
                continue  # "./", the folder itself
            path = safe_path(info.name, archive.name)
            if info.isdir():
                _make_folder(folder / path, archive)
                continue
            stream = tar.extractfile(info) if info.isreg() else None
            if stream is None:
                raise _refusal(archive, info.name)
            check_space(folder, info.size, f"unpacking {path}")
            yield path, info.size, stream
        while plain.read(CHUNK):
            pass  # to the end, where the compressed stream keeps its checksum


def _zip_members(
    archive: Path, folder: Path, progress: Progress
) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Yield as ``_tar_members`` does."""
    with zipfile.ZipFile(archive) as packed:
        infos = packed.infolist()
        done, total = 0, sum(info.file_size for info in infos)
        check_space(folder, total, f"unpacking {archive.name}")
        for info in infos:
            progress(done, total, f"unpack {archive.name}", unit="B")
            path = safe_path(info.orig_filename, archive.name)
            if info.is_dir():
                _make_folder(folder / path, archive)
                continue
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
                raise _refusal(archive, path)
            if info.flag_bits & 1:
                raise InputError(f"{archive}: {path} is encrypted")
            with packed.open(info) as stream:
                yield path, info.file_size, stream
            done += info.file_size


def _store(stream: IO[bytes], size: int, path: str, folder: Path, archive: Path) -> str:
    target = folder / path
    _make_folder(target.parent, archive)
    digest, written = hashlib.sha256(), 0
    try:
        output = target.open("xb")
    except FileExistsError:
        raise InputError(f"{archive}: {path} is there twice") from None
    with output:
        while chunk := stream.read(CHUNK):
            written += len(chunk)
            if written > size:
                raise InputError(f"{archive}: {path} is longer than the archive declares")
            digest.update(chunk)
            output.write(chunk)
    if written != size:
        raise EOFError(f"{path} ends early")
    return f"sha256:{digest.hexdigest()}"


def _make_folder(folder: Path, archive: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"{archive}: {folder.name} is both a file and a folder") from None


def _refusal(archive: Path, name: str) -> InputError:
    return InputError(
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
