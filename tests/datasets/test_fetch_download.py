"""One file over a web server that fails in every way it can."""

import hashlib
import shutil
import socket
from types import SimpleNamespace

import numpy as np
import pytest
from fetch_server import Served
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glassbotan.datasets.download import Patience, Web, partial_path
from glassbotan.datasets.public import RemoteFile
from glassbotan.errors import InputError, RunError
from glassbotan.progress_bar import readable

QUICK = Patience(tries=3, first_wait=0.0, connect=2.0, silence=2.0)
BODY = np.random.default_rng(1).bytes(300_000)
OTHER = np.random.default_rng(2).bytes(300_000)
FILE = "/glass.npz"


def sha(body):
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@pytest.fixture
def server(server):
    server.files[FILE] = Served(BODY)
    return server


@pytest.fixture
def target(tmp_path):
    return tmp_path / "glass.npz"


def download(file, target, *, patience):
    return Web(patience=patience).file(file, target)


def remote(server, *, checksum=None, size=None, path=FILE):
    return RemoteFile("glass.npz", server.base + path, checksum, size)


def get(server, target, **kwargs):
    return download(remote(server, **kwargs), target, patience=QUICK)


def interrupt_at(server, target, size, **kwargs):
    """Leave a partial file of ``size`` bytes, as a stopped command does."""
    server.files[FILE].drops = [size]
    with pytest.raises(RunError):
        download(remote(server, **kwargs), target, patience=Patience(tries=1))
    assert partial_path(target).stat().st_size == size
    server.asked.clear()


def test_dropped_connections_are_continued(server, target):
    server.files[FILE].drops = [100_000, 70_000, 1, 50_000]
    assert get(server, target, checksum=sha(BODY)) == sha(BODY)
    assert target.read_bytes() == BODY
    assert server.sent == len(BODY)
    starts = [None, "bytes=100000-", "bytes=170000-", "bytes=170001-", "bytes=220001-"]
    assert server.ranges_asked() == starts


def test_more_drops_than_tries_succeed_while_bytes_arrive(server, target):
    server.files[FILE].drops = [30_000] * 9
    get(server, target)
    assert target.read_bytes() == BODY


def test_next_call_goes_on(server, target):
    interrupt_at(server, target, 120_000)
    assert get(server, target) == sha(BODY)
    assert target.read_bytes() == BODY
    assert [p.name for p in target.parent.iterdir()] == ["glass.npz"]
    assert server.ranges_asked() == ["bytes=120000-"]
    assert server.asked[0][1]["if-range"] == '"v1"'


def test_next_call_goes_on_by_date_of_change(server, target):
    server.files[FILE].etag = None
    server.files[FILE].modified = "Tue, 01 Aug 2023 10:00:00 GMT"
    interrupt_at(server, target, 120_000)
    get(server, target)
    assert target.read_bytes() == BODY
    assert server.ranges_asked() == ["bytes=120000-"]


def test_ignored_range_starts_again(server, target):
    interrupt_at(server, target, 120_000)
    server.files[FILE].ranges = False
    get(server, target)
    assert target.read_bytes() == BODY


def test_range_from_another_place_starts_again(server, target):
    interrupt_at(server, target, 120_000)
    server.files[FILE].shifted = True
    get(server, target)
    assert target.read_bytes() == BODY


@pytest.mark.parametrize("heeds_if_range", [True, False])
def test_changed_file_starts_again(server, target, heeds_if_range):
    interrupt_at(server, target, 120_000)
    server.files[FILE] = Served(OTHER, etag='"v2"', heeds_if_range=heeds_if_range)
    assert get(server, target) == sha(OTHER)
    assert target.read_bytes() == OTHER


def test_file_that_became_shorter_starts_again(server, target):
    interrupt_at(server, target, 120_000)
    server.files[FILE] = Served(OTHER[:1000], etag='"v1"')
    get(server, target)
    assert target.read_bytes() == OTHER[:1000]


def test_without_mark_and_checksum_nothing_is_continued(server, target):
    server.files[FILE].etag = None
    interrupt_at(server, target, 120_000)
    get(server, target)
    assert target.read_bytes() == BODY
    assert server.ranges_asked() == [None]


def test_without_mark_the_checksum_tells_of_a_changed_file(server, target):
    server.files[FILE] = Served(OTHER, etag=None)
    interrupt_at(server, target, 120_000, checksum=sha(BODY))
    server.files[FILE] = Served(BODY, etag=None)
    assert get(server, target, checksum=sha(BODY)) == sha(BODY)
    assert target.read_bytes() == BODY
    assert server.ranges_asked() == ["bytes=120000-", None]


def test_another_address_continues_only_under_a_checksum(server, target):
    interrupt_at(server, target, 120_000)
    server.files["/mirror.npz"] = Served(BODY, etag='"of the mirror"')
    get(server, target, path="/mirror.npz")
    assert server.ranges_asked() == [None]
    target.unlink()
    interrupt_at(server, target, 120_000)
    get(server, target, path="/mirror.npz", checksum=sha(BODY))
    assert server.ranges_asked() == ["bytes=120000-"]
    assert target.read_bytes() == BODY


def test_complete_partial_file_needs_no_server(server, target):
    partial_path(target).write_bytes(BODY)
    get(server, target, checksum=sha(BODY), size=len(BODY))
    assert target.read_bytes() == BODY
    assert server.asked == []


def test_complete_partial_file_of_unknown_size(server, target):
    partial_path(target).write_bytes(BODY)
    get(server, target, checksum=sha(BODY))
    assert target.read_bytes() == BODY


def test_damaged_note_is_as_none(server, target):
    interrupt_at(server, target, 120_000)
    partial_path(target).with_name("glass.npz.part.json").write_text("{")
    get(server, target)
    assert target.read_bytes() == BODY


def test_wrong_checksum(server, target):
    with pytest.raises(RunError, match=r"checksum is sha256:.*expected sha256:.*thrown away"):
        get(server, target, checksum=sha(OTHER))
    assert list(target.parent.iterdir()) == []
    assert len(server.asked) == 1


def test_md5(server, target):
    md5 = f"md5:{hashlib.md5(BODY).hexdigest()}"
    assert get(server, target, checksum=md5) == md5


def test_length_too_long_ends(server, target):
    server.files[FILE].length = len(BODY) + 10
    with pytest.raises(RunError, match="3 tries in a row"):
        get(server, target)
    assert not target.exists()


def test_length_too_long_is_mended_by_checksum(server, target):
    server.files[FILE].length = len(BODY) + 10
    assert get(server, target, checksum=sha(BODY)) == sha(BODY)


def test_length_too_short_is_found_by_checksum(server, target):
    server.files[FILE].length = len(BODY) - 10
    with pytest.raises(RunError, match="checksum"):
        get(server, target, checksum=sha(BODY))
    assert not target.exists()


@pytest.mark.parametrize("wrong", [-10, 10])
def test_length_other_than_published(server, target, wrong):
    server.files[FILE].length = len(BODY) + wrong
    with pytest.raises(RunError, match=f"offers {len(BODY) + wrong} bytes, expected {len(BODY)}"):
        get(server, target, size=len(BODY))
    assert len(server.asked) == 1


def test_more_bytes_than_published_stop(server, target):
    server.files[FILE].extra = bytes(10_000_000)
    with pytest.raises(RunError, match="sends more than 300000 bytes; stopped"):
        get(server, target, size=len(BODY))
    assert partial_path(target).stat().st_size <= len(BODY)


def test_unknown_length(server, target):
    server.files[FILE].extra = b""
    assert get(server, target, checksum=sha(BODY)) == sha(BODY)


def test_empty_file(server, target):
    server.files[FILE].body = b""
    assert get(server, target) == sha(b"")
    assert target.read_bytes() == b""


def test_not_found_is_final(server, target):
    with pytest.raises(RunError, match=r"404 Not Found; .*--url .*--from"):
        get(server, target, path="/gone.npz")
    assert len(server.asked) == 1


def test_passing_faults_are_waited_for(server, target):
    server.files[FILE].statuses = [500, 503]
    get(server, target)
    assert target.read_bytes() == BODY


def test_lasting_fault_ends(server, target):
    server.files[FILE].statuses = [500] * 20
    with pytest.raises(RunError, match=r"500 Internal Server Error \(3 tries in a row\)"):
        get(server, target)
    assert len(server.asked) == 3


def test_partial_file_survives_a_fault(server, target):
    interrupt_at(server, target, 120_000)
    server.files[FILE].statuses = [500] * 20
    with pytest.raises(RunError, match=r"120.0 kB are kept, run the same command to go on"):
        get(server, target)
    assert partial_path(target).read_bytes() == BODY[:120_000]


def test_waits_double_up_to_the_longest_and_heed_the_server():
    patience = Patience(first_wait=1.0, longest_wait=60.0)
    waits = [patience.wait(n, None) for n in range(1, 9)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert patience.wait(1, 30.0) == 30
    assert patience.wait(1, 3600.0) == 60


def test_retry_after_is_heard(server, target, caplog):
    caplog.set_level("INFO", "glassbotan")
    server.files[FILE].statuses = [429]
    server.files[FILE].headers = {"Retry-After": "7"}
    download(remote(server), target, patience=Patience(first_wait=0.0, longest_wait=0.02))
    assert caplog.messages == [
        "glass.npz: the server answers 429 Too Many Requests; trying again in 0 s"
    ]


def test_redirects_are_followed_and_continued(server, target):
    server.files["/here.npz"] = Served(b"", redirect=FILE)
    server.files[FILE].drops = [100_000]
    get(server, target, path="/here.npz")
    assert target.read_bytes() == BODY
    assert server.ranges_asked() == [None, None, "bytes=100000-", "bytes=100000-"]


@pytest.mark.parametrize("elsewhere", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_redirect_away_from_the_web_is_refused(server, target, elsewhere):
    server.files[FILE].redirect = elsewhere
    with pytest.raises(RunError, match=r"refused the redirect to (file|ftp)"):
        get(server, target)
    assert list(target.parent.iterdir()) == []


def test_redirect_from_https_to_http_is_refused():
    answer = SimpleNamespace(
        url="https://127.0.0.1/x", is_redirect=True, headers={"location": "http://127.0.0.1/x"}
    )
    with pytest.raises(RunError, match="not https"):
        Web().session.get_redirect_target(answer)


def test_redirect_loop_ends(server, target):
    server.files[FILE].redirect = FILE
    with pytest.raises(RunError, match="redirects"):
        get(server, target)


def test_encoded_file_is_refused(server, target):
    server.files[FILE].headers = {"Content-Encoding": "gzip"}
    with pytest.raises(RunError, match="encoded as gzip"):
        get(server, target)


def test_archive_called_encoded_is_kept_as_stored(server, tmp_path):
    server.files["/data.tar.gz"] = Served(BODY, headers={"Content-Encoding": "x-gzip"})
    file = RemoteFile("data.tar.gz", f"{server.base}/data.tar.gz")
    download(file, tmp_path / "data.tar.gz", patience=QUICK)
    assert (tmp_path / "data.tar.gz").read_bytes() == BODY


def test_nobody_listens(target):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/x"
        with pytest.raises(RunError, match=r"connection refused \(3 tries in a row\)$"):
            download(RemoteFile("x", url), target, patience=QUICK)


def test_unknown_host(target):
    with pytest.raises(RunError, match="host name is not known"):
        download(RemoteFile("x", "http://nowhere.invalid/x"), target, patience=Patience(tries=1))


def test_silent_server_ends(target):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        with pytest.raises(RunError, match="the server is silent"):
            download(RemoteFile("x", url), target, patience=Patience(tries=1, silence=0.1))


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "http://", "nonsense", None])
def test_no_address(target, url):
    with pytest.raises(InputError, match="address"):
        download(RemoteFile("x", url), target, patience=QUICK)


def test_full_disk_before_the_download(server, target, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=299_999))
    with pytest.raises(RunError, match=r"needs 300.0 kB but .* has 300.0 kB free.*--into"):
        get(server, target)
    assert list(target.parent.iterdir()) == []


def test_full_disk_in_the_middle(server, target):
    # A device that is always full stands for the disk.
    partial_path(target).symlink_to("/dev/full")
    with pytest.raises(RunError, match=r"part: the disk is full; .*run the same command again"):
        get(server, target)
    assert partial_path(target).is_symlink()
    assert not target.exists()


def test_readable():
    sizes = [readable(n) for n in (0, 999, 1000, 3_248_908, 58 * 10**9, 10**15)]
    assert sizes == ["0 B", "999 B", "1.0 kB", "3.2 MB", "58.0 GB", "1000000.0 GB"]


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    drops=st.lists(st.integers(0, 120_000), max_size=6),
    ranges=st.booleans(),
    etag=st.sampled_from([None, '"v1"', 'W/"v1"']),
    checked=st.booleans(),
)
def test_ends_with_the_right_bytes_or_an_error(server, target, drops, ranges, etag, checked):
    """Whatever the drops, a file with its final name is whole."""
    server.files[FILE] = Served(BODY, etag=etag, ranges=ranges, drops=list(drops))
    target.unlink(missing_ok=True)
    try:
        get(server, target, checksum=sha(BODY) if checked else None)
    except RunError:
        assert not target.exists()
    else:
        assert target.read_bytes() == BODY
