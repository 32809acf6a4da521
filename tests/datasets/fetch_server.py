"""A web server on this machine that misbehaves as told."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """A file on the server, and what goes wrong with it."""

    body: bytes
    etag: str | None = '"v1"'
    modified: str | None = None
    ranges: bool = True
    heeds_if_range: bool = True
    statuses: list[int] = field(default_factory=list)  # answered first, one a request
    drops: list[int] = field(default_factory=list)  # bytes sent before the connection ends
    length: int | None = None  # a wrong Content-Length
    extra: bytes | None = None  # sent beyond the end, in chunks
    redirect: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    shifted: bool = False  # sends a range from another place than asked


class Server(ThreadingHTTPServer):
    """Serves ``files`` by path and remembers what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, Served] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.sent = 0

    def handle_error(self, *args) -> None:
        """A client that hangs up is part of the play."""

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def ranges_asked(self) -> list[str | None]:
        return [headers.get("range") for _, headers in self.asked]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def end_headers(self) -> None:
        self.send_header("Connection", "close")
        super().end_headers()

    def log_message(self, *args) -> None:
        pass

    def do_GET(self) -> None:
        headers = {k.lower(): v for k, v in self.headers.items()}
        self.server.asked.append((self.path, headers))
        file = self.server.files.get(self.path)
        if file is None:
            self._status(404)
        elif file.statuses:
            self._status(file.statuses.pop(0), file.headers)
        elif file.redirect:
            self._status(302, {"Location": file.redirect})
        else:
            self._serve(file, headers)

    def _status(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _serve(self, file: Served, headers: dict[str, str]) -> None:
        start = 0
        if file.ranges and "range" in headers and self._same(file, headers):
            start = int(re.fullmatch(r"bytes=(\d+)-", headers["range"])[1])
            if start >= len(file.body):
                self._status(416, {"Content-Range": f"bytes */{len(file.body)}"})
                return
            if file.shifted:
                start -= 1
            self.send_response(206)
            last = len(file.body) - 1
            self.send_header("Content-Range", f"bytes {start}-{last}/{len(file.body)}")
        else:
            self.send_response(200)
        self._marks(file)
        if file.extra is not None:
            self._chunked(file.body[start:] + file.extra)
            return
        body = file.body[start:]
        self.send_header("Content-Length", str(len(body) if file.length is None else file.length))
        self.end_headers()
        if file.drops:
            body = body[: file.drops.pop(0)]
        # Counted first: the client may be done before this thread runs on.
        self.server.sent += len(body)
        self.wfile.write(body)

    def _same(self, file: Served, headers: dict[str, str]) -> bool:
        asked = headers.get("if-range")
        return asked is None or not file.heeds_if_range or asked in (file.etag, file.modified)

    def _marks(self, file: Served) -> None:
        marks = {"ETag": file.etag, "Last-Modified": file.modified, **file.headers}
        for name, value in marks.items():
            if value is not None:
                self.send_header(name, value)

    def _chunked(self, body: bytes) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n")


@contextmanager
def running_server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
