"""Whole data sets from a web server or a mirror, and the command around it."""

import base64
import hashlib
import io
import json
import logging
import os
import shutil
import subprocess
import sys
import tarfile
from types import SimpleNamespace

import pytest
import typer
from fetch_server import Served
from typer.testing import CliRunner

from glassbotan.cli.fetch import fetch as command
from glassbotan.datasets import public
from glassbotan.datasets.download import Patience, partial_path
from glassbotan.datasets.fetch import InterruptedFetchError, fetch, list_files
from glassbotan.errors import GlassbotanError, InputError, RunError

QUICK = Patience(tries=2, first_wait=0.0, connect=2.0, silence=2.0)
BODIES = {"train/s_1.npz": b"one" * 1000, "train/s_2.npz": b"two" * 2000, "model.pth": b"weights"}


def sha(body):
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def archive_of(files):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, body in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    return packed.getvalue()


@pytest.fixture
def registry(server, home, monkeypatch):
    """Four data sets: with checksums, an archive without, and two with a listing."""
    about = dict.fromkeys(("title", "citation", "licence", "doi", "page"), "")
    small = [
        {"path": p, "url": f"{server.base}/{p}", "checksum": sha(b), "size": len(b)}
        for p, b in BODIES.items()
    ]
    big = [{"path": "big.tar.gz", "url": f"{server.base}/big", "checksum": None, "size": None}]
    bare = [{"path": "bare.npz", "url": None, "checksum": None, "size": None}]
    entries = {
        "small": {"files": small, "parts": {"train": "train/*"}},
        "big": {"files": big, "unpack": True},
        "bare": {"files": bare},
        "record": {"listing": {"kind": "zenodo", "url": f"{server.base}/api/records/7"}},
        "bucket": {
            "listing": {"kind": "google-storage", "url": f"{server.base}/storage/v1/b/glass/o"}
        },
    }
    text = json.dumps({name: about | entry for name, entry in entries.items()})
    parsed = public.parse_registry(text, "test")
    monkeypatch.setattr(public, "public_datasets", lambda: parsed)
    for path, body in BODIES.items():
        server.files[f"/{path}"] = Served(body)
    server.files["/big"] = Served(
        archive_of({"big/T0.44/s_1.npz": b"1", "big/T0.44/s_2.npz": b"2"})
    )


def get(name, **kwargs):
    return fetch(name, patience=QUICK, **kwargs)


@pytest.mark.usefixtures("registry")
class TestFetch:
    def test_all_files_then_none(self, server, home):
        done = get("small")
        assert done.new == 3
        assert {p: (home / "small" / p).read_bytes() for p in BODIES} == BODIES
        server.asked.clear()
        again = get("small")
        assert again.new == 0
        assert again.files == done.files == tuple(home / "small" / p for p in BODIES)
        assert server.asked == []

    def test_only_what_is_missing(self, server, home):
        get("small", only=["train/*"])
        assert [path for path, _ in server.asked] == ["/train/s_1.npz", "/train/s_2.npz"]
        (home / "small" / "train" / "s_1.npz").unlink()
        server.asked.clear()
        assert get("small").new == 2
        assert [path for path, _ in server.asked] == ["/train/s_1.npz", "/model.pth"]

    def test_only_by_file_name(self, home):
        assert get("small", only=["s_2*", "*.pth"]).files == (
            home / "small" / "train" / "s_2.npz",
            home / "small" / "model.pth",
        )

    def test_nothing_matches(self):
        with pytest.raises(InputError, match=r"none of 3 files matches \*.gsd; .*train/s_1.npz"):
            get("small", only=["*.gsd"])

    def test_other_folder(self, tmp_path):
        done = get("small", into=tmp_path / "elsewhere")
        assert done.folder == tmp_path / "elsewhere" / "small"

    def test_changed_file_is_left_and_named(self, home):
        get("small")
        path = home / "small" / "model.pth"
        path.write_bytes(b"WEIGHTS")
        with pytest.raises(InputError, match=r"model.pth is damaged or changed.*move it away"):
            get("small")
        assert path.read_bytes() == b"WEIGHTS"
        path.write_bytes(b"short")
        with pytest.raises(InputError, match="has 5 bytes, expected 7"):
            get("small")

    def test_damage_that_keeps_size_and_time_is_found(self, home):
        get("small")
        path = home / "small" / "model.pth"
        stat = path.stat()
        path.write_bytes(b"WEIGHTS")
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        with pytest.raises(InputError, match="damaged or changed"):
            get("small")

    def test_folder_in_the_way(self, home):
        (home / "small" / "model.pth").mkdir(parents=True)
        with pytest.raises(InputError, match="folder where a file is due"):
            get("small")

    def test_one_lost_file_keeps_the_others(self, server, home):
        del server.files["/train/s_2.npz"]
        with pytest.raises(RunError, match="404"):
            get("small")
        assert (home / "small" / "train" / "s_1.npz").is_file()
        server.files["/train/s_2.npz"] = Served(BODIES["train/s_2.npz"])
        assert get("small").new == 2

    def test_interrupt_keeps_the_part(self, server, home):
        def interrupt(done, *_, **__):
            if done:
                raise KeyboardInterrupt

        with pytest.raises(InterruptedFetchError, match="run the same command to go on") as caught:
            fetch("small", only=["*s_2*"], progress=interrupt)
        assert caught.value.exit_status == 130
        part = partial_path(home / "small" / "train" / "s_2.npz")
        # Shorter by what a slower disk would have lacked.
        part.write_bytes(part.read_bytes()[:2500])
        assert get("small", only=["*s_2*"]).new == 1
        assert server.ranges_asked() == [None, "bytes=2500-"]

    def test_two_at_once(self, home):
        import fcntl

        (home / "small").mkdir(parents=True)
        lock = os.open(home / "small", os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RunError, match="another fetch is at work"):
            get("small")
        os.close(lock)
        get("small")

    def test_full_disk_is_seen_before_anything_is_asked(self, server, monkeypatch):
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=9000))
        with pytest.raises(RunError, match=r"download \(3 files\) needs 9.0 kB"):
            get("small")
        assert server.asked == []

    def test_folder_that_cannot_be_made(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(RunError, match="file/small: Not a directory"):
            get("small", into=tmp_path / "file")


@pytest.mark.usefixtures("registry")
class TestRecordedChecksum:
    def test_later_download_is_held_to_the_first(self, server, home):
        get("bare", url=f"{server.base}/model.pth")
        (home / "bare" / "bare.npz").unlink()
        server.files["/model.pth"] = Served(b"another")
        with pytest.raises(RunError, match=r"another file than at the first download"):
            get("bare", url=f"{server.base}/model.pth")
        assert not (home / "bare" / "bare.npz").exists()
        assert (home / "bare" / "bare.npz.new").read_bytes() == b"another"

    def test_damage_is_found(self, server, home):
        get("bare", url=f"{server.base}/model.pth")
        (home / "bare" / "bare.npz").write_bytes(b"damaged")
        with pytest.raises(InputError, match="damaged or changed"):
            get("bare")
        with pytest.raises(InputError, match="damaged or changed"):
            public.dataset_files("bare", "*.npz")

    def test_file_brought_by_hand_is_recorded(self, home, caplog):
        caplog.set_level("INFO", "glassbotan")
        (home / "bare").mkdir(parents=True)
        (home / "bare" / "bare.npz").write_bytes(b"mine")
        assert get("bare").new == 0
        assert "no checksum of it is published" in caplog.text
        (home / "bare" / "bare.npz").write_bytes(b"MINE")
        with pytest.raises(InputError, match="damaged or changed"):
            get("bare")

    def test_unknown_address(self):
        with pytest.raises(InputError, match=r"bare.npz: no address is known; give one with --url"):
            get("bare")

    def test_url_is_for_one_file(self):
        with pytest.raises(InputError, match="--url is for a data set of one file"):
            get("small", url="http://127.0.0.1/x")


@pytest.mark.usefixtures("registry")
class TestMirror:
    @pytest.fixture
    def folder(self, tmp_path):
        for path, body in BODIES.items():
            (tmp_path / "mirror" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "mirror" / path).write_bytes(body)
        return tmp_path / "mirror"

    def test_folder(self, server, home, folder):
        assert get("small", mirror=str(folder)).new == 3
        assert (home / "small" / "train" / "s_2.npz").read_bytes() == BODIES["train/s_2.npz"]
        assert server.asked == []

    def test_folder_of_data_sets(self, folder, tmp_path):
        folder.rename(tmp_path / "small")
        assert get("small", mirror=str(tmp_path)).new == 3

    def test_address(self, server):
        for path, body in BODIES.items():
            server.files[f"/copy/of/{path}"] = Served(body)
        get("small", mirror=f"{server.base}/copy/of/")
        assert all(path.startswith("/copy/of/") for path, _ in server.asked)

    def test_wrong_copy(self, home, folder):
        (folder / "model.pth").write_bytes(b"WEIGHTS")
        with pytest.raises(InputError, match=r"mirror/model.pth: the checksum is"):
            get("small", mirror=str(folder))
        assert not (home / "small" / "model.pth").exists()

    def test_missing_copy(self, folder):
        (folder / "model.pth").unlink()
        with pytest.raises(InputError, match=r"model.pth: the mirror has no such file"):
            get("small", mirror=str(folder))

    def test_no_mirror(self, tmp_path):
        with pytest.raises(InputError, match="neither an address"):
            get("small", mirror=str(tmp_path / "nowhere"))

    def test_recorded_checksum_of_the_mirror_counts(self, server, home, tmp_path):
        get("bare", url=f"{server.base}/model.pth")
        (home / "bare" / "bare.npz").write_bytes(b"damaged")
        with pytest.raises(InputError, match="expected sha256"):
            get("bare", mirror=str(home), into=tmp_path / "new")


@pytest.mark.usefixtures("registry")
class TestArchive:
    def test_unpacked_once(self, server, home):
        done = get("big")
        assert done.unpacked == (home / "big" / "big",)
        found = public.resolve("big/big/T0.44")
        assert [p.read_bytes() for p in found] == [b"1", b"2"]
        server.asked.clear()
        assert get("big").new == 0
        assert server.asked == []

    def test_archive_may_be_deleted(self, server, home):
        get("big")
        (home / "big" / "big.tar.gz").unlink()
        server.asked.clear()
        done = get("big")
        assert (done.new, done.files, done.unpacked) == (0, (), (home / "big" / "big",))
        assert server.asked == []

    def test_lost_member(self, home):
        get("big")
        (home / "big" / "big" / "T0.44" / "s_1.npz").unlink()
        with pytest.raises(InputError, match="lost files since it was unpacked; move it away"):
            get("big")
        shutil.rmtree(home / "big" / "big")
        get("big")
        assert len(public.resolve("big/big/T0.44")) == 2

    def test_damaged_member(self, home):
        get("big")
        (home / "big" / "big" / "T0.44" / "s_1.npz").write_bytes(b"X")
        with pytest.raises(InputError, match=r"s_1.npz is damaged or changed"):
            get("big")
        with pytest.raises(InputError, match=r"s_1.npz is damaged or changed"):
            public.resolve("big/big/T0.44/*.npz")

    def test_damaged_first_download_is_not_the_measure(self, server, home):
        whole = server.files["/big"]
        server.files["/big"] = Served(b"<html>Please log in</html>")
        with pytest.raises(RunError, match=r"big.tar.gz is damaged"):
            get("big")
        (home / "big" / "big.tar.gz").unlink()
        server.files["/big"] = whole
        assert get("big").new == 1

    def test_unsafe_archive(self, server, home):
        server.files["/big"] = Served(archive_of({"../../out.npz": b"1"}))
        with pytest.raises(InputError, match="may leave its folder"):
            get("big")
        assert {p.name for p in home.rglob("*")} == {"big", "big.tar.gz", "checksums.json"}


@pytest.mark.usefixtures("registry")
class TestListing:
    @pytest.fixture
    def record(self, server):
        """A Zenodo record of two files."""
        bodies = {"a.npz": b"aaa", "b.npz": b"bbbb"}
        answer = {"files": []}
        for key, body in bodies.items():
            link = f"/api/records/7/files/{key}/content"
            server.files[link] = Served(body)
            answer["files"].append(
                {
                    "key": key,
                    "size": len(body),
                    "checksum": f"md5:{hashlib.md5(body).hexdigest()}",
                    "links": {"self": server.base + link},
                }
            )
        self.publish(server, answer)
        return answer

    @staticmethod
    def publish(server, answer):
        server.files["/api/records/7"] = Served(json.dumps(answer).encode())

    def test_zenodo_record(self, home, record):
        assert get("record").new == 2
        assert (home / "record" / "b.npz").read_bytes() == b"bbbb"

    def test_only_some(self, server, record):
        assert get("record", only=["b*"]).new == 1
        assert "/api/records/7/files/a.npz/content" not in [path for path, _ in server.asked]

    def test_listing_is_pinned(self, server, record):
        get("record", only=["a*"])
        server.asked.clear()
        get("record", only=["b*"])
        assert [path for path, _ in server.asked] == ["/api/records/7/files/b.npz/content"]

    def test_md5_is_checked(self, server, record):
        server.files["/api/records/7/files/a.npz/content"] = Served(b"AAA")
        with pytest.raises(RunError, match="checksum is md5:"):
            get("record")

    def test_passing_fault(self, server, record):
        server.files["/api/records/7"].statuses = [503]
        assert get("record").new == 2

    @pytest.mark.parametrize(
        ("field", "value", "match"),
        [
            ("key", "../../a.npz", "may leave its folder"),
            ("links", None, "not the expected list"),
        ],
    )
    def test_bad_answer(self, server, home, record, field, value, match):
        record["files"][0][field] = value
        self.publish(server, record)
        with pytest.raises(GlassbotanError, match=match):
            get("record")
        assert {p.name for p in home.rglob("*")} == {"record"}

    @pytest.mark.parametrize("answer", [b"<html>", b"[]", b"{}", b'{"files": []}'])
    def test_no_listing(self, server, answer):
        server.files["/api/records/7"] = Served(answer)
        with pytest.raises(RunError, match="/api/records/7: the answer"):
            get("record")

    def test_mirror_without_the_public_server(self, server, record, home, tmp_path):
        get("record")
        home.rename(tmp_path / "mirror")
        server.files.clear()
        assert get("record", mirror=str(tmp_path / "mirror")).new == 2
        assert (home / "record" / "a.npz").read_bytes() == b"aaa"

    def test_mirror_without_listing(self, server, tmp_path):
        with pytest.raises(RunError, match=r"404.*and the mirror has no listing.json"):
            get("record", mirror=str(tmp_path))

    def test_damaged_stored_listing(self, home, record):
        get("record")
        (home / "record" / "listing.json").write_text("{}")
        with pytest.raises(RunError, match=r"listing.json is damaged; remove it"):
            get("record")

    def test_google_storage_pages(self, server, home):
        bodies = {"public_dataset/T 1/a_1.pickle": b"1", "public_dataset/T 1/a_2.pickle": b"22"}
        pages = [
            [
                {
                    "name": name,
                    "size": str(len(body)),
                    "md5Hash": base64.b64encode(hashlib.md5(body).digest()).decode(),
                }
            ]
            for name, body in bodies.items()
        ]
        pages[1][0].pop("md5Hash")
        pages[1].append({"name": "public_dataset/", "size": "0"})
        query = "/storage/v1/b/glass/o?fields=items%28name%2Csize%2Cmd5Hash%29%2CnextPageToken"
        first = {"items": pages[0], "nextPageToken": "x/y"}
        server.files[query] = Served(json.dumps(first).encode())
        server.files[f"{query}&pageToken=x%2Fy"] = Served(json.dumps({"items": pages[1]}).encode())
        for name, body in bodies.items():
            server.files[f"/glass/{name.replace(' ', '%20')}"] = Served(body)
        assert get("bucket").new == 2
        assert {p: (home / "bucket" / p).read_bytes() for p in bodies} == bodies

    def test_google_storage_that_never_ends(self, server):
        query = "/storage/v1/b/glass/o?fields=items%28name%2Csize%2Cmd5Hash%29%2CnextPageToken"
        for address in (query, f"{query}&pageToken=x"):
            server.files[address] = Served(b'{"nextPageToken": "x"}')
        with pytest.raises(RunError, match="does not end"):
            get("bucket")

    def test_states(self, home, record):
        get("record", only=["a*"])
        (home / "record" / "b.npz.part").write_bytes(b"bb")
        assert [f.state for f in list_files("record")] == ["here", "2 B here"]


@pytest.mark.usefixtures("registry")
class TestCommand:
    @staticmethod
    def run(*args):
        app = typer.Typer()
        app.command()(command)
        return CliRunner().invoke(app, args)

    def test_fetch_says_where(self, home, caplog):
        caplog.set_level(logging.DEBUG, "glassbotan")
        result = self.run("small", "--only", "train/*", "--only", "*.pth")
        assert result.exit_code == 0
        assert f"3 files fetched, 0 were here and are intact: {home / 'small'}" in result.stdout
        # Where there is no terminal, only --verbose tells of every file.
        assert "download train/s_1.npz" in caplog.messages
        assert "train/s_1.npz" not in result.stderr
        assert "0 files fetched, 3 were here" in self.run("small").stdout

    def test_into(self, tmp_path):
        result = self.run("big", "--into", str(tmp_path / "x"))
        assert f"unpacked: {tmp_path / 'x' / 'big' / 'big'}" in result.stdout
        assert f"GLASSBOTAN_DATA={tmp_path / 'x'}" in result.stdout

    def test_mirror(self, home, tmp_path):
        self.run("small")
        result = self.run("small", "--from", str(home), "--into", str(tmp_path / "x"))
        assert "3 files fetched" in result.stdout

    def test_list_of_data_sets(self, home):
        result = self.run("--list")
        assert "names for recipes: small/train" in result.stdout
        assert str(home) in result.stdout

    def test_list_of_files(self, home):
        self.run("small", "--only", "*.pth")
        lines = self.run("small", "--list").stdout.splitlines()
        assert lines[0].split() == ["3.0", "kB", "train/s_1.npz"]
        assert lines[2].split() == ["7", "B", "model.pth", "here"]
        assert lines[3] == "3 files, 9.0 kB"
        assert self.run("bare", "--list").stdout.endswith("1 files, 0 B and 1 of unknown size\n")

    def test_quiet(self, monkeypatch):
        logger = logging.getLogger("glassbotan")
        monkeypatch.setattr(logger, "level", logging.WARNING)
        result = self.run("small")
        assert result.stderr == ""
        assert "3 files fetched" in result.stdout

    def test_errors_are_the_mains_to_show(self):
        assert isinstance(self.run().exception, InputError)
        assert isinstance(self.run("nothing").exception, InputError)

    def test_names_with_brackets_are_shown_as_they_are(self, tmp_path):
        result = self.run("small", "--into", str(tmp_path / "[red]x"))
        assert "[red]x/small" in result.stdout


def test_importing_the_names_costs_no_download_library():
    code = "import sys, glassbotan.datasets.public, glassbotan.cli.fetch; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not {"requests", "urllib3"} & set(loaded.stdout.split())
