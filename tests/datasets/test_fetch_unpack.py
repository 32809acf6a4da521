"""Archives stay inside their folder, whatever they hold."""

import gzip
import hashlib
import io
import shutil
import struct
import tarfile
import zipfile
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glassbotan.datasets.unpack import ENDINGS, archive_folder, unpack
from glassbotan.errors import InputError, RunError

FILES = {"T0.44/train/1.npz": b"one" * 5000, "T0.44/train/2.npz": b"two", "README": b""}
TAR_MODES = {".tar": "w", ".tar.gz": "w:gz", ".tgz": "w:gz", ".tar.bz2": "w:bz2", ".tar.xz": "w:xz"}


def sha(body):
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def info(name, size=0, kind=tarfile.REGTYPE, link=""):
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = size, kind, link
    return member


def pack(path, files, members=()):
    """Write an archive of ``files``, with further members of doubtful character."""
    if path.name.endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, body in files.items():
                archive.writestr(name, body)
            for member, body in members:
                archive.writestr(member, body)
        return path
    mode = next(m for ending, m in TAR_MODES.items() if path.name.endswith(ending))
    with tarfile.open(path, mode) as archive:
        for name, body in files.items():
            archive.addfile(info(name, len(body)), io.BytesIO(body))
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def everything_below(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*")}


def assert_refused(archive, match, error=InputError):
    """Unpacking fails and leaves the archive alone on the disk."""
    outside = archive.parent.parent
    before = everything_below(outside)
    with pytest.raises(error, match=match) as caught:
        unpack(archive, archive_folder(archive))
    assert "\n" not in str(caught.value)
    assert everything_below(outside) == before


@pytest.fixture
def inner(tmp_path):
    folder = tmp_path / "data" / "botan"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("ending", ENDINGS)
def test_files_and_checksums(inner, ending):
    archive = pack(inner / f"set{ending}", FILES)
    folder = archive_folder(archive)
    assert folder == inner / "set"
    assert unpack(archive, folder) == {name: sha(body) for name, body in FILES.items()}
    assert {p: (folder / p).read_bytes() for p in FILES} == FILES
    assert {p.name for p in inner.iterdir()} == {"set", archive.name}


@pytest.mark.parametrize("ending", [".tar.gz", ".zip"])
def test_outer_folder_of_the_same_name_is_left_out(inner, ending):
    archive = pack(inner / f"set{ending}", {f"set/{n}": b for n, b in FILES.items()})
    assert unpack(archive, inner / "set") == {name: sha(body) for name, body in FILES.items()}
    assert (inner / "set" / "README").is_file()


def test_folders_and_leading_dots(inner):
    members = [info("./", kind=tarfile.DIRTYPE), info("./empty/", kind=tarfile.DIRTYPE)]
    archive = pack(inner / "set.tar.gz", {"./a/b": b"1"}, members)
    assert unpack(archive, inner / "set") == {"a/b": sha(b"1")}
    assert (inner / "set" / "empty").is_dir()


UNSAFE = ["../out", "a/../../out", "/abs", "..", "C:\\out", "a\\..\\..\\out", "C:/out", "a\nb"]


@pytest.mark.parametrize("name", UNSAFE)
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.DIRTYPE])
def test_tar_names_that_lead_out(inner, name, kind):
    assert_refused(pack(inner / "set.tar", FILES, [info(name, kind=kind)]), "refused the file name")


@pytest.mark.parametrize("name", UNSAFE)
def test_zip_names_that_lead_out(inner, name):
    archive = pack(inner / "set.zip", FILES, [(zipfile.ZipInfo(name), b"x")])
    assert_refused(archive, "refused the file name")


@pytest.mark.parametrize(
    "member",
    [
        info("link", kind=tarfile.SYMTYPE, link="../../out"),
        info("link", kind=tarfile.SYMTYPE, link="/etc/passwd"),
        info("link", kind=tarfile.LNKTYPE, link="../../../etc/passwd"),
        info("link", kind=tarfile.SYMTYPE, link="README"),
        info("link", kind=tarfile.LNKTYPE, link="README"),
        info("device", kind=tarfile.CHRTYPE),
        info("device", kind=tarfile.BLKTYPE),
        info("pipe", kind=tarfile.FIFOTYPE),
    ],
    ids=lambda m: f"{m.name} {m.linkname}",
)
def test_tar_links_and_devices(inner, member):
    assert_refused(pack(inner / "set.tar.gz", FILES, [member]), "is a link or a device")


def test_zip_link(inner):
    member = zipfile.ZipInfo("link")
    member.external_attr = 0o120777 << 16
    assert_refused(pack(inner / "set.zip", FILES, [(member, b"/etc/passwd")]), "is a link")


def test_write_through_a_link_is_impossible(inner):
    """The classic: a link to a folder outside, then a file "in" the link."""
    members = [info("door", kind=tarfile.SYMTYPE, link="/tmp"), info("door/file", 1)]
    assert_refused(pack(inner / "set.tar", {}, members), "is a link")


@pytest.mark.parametrize("ending", [".tar", ".zip"])
@pytest.mark.parametrize(
    ("second", "match"), [("README", "twice"), ("README/x", "both a file and a folder")]
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_name_twice(inner, ending, second, match):
    path = inner / f"set{ending}"
    member = info(second, 1) if ending == ".tar" else (zipfile.ZipInfo(second), b"x")
    assert_refused(pack(path, FILES, [member]), match)


def test_encrypted_zip(inner):
    archive = pack(inner / "set.zip", {"a": b"1"})
    body = bytearray(archive.read_bytes())
    body[body.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(body)
    assert_refused(archive, "encrypted")


@pytest.mark.parametrize("ending", ENDINGS)
def test_cut_off_archive(inner, ending):
    noise = hashlib.shake_256(b"glass").digest(50_000)
    archive = pack(inner / f"set{ending}", {"a": noise, "b": noise})
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    assert_refused(archive, "set.* is damaged", RunError)


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_archive_at_all(inner, ending):
    archive = inner / f"set{ending}"
    archive.write_bytes(b"<html>Please log in</html>" * 100)
    assert_refused(archive, "is damaged", RunError)


def test_gzip_checksum_at_the_end_counts(inner):
    archive = pack(inner / "set.tar", FILES)
    packed = bytearray(gzip.compress(archive.read_bytes()))
    packed[-6] ^= 1
    (inner / "set.tar.gz").write_bytes(packed)
    archive.unlink()
    assert_refused(inner / "set.tar.gz", "damaged", RunError)


def test_zip_that_is_longer_than_it_declares(inner):
    archive = pack(inner / "set.zip", {"a": bytes(1_000_000)})
    body = bytearray(archive.read_bytes())
    at = body.index(b"PK\x01\x02") + 24
    assert struct.unpack_from("<I", body, at) == (1_000_000,)
    struct.pack_into("<I", body, at, 10)
    archive.write_bytes(body)
    assert_refused(archive, "damaged|longer than", (InputError, RunError))


@pytest.mark.parametrize("ending", [".tar.gz", ".zip"])
def test_declared_size_beyond_the_disk(inner, ending, monkeypatch):
    archive = pack(inner / f"set{ending}", {"zeros": bytes(10_000_000)})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    assert_refused(archive, r"needs 10.0 MB but .* has 1.0 MB free", RunError)


def test_existing_folder_is_left_alone(inner):
    archive = pack(inner / "set.tar.gz", FILES)
    (inner / "set").mkdir()
    (inner / "set" / "mine").write_text("precious")
    assert_refused(archive, "exists already; move it away")
    assert (inner / "set" / "mine").read_text() == "precious"


def test_rest_of_a_killed_unpacking_is_replaced(inner):
    archive = pack(inner / "set.tar.gz", FILES)
    (inner / ".set.unpacking").mkdir()
    (inner / ".set.unpacking" / "README").write_text("half")
    unpack(archive, inner / "set")
    assert (inner / "set" / "README").read_bytes() == b""


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=st.text(st.sampled_from("ab./\\:~ \0é"), min_size=1, max_size=12))
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_any_name_lands_inside_or_nowhere(inner, name):
    archive = inner / "set.tar"
    with tarfile.open(archive, "w") as packed:
        packed.addfile(info(name, 1), io.BytesIO(b"x"))
    shutil.rmtree(inner / "set", ignore_errors=True)
    try:
        unpack(archive, inner / "set")
    except (InputError, RunError):
        assert everything_below(inner.parent) == {"botan", "botan/set.tar"}
    else:
        files = [p for p in inner.parent.rglob("*") if p.is_file() and p != archive]
        assert len(files) == 1
        assert (inner / "set") in files[0].parents
