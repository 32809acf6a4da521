"""Data sets whose servers say which files there are: Zenodo records, Google Storage buckets."""

import base64
import binascii
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from glassbotan.datasets.download import (
    DroppedError,
    Patience,
    chunks_of,
    open_url,
    web_session,
)
from glassbotan.datasets.public import Listing, RemoteFile, remote_file
from glassbotan.errors import RunError

LARGEST_ANSWER = 1 << 26
"""Bytes; far above what a listing takes."""


def ask_listing(listing: Listing, patience: Patience) -> list[RemoteFile]:
    """Return the files that the server of a data set names.

    Raises
    ------
    RunError
        The server does not answer, or its answer is not of the expected form.
    InputError
        It names a file that is not safe to write.

    """
    readers: Mapping[str, Callable[[str, Patience], Iterator[RemoteFile]]] = {
        "zenodo": _zenodo,
        "google-storage": _google_storage,
    }
    try:
        found = list(readers[listing.kind](listing.url, patience))
    except (KeyError, TypeError, AttributeError):
        raise RunError(f"{listing.url}: the answer is not the expected list of files") from None
    if not found:
        raise RunError(f"{listing.url}: the answer names no file")
    return found


def stored_listing(text: str, source: str) -> list[RemoteFile]:
    """Return the files of a listing that ``listing_text`` wrote.

    Raises
    ------
    RunError
        It is damaged.

    """
    try:
        return [
            remote_file(f["path"], f["url"], f["checksum"], f["size"], source)
            for f in json.loads(text)["files"]
        ]
    except (ValueError, KeyError, TypeError):
        raise RunError(f"{source} is damaged; remove it, and the next fetch asks anew") from None


def listing_text(files: list[RemoteFile]) -> str:
    """Return a listing as JSON, to be kept beside the data."""
    return json.dumps({"files": [vars(f) for f in files]}, indent=1) + "\n"


def get_text(url: str, patience: Patience) -> str:
    """Return a small text from the web.

    Raises
    ------
    RunError
        It cannot be had, or is no small text.

    """
    failures = 0
    while True:
        try:
            return _get_once(url, patience)
        except DroppedError as dropped:
            failures += 1
            if failures >= patience.tries:
                raise RunError(f"{url}: {dropped} ({failures} tries)") from None
            time.sleep(patience.wait(failures, dropped.wait))


def _get_once(url: str, patience: Patience) -> str:
    body = bytearray()
    with web_session() as session, open_url(session, url, {}, patience) as answer:
        for chunk in chunks_of(answer):
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise RunError(f"{url}: the answer is too long for a list of files")
    return body.decode("utf-8", errors="replace")


def _get_json(url: str, patience: Patience) -> Any:
    text = get_text(url, patience)
    try:
        return json.loads(text)
    except ValueError:
        raise RunError(f"{url}: the answer is not JSON") from None


def _zenodo(url: str, patience: Patience) -> Iterator[RemoteFile]:
    """Files of a record: https://developers.zenodo.org, representation of a record."""
    for entry in _get_json(url, patience)["files"]:
        checksum = entry["checksum"]
        if not re.match(r"\w+:", checksum):
            checksum = f"md5:{checksum}"
        yield remote_file(entry["key"], entry["links"]["self"], checksum, entry["size"], url)


def _google_storage(url: str, patience: Patience) -> Iterator[RemoteFile]:
    """Objects of a bucket, page by page: the JSON API's objects.list."""
    bucket = url.rstrip("/").split("/")[-2]
    server = url.partition("/storage/v1/")[0]
    page: str | None = None
    while True:
        options = {"fields": "items(name,size,md5Hash),nextPageToken"}
        if page is not None:
            options["pageToken"] = page
        answer = _get_json(f"{url}?{urlencode(options)}", patience)
        for item in answer.get("items", ()):
            if not item["name"].endswith("/"):
                yield remote_file(
                    item["name"],
                    f"{server}/{bucket}/{quote(item['name'])}",
                    _md5_of_base64(item.get("md5Hash"), url),
                    int(item["size"]),
                    url,
                )
        following = answer.get("nextPageToken")
        if following is None:
            return
        if following == page:
            raise RunError(f"{url}: the list of files does not end")
        page = following


def _md5_of_base64(text: str | None, source: str) -> str | None:
    if text is None:  # objects put together from parts have none
        return None
    try:
        return f"md5:{base64.b64decode(text, validate=True).hex()}"
    except (binascii.Error, ValueError):
        raise RunError(f"{source}: {text!r} is not an MD5 in base 64") from None
