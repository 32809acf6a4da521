"""One file over HTTP, continued where an earlier try stopped (RFC 9110, range requests)."""

import errno
import json
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from glassbotan.datasets.checksums import file_checksum
from glassbotan.datasets.public import RemoteFile
from glassbotan.errors import InputError, RunError
from glassbotan.provenance import package_version

CHUNK = 1 << 16
"""Bytes a read; what a dropped connection loses at most."""

TRANSIENT = frozenset((408, 425, 429, 500, 502, 503, 504))
"""HTTP statuses that may be gone a moment later."""


class Observer:
    """Hears what a download does; this one keeps it to itself."""

    def begin(self, action: str, path: str, total: int | None, done: int = 0) -> None:
        """Start an action on a file of ``total`` bytes, of which ``done`` are there already."""

    def advance(self, size: int) -> None:
        """Count ``size`` more bytes of the action."""

    def note(self, line: str) -> None:
        """Tell a line of text."""


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


def web_session() -> requests.Session:
    """Return a session that names this package and asks for bytes as they are stored."""
    session = _Session()
    session.headers["User-Agent"] = f"glassbotan/{package_version()}"
    session.headers["Accept-Encoding"] = "identity"
    return session


def partial_path(target: Path) -> Path:
    """Return where the bytes of an unfinished download are kept."""
    return target.with_name(target.name + ".part")


def download(
    file: RemoteFile,
    target: Path,
    *,
    observer: Observer | None = None,
    patience: Patience | None = None,
) -> str:
    """Download a file, going on from a partial one, and return its checksum.

    The bytes arrive in ``<target>.part`` and get their name when the checksum is right. A partial
    file is continued if the server says that the file is still the same (If-Range with its entity
    tag or date of change), or if a published checksum will tell in the end.

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
    observer, patience = observer or Observer(), patience or Patience()
    part = partial_path(target)
    stitched = _receive(file, part, observer, patience)
    checksum = _hashed(part, file, observer)
    if file.checksum and checksum != file.checksum and stitched:
        observer.note(f"{file.path}: the pieces do not fit together; starting again")
        _discard(part)
        _receive(file, part, observer, patience)
        checksum = _hashed(part, file, observer)
    if file.checksum and checksum != file.checksum:
        _discard(part)
        raise RunError(
            f"{file.url}: the checksum is {checksum}, expected {file.checksum}; "
            "the download was thrown away"
        )
    keep(part, target)
    return checksum


def keep(part: Path, target: Path) -> None:
    """Give a finished download its name."""
    with disk_errors(target):
        part.replace(target)
        _note_path(part).unlink(missing_ok=True)


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


def readable(size: int) -> str:
    """Return a number of bytes for people: 3.2 MB."""
    value, units = float(size), ["B", "kB", "MB", "GB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.0f} B" if units[0] == "B" else f"{value:.1f} {units[0]}"


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


def open_url(
    session: requests.Session, url: str, headers: dict[str, str], patience: Patience
) -> requests.Response:
    """Send a GET request and return the answer, its body still unread.

    Raises
    ------
    DroppedError
        No answer, or one that may be another a moment later.
    InputError, RunError
        The address is none, or the server refuses for good.

    """
    try:
        response = session.get(
            url, headers=headers, stream=True, timeout=(patience.connect, patience.silence)
        )
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
    if response.status_code in TRANSIENT:
        response.close()
        raise DroppedError(
            f"the server answers {response.status_code} {response.reason}", _asked_wait(response)
        )
    if response.status_code not in (200, 206, 416):
        response.close()
        raise RunError(
            f"{url}: the server answers {response.status_code} {response.reason}; "
            "if the file has moved, give its address with --url or a copy with --from"
        )
    return response


def chunks_of(response: requests.Response) -> Iterator[bytes]:
    """Yield the body piece by piece.

    Raises
    ------
    DroppedError
        The connection ended early.

    """
    # Undecoded: a server may call a .tar.gz "encoded", and the stored bytes are what is hashed.
    try:
        yield from response.raw.stream(CHUNK, decode_content=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise DroppedError(_reason(error)) from None


def _receive(file: RemoteFile, part: Path, observer: Observer, patience: Patience) -> bool:
    """Try until the partial file is whole; return whether it came in more than one piece."""
    if file.url is None:
        raise InputError(f"{file.path}: no address is known; give one with --url")
    failures, most, stitched = 0, _size(part), _size(part) > 0
    with web_session() as session:
        while True:
            try:
                _receive_piece(session, file, part, observer, patience)
            except DroppedError as dropped:
                size = _size(part)
                failures = 1 if size > most else failures + 1
                most, stitched = max(most, size), stitched or size > 0
                if failures >= patience.tries:
                    kept = f"; {readable(size)} are kept, run the same command to go on"
                    raise RunError(
                        f"{file.url}: {dropped} ({failures} tries in a row){kept if size else ''}"
                    ) from None
                wait = patience.wait(failures, dropped.wait)
                observer.note(f"{file.path}: {dropped}; trying again in {wait:.0f} s")
                time.sleep(wait)
            else:
                return stitched


def _receive_piece(
    session: requests.Session, file: RemoteFile, part: Path, observer: Observer, patience: Patience
) -> None:
    assert file.url is not None
    known = _read_version(part, file.url)
    offset = _size(part) if known.validator or file.checksum else 0
    if offset and offset == (file.size or known.total):
        return
    headers = {}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if known.validator:
            headers["If-Range"] = known.validator
    with open_url(session, file.url, headers, patience) as response:
        if response.status_code == 416:
            ends_here = bool(offset) and _range_total(response) == offset
            if ends_here and (file.checksum or known.total is None):
                return
            _discard(part)
            raise DroppedError("the file on the server is shorter than it said before")
        start, offered = _offer(response, file.url, offset)
        if start and (start != offset or known.differs(offered)):
            _discard(part)
            raise DroppedError("the file on the server changed")
        _check_offer(response, file, offered)
        total = offered.total or file.size or known.total
        check_space(part.parent, (total or 0) - start, file.path)
        if not start:
            # First the old bytes go, then the note changes: the note never tells of other bytes.
            with disk_errors(part):
                part.write_bytes(b"")
                _note_path(part).write_text(json.dumps(asdict(offered)), encoding="utf-8")
        observer.begin("download", file.path, total, start)
        _append(response, part, total, observer)


def _offer(response: requests.Response, url: str, offset: int) -> tuple[int, _Version]:
    """Return from which byte on the server sends, and of which version of the file."""
    start, total = 0, _number(response.headers.get("Content-Length"))
    if response.status_code == 206:
        span = response.headers.get("Content-Range", "")
        first = span.removeprefix("bytes ").partition("-")[0].strip()
        total = _range_total(response)
        # A range that cannot be read is as good as one from the wrong place.
        start = int(first) if first.isdecimal() else offset + 1
    headers = response.headers
    return start, _Version(url, headers.get("ETag"), headers.get("Last-Modified"), total)


def _check_offer(response: requests.Response, file: RemoteFile, offered: _Version) -> None:
    if file.size is not None and offered.total not in (None, file.size):
        raise RunError(
            f"{file.url}: the server offers {offered.total} bytes, expected {file.size}; "
            "this is not the file that was published"
        )
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity" and not file.path.endswith((".gz", ".tgz")):
        raise RunError(f"{file.url}: the server sends the file encoded as {encoding}")


def _append(response: requests.Response, part: Path, total: int | None, observer: Observer) -> None:
    received = _size(part)
    with disk_errors(part), part.open("ab") as output:
        for chunk in chunks_of(response):
            received += len(chunk)
            if total is not None and received > total:
                raise RunError(f"{response.url}: the server sends more than {total} bytes; stopped")
            output.write(chunk)
            observer.advance(len(chunk))
    if total is not None and received < total:
        raise DroppedError(f"the connection ended {readable(total - received)} early")


def _hashed(part: Path, file: RemoteFile, observer: Observer) -> str:
    observer.begin("check", file.path, None)
    with disk_errors(part):
        return file_checksum(part, file.checksum)


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


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _range_total(response: requests.Response) -> int | None:
    return _number(response.headers.get("Content-Range", "").rpartition("/")[2])


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _asked_wait(response: requests.Response) -> float | None:
    asked = _number(response.headers.get("Retry-After"))
    return None if asked is None else float(asked)


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
