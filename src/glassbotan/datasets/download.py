"""Files and lists over HTTP, continued where an earlier try stopped (RFC 9110, range requests)."""

import errno
import json
import logging
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from glassbotan.datasets.checksums import file_checksum
from glassbotan.datasets.public import RemoteFile
from glassbotan.errors import InputError, RunError
from glassbotan.progress import Progress, silent
from glassbotan.progress_bar import readable
from glassbotan.provenance import package_version

LOGGER = logging.getLogger("glassbotan")
T = TypeVar("T")

CHUNK = 1 << 16
"""Bytes a read; what a dropped connection loses at most."""

LONGEST_TEXT = 1 << 26
"""Bytes; far above what a list of files takes."""

TRANSIENT = frozenset((408, 425, 429, 500, 502, 503, 504))
"""HTTP statuses that may be gone a moment later."""


@dataclass(frozen=True)
class Patience:
    """How long a download keeps trying.

    Attributes
    ----------
    tries
        Failures in a row, without a byte gained between them, that end it.
    first_wait, longest_wait
        Seconds before the second try, doubled for every further one up to the longest.
    connect, silence
        Seconds to wait for a connection, and for the next bytes of one.

    """

    tries: int = 6
    first_wait: float = 1.0
    longest_wait: float = 60.0
    connect: float = 20.0
    silence: float = 60.0

    def wait(self, failures: int, asked: float | None) -> float:
        """Return the seconds to wait after the n-th failure in a row; the server may ask more."""
        backoff = self.first_wait * 2.0 ** (failures - 1)
        return min(max(backoff, asked or 0.0), self.longest_wait)


class DroppedError(Exception):
    """A try ended early and the next may go on, after ``wait`` seconds if the server asks so."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(frozen=True)
class _Version:
    """Which version of which file the partial file is of."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    total: int | None = None

    @property
    def validator(self) -> str | None:
        """What If-Range may carry: a strong entity tag, or else the date of change."""
        if self.etag and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified

    def differs(self, other: "_Version") -> bool:
        """Whether any two marks that both versions have are unlike."""
        mine = (self.etag, self.last_modified, self.total)
        theirs = (other.etag, other.last_modified, other.total)
        return any(a != b for a, b in zip(mine, theirs, strict=True) if a and b)


class _Session(requests.Session):
    """Follows redirects from web to web only, and never from https down to http."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        if target is not None:
            here, there = urlsplit(resp.url), urlsplit(urljoin(resp.url, target))
            allowed = ("https",) if here.scheme == "https" else ("http", "https")
            if there.scheme not in allowed:
                raise RunError(
                    f"{resp.url}: refused the redirect to {there.geturl()}, "
                    f"which is not {' or '.join(allowed)}"
                )
        return target


class Web:
    """Asks servers for files and lists, and asks again where a failure may pass.

    Parameters
    ----------
    progress
        Is told of each file that is downloaded and checked.
    patience
        How long to keep trying.

    """

    def __init__(self, progress: Progress = silent, patience: Patience | None = None) -> None:
        self.progress, self.patience = progress, patience or Patience()
        self.session = _Session()
        self.session.headers["User-Agent"] = f"glassbotan/{package_version()}"
        self.session.headers["Accept-Encoding"] = "identity"

    def text(self, url: str) -> str:
        """Return a small text.

        Raises
        ------
        RunError
            It cannot be had, or is no small text.

        """

        def attempt() -> str:
            body = bytearray()
            with self._open(url, {}) as answer:
                for chunk in _chunks(answer):
                    body += chunk
                    if len(body) > LONGEST_TEXT:
                        raise RunError(f"{url}: the answer is too long for a list of files")
            return body.decode("utf-8", errors="replace")

        return self._persist(attempt, url, url)

    def file(self, file: RemoteFile, target: Path) -> str:
        """Download a file, going on from a partial one, and return its checksum.

        The bytes arrive in ``<target>.part`` and get their name when the checksum is right. A
        partial file is continued if the server says that the file is still the same (If-Range with
        its entity tag or date of change), or if a published checksum will tell in the end.

        Parameters
        ----------
        file
            What to download; its size and checksum are checked where they are known.
        target
            Where to; its folder must exist and nothing may stand there yet.

        Raises
        ------
        InputError
            The address cannot be used.
        RunError
            The server does not give the file, gives another one, or the disk is full. The partial
            file stays for the next call, unless its checksum is wrong.

        """
        if file.url is None:
            raise InputError(f"{file.path}: no address is known; give one with --url")
        LOGGER.debug("download %s", file.path)
        url, part = file.url, partial_path(target)
        for again in (False, True):
            stitched = self._persist(lambda: self._receive(file, url, part), url, file.path, part)
            self.progress(0, None, f"check {file.path}")
            with disk_errors(part):
                checksum = file_checksum(part, file.checksum)
                if file.checksum in (None, checksum):
                    part.replace(target)
                    _note_path(part).unlink(missing_ok=True)
                    return checksum
            _discard(part)
            if again or not stitched:
                break
            LOGGER.info("%s: the pieces do not fit together; starting again", file.path)
        raise RunError(
            f"{url}: the checksum is {checksum}, expected {file.checksum}; "
            "the download was thrown away"
        )

    def _persist(
        self, attempt: Callable[[], T], url: str, name: str, part: Path | None = None
    ) -> T:
        """Repeat what fails for the moment, as long as the partial file grows or patience lasts."""
        failures, most = 0, arrived(part)
        while True:
            try:
                return attempt()
            except DroppedError as dropped:
                size = arrived(part)
                failures = 1 if size > most else failures + 1
                most = max(most, size)
                if failures >= self.patience.tries:
                    kept = f"; {readable(size)} are kept, run the same command to go on"
                    raise RunError(
                        f"{url}: {dropped} ({failures} tries in a row){kept if size else ''}"
                    ) from None
                wait = self.patience.wait(failures, dropped.wait)
                LOGGER.info("%s: %s; trying again in %.0f s", name, dropped, wait)
                time.sleep(wait)

    def _receive(self, file: RemoteFile, url: str, part: Path) -> bool:
        """Receive the rest of a file; return whether it goes on from bytes that were there."""
        known = _read_version(part, url)
        offset = arrived(part) if known.validator or file.checksum else 0
        if offset and offset == (file.size or known.total):
            return True
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        if offset and known.validator:
            headers["If-Range"] = known.validator
        with self._open(url, headers) as answer:
            start, offered = _offer(answer, url)
            if answer.status_code == 416:
                if offset and offered.total == offset and (file.checksum or known.total is None):
                    return True
                _discard(part)
                raise DroppedError("the file on the server is shorter than it said before")
            if start and (start != offset or known.differs(offered)):
                _discard(part)
                raise DroppedError("the file on the server changed")
            _check_offer(answer, file, offered)
            total = offered.total or file.size or known.total
            check_space(part.parent, (total or 0) - start, file.path)
            if not start:
                # First the old bytes go, then the note changes: it never tells of other bytes.
                with disk_errors(part):
                    part.write_bytes(b"")
                    _note_path(part).write_text(json.dumps(asdict(offered)), encoding="utf-8")
            self._append(answer, part, total, f"download {file.path}")
        return start > 0

    def _append(self, answer: requests.Response, part: Path, total: int | None, what: str) -> None:
        received = arrived(part)
        self.progress(received, total, what, unit="B")
        with disk_errors(part), part.open("ab") as output:
            for chunk in _chunks(answer):
                received += len(chunk)
                if total is not None and received > total:
                    raise RunError(
                        f"{answer.url}: the server sends more than {total} bytes; stopped"
                    )
                output.write(chunk)
                self.progress(received, total, what, unit="B")
        if total is not None and received < total:
            raise DroppedError(f"the connection ended {readable(total - received)} early")

    def _open(self, url: str, headers: dict[str, str]) -> requests.Response:
        """Send a GET request and return the answer, its body still unread.

        Raises
        ------
        DroppedError
            No answer, or one that may be another a moment later.
        InputError, RunError
            The address is none, or the server refuses for good.

        """
        waits = (self.patience.connect, self.patience.silence)
        try:
            answer = self.session.get(url, headers=headers, stream=True, timeout=waits)
        except (
            requests.exceptions.InvalidURL,
            requests.exceptions.MissingSchema,
            requests.exceptions.InvalidSchema,
        ) as error:
            raise InputError(f"{url}: not an address that can be fetched ({error})") from None
        except (requests.exceptions.SSLError, requests.exceptions.TooManyRedirects) as error:
            raise RunError(f"{url}: {error}") from None
        except requests.exceptions.RequestException as error:
            raise DroppedError(_reason(error)) from None
        says = f"the server answers {answer.status_code} {answer.reason}"
        if answer.status_code in TRANSIENT:
            answer.close()
            raise DroppedError(says, _number(answer.headers.get("Retry-After")))
        if answer.status_code not in (200, 206, 416):
            answer.close()
            raise RunError(
                f"{url}: {says}; "
                "if the file has moved, give its address with --url or a copy with --from"
            )
        return answer


def partial_path(target: Path) -> Path:
    """Return where the bytes of an unfinished download are kept."""
    return target.with_name(target.name + ".part")


def arrived(part: Path | None) -> int:
    """Return how many bytes of an unfinished download are kept."""
    return part.stat().st_size if part and part.exists() else 0


def check_space(folder: Path, needed: int, what: str) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises
    ------
    RunError
        Less than ``needed`` bytes are free.

    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise RunError(
            f"{what} needs {readable(needed)} but {folder} has {readable(free)} free; "
            "free some space or name another folder with --into"
        )


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into one clear line."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise RunError(
                f"{path}: the disk is full; free some space and run the same command again"
            ) from None
        raise RunError(f"{path}: {error.strerror or error}") from None


def _chunks(answer: requests.Response) -> Iterator[bytes]:
    # Undecoded: a server may call a .tar.gz "encoded", and the stored bytes are what is hashed.
    try:
        yield from answer.raw.stream(CHUNK, decode_content=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise DroppedError(_reason(error)) from None


def _offer(answer: requests.Response, url: str) -> tuple[int, _Version]:
    """Return from which byte on the server sends, and of which version of the file."""
    start, total = 0, _number(answer.headers.get("Content-Length"))
    if answer.status_code in (206, 416):
        span = answer.headers.get("Content-Range", "")
        first = re.match(r"bytes\s+(\d+)-", span)
        # A range that cannot be read is as good as one from the wrong place.
        start = int(first[1]) if first else -1
        total = _number(span.rpartition("/")[2])
    return start, _Version(
        url, answer.headers.get("ETag"), answer.headers.get("Last-Modified"), total
    )


def _check_offer(answer: requests.Response, file: RemoteFile, offered: _Version) -> None:
    if file.size is not None and offered.total not in (None, file.size):
        raise RunError(
            f"{file.url}: the server offers {offered.total} bytes, expected {file.size}; "
            "this is not the file that was published"
        )
    encoding = answer.headers.get("Content-Encoding", "identity")
    if encoding != "identity" and not file.path.endswith((".gz", ".tgz")):
        raise RunError(f"{file.url}: the server sends the file encoded as {encoding}")


def _read_version(part: Path, url: str) -> _Version:
    try:
        version = _Version(**json.loads(_note_path(part).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return _Version(url)
    # Another address may hold another version: its marks say nothing about this one.
    return version if version.url == url else _Version(url)


def _note_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note_path(part).unlink(missing_ok=True)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _reason(error: BaseException) -> str:
    """Return the innermost cause of a network error in a few words."""
    chain: list[BaseException] = [error]
    while (inner := chain[-1].__cause__ or chain[-1].__context__) and inner not in chain:
        chain.append(inner)
    for cause in reversed(chain):
        if isinstance(cause, socket.gaierror):
            return "the host name is not known (is there a network?)"
        if isinstance(cause, TimeoutError | urllib3.exceptions.TimeoutError):
            return "the server is silent"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror[:1].lower() + cause.strerror[1:]
    return "the connection was dropped"
