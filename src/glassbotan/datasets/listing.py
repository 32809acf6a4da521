"""Data sets whose servers say which files there are: Zenodo records, Google Storage buckets."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from glassbotan.datasets.download import Web
from glassbotan.datasets.public import RemoteFile, remote_file
from glassbotan.errors import RunError


def ask_listing(listing: Mapping[str, str], web: Web) -> list[RemoteFile]:
    """Return the files that the server of a data set names.

    Parameters
    ----------
    listing
        ``kind`` ("zenodo" or "google-storage") and ``url``.

    Raises
    ------
    RunError
        The server does not answer, or its answer is not of the expected form.
    InputError
        It names a file that is not safe to write.

    """
    url = listing["url"]
    try:
        found = list(_KINDS[listing["kind"]](url, web))
    except (KeyError, TypeError, AttributeError):
        raise RunError(f"{url}: the answer is not the expected list of files") from None
    if not found:
        raise RunError(f"{url}: the answer names no file")
    return found


def stored_listing(text: str, source: str) -> list[RemoteFile]:
    """Return the files of a listing that ``listing_text`` wrote.

    Raises
    ------
    RunError
        It is damaged.

    """
    try:
        return [remote_file(source, **file) for file in json.loads(text)["files"]]
    except (ValueError, KeyError, TypeError):
        raise RunError(f"{source} is damaged; remove it, and the next fetch asks anew") from None


def listing_text(files: list[RemoteFile]) -> str:
    """Return a listing as JSON, to be kept beside the data."""
    return json.dumps({"files": [vars(f) for f in files]}, indent=1) + "\n"


def _json(url: str, web: Web) -> Any:
    try:
        return json.loads(web.text(url))
    except ValueError:
        raise RunError(f"{url}: the answer is not JSON") from None


def _zenodo(url: str, web: Web) -> Iterator[RemoteFile]:
    """Files of a record: https://developers.zenodo.org, representation of a record."""
    for entry in _json(url, web)["files"]:
        checksum = entry["checksum"]
        if not re.match(r"\w+:", checksum):
            checksum = f"md5:{checksum}"
        yield remote_file(url, entry["key"], entry["links"]["self"], checksum, entry["size"])


def _google_storage(url: str, web: Web) -> Iterator[RemoteFile]:
    """Objects of a bucket, page by page: the JSON API's objects.list."""
    bucket = url.rstrip("/").split("/")[-2]
    base = f"{url.partition('/storage/v1/')[0]}/{bucket}"
    options = {"fields": "items(name,size,md5Hash),nextPageToken"}
    while True:
        answer = _json(f"{url}?{urlencode(options)}", web)
        for item in answer.get("items", ()):
            name = item["name"]
            if not name.endswith("/"):
                md5 = _md5_of_base64(item.get("md5Hash"), url)
                yield remote_file(url, name, f"{base}/{quote(name)}", md5, int(item["size"]))
        following = answer.get("nextPageToken")
        if following is None:
            return
        if following == options.get("pageToken"):
            raise RunError(f"{url}: the list of files does not end")
        options["pageToken"] = following


def _md5_of_base64(text: str | None, source: str) -> str | None:
    if text is None:  # objects put together from parts have none
        return None
    try:
        return f"md5:{base64.b64decode(text, validate=True).hex()}"
    except ValueError:
        raise RunError(f"{source}: {text!r} is not an MD5 in base 64") from None


_KINDS = {"zenodo": _zenodo, "google-storage": _google_storage}
