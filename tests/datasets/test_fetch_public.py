"""The registry, and which files a recipe's words mean."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassbotan.datasets import public
from glassbotan.datasets.fetch import fetch
from glassbotan.errors import InputError

PUBLISHED = Path(__file__).parents[2] / "data" / "published"


@pytest.fixture
def mirror(tmp_path):
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "validation").symlink_to(PUBLISHED)
    return folder


def test_small_data_set_is_known_to_the_last_byte():
    files = public.public_dataset("botan-small").files
    assert len(files) == 20
    assert len({f.checksum for f in files}) == 20
    for file in files:
        assert file.checksum.startswith("sha256:")
        assert file.size in (3_248_908, 223_651)
        assert file.url.startswith("https://raw.githubusercontent.com/h3-Open-BDEC/pyg_botan/")


def test_publication_test_snapshots_are_not_listed():
    files = public.public_dataset("botan-small").files
    assert not [f for f in files if any(f"_{n}_" in f.path for n in (403, 404, 405))]


def test_every_data_set_can_be_fetched_from_somewhere():
    for dataset in public.public_datasets().values():
        assert dataset.listing or all(f.url for f in dataset.files)
        assert dataset.citation
        assert dataset.licence


def test_published_files_have_the_registered_checksums(home, mirror):
    done = fetch("botan-small", mirror=str(mirror), only=["validation/*"])
    assert done.new == 2
    assert public.resolve("botan-small/validation") == [
        home / "botan-small" / "validation" / f"isoconfig_N4096T0.44_{n}_tc07.npz"
        for n in (401, 402)
    ]


def test_data_home_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv("GLASSBOTAN_DATA", raising=False)
    monkeypatch.delenv("GLASSBOTAN_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert public.data_home() == tmp_path / "glassbotan" / "data"


def test_unfetched_part_says_what_to_do(home):
    with pytest.raises(InputError, match=r"10 of 10 files .*: glassbotan fetch botan-small$"):
        public.resolve("botan-small/train")
    with pytest.raises(InputError, match=r"glassbotan fetch glassbench$"):
        public.resolve("glassbench/KA/T0.44")


def test_half_fetched_part_is_refused(home, mirror):
    fetch("botan-small", mirror=str(mirror), only=["*_401_*"])
    with pytest.raises(InputError, match="botan-small/validation: 1 of 2 files"):
        public.dataset_files("botan-small", "validation")


def test_a_glob_among_the_listed_files_is_a_part(home, mirror):
    fetch("botan-small", mirror=str(mirror), only=["validation/*"])
    (found,) = public.resolve("botan-small/validation/*_402_*")
    assert found.name == "isoconfig_N4096T0.44_402_tc07.npz"
    with pytest.raises(InputError, match="1 of 1 files are not in"):
        public.resolve("botan-small/train/*_9_*")


def test_changed_file_is_refused_at_use(home, mirror):
    done = fetch("botan-small", mirror=str(mirror), only=["validation/*"])
    body = bytearray(done.files[1].read_bytes())
    body[100_000] ^= 1
    done.files[1].write_bytes(body)
    with pytest.raises(InputError, match=r"_402_tc07.npz is damaged or changed"):
        public.dataset_files("botan-small", "validation")


def test_unchanged_file_is_not_read_again(home, mirror, monkeypatch):
    fetch("botan-small", mirror=str(mirror), only=["validation/*"])
    monkeypatch.setattr("glassbotan.datasets.checksums.file_checksum", None)
    assert len(public.dataset_files("botan-small", "validation")) == 2


@pytest.mark.parametrize("part", ["trian", "", "train/x"])
def test_unknown_part(home, part):
    with pytest.raises(InputError, match="parts: train, validation, pretrained"):
        public.resolve(f"botan-small/{part}")


def test_unknown_data_set():
    with pytest.raises(InputError, match="'botan-large'; there are botan-small, botan, "):
        public.dataset_files("botan-large", "train")


@pytest.mark.parametrize("part", ["../other", "/etc", "a/../../x"])
def test_part_stays_in_its_folder(home, part):
    (home / "botan").mkdir(parents=True)
    with pytest.raises(InputError, match="may leave its folder"):
        public.dataset_files("botan", part)


def test_part_by_folder_and_glob(home):
    folder = home / "botan" / "public_dataset" / "T0.44"
    folder.mkdir(parents=True)
    for n in (10, 9, 1):
        (folder / f"isoconfig_{n}_tc07.npz").touch()
        (folder / f"isoconfig_{n}_tc08.npz").touch()
    found = public.resolve("botan/public_dataset/T0.44/*_tc07.npz")
    assert [p.name for p in found] == [f"isoconfig_{n}_tc07.npz" for n in (1, 9, 10)]
    assert len(public.resolve("botan/public_dataset/T0.44")) == 6
    with pytest.raises(InputError, match="no file matches"):
        public.resolve("botan/public_dataset/T0.50/*")


def test_file_folder_and_glob(tmp_path, monkeypatch):
    for name in ("s_10.npz", "s_2.npz", "notes.txt", ".s_3.npz", "s_1.extxyz", "s_4.npz.part"):
        (tmp_path / name).touch()
    (tmp_path / "sub.npz").mkdir()
    assert public.resolve(tmp_path / "notes.txt") == [tmp_path / "notes.txt"]
    names = ["s_1.extxyz", "s_2.npz", "s_10.npz"]
    assert [p.name for p in public.resolve(tmp_path)] == names
    assert [p.name for p in public.resolve(str(tmp_path / "*.npz"))] == names[1:]
    monkeypatch.chdir(tmp_path)
    assert public.resolve("s_?.npz") == [Path("s_2.npz")]


def test_what_lies_on_disk_goes_before_a_data_set(tmp_path, monkeypatch, home):
    (tmp_path / "botan-small" / "train").mkdir(parents=True)
    (tmp_path / "botan-small" / "train" / "mine.npz").touch()
    monkeypatch.chdir(tmp_path)
    assert public.resolve("botan-small/train") == [Path("botan-small/train/mine.npz")]


@pytest.mark.parametrize("words", ["nothing/here", "nowhere.npz", "*.nothing"])
def test_nothing_found(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"no such file|no file matches"):
        public.resolve(words)


def test_empty_folder(tmp_path):
    with pytest.raises(InputError, match=r"no snapshot files \(.*\.npz"):
        public.resolve(tmp_path)


def test_damaged_record(home, mirror):
    fetch("botan-small", mirror=str(mirror), only=["validation/*"])
    (home / "botan-small" / "checksums.json").write_text("[1]")
    with pytest.raises(InputError, match=r"checksums.json is damaged; remove it"):
        public.resolve("botan-small/validation")


@given(numbers=st.lists(st.integers(0, 10**6), unique=True, max_size=30))
def test_natural_order_is_by_value(numbers):
    paths = [Path(f"T0.44/isoconfig_N4096T0.44_{n}_tc07.npz") for n in numbers]
    found = [int(p.name.split("_")[2]) for p in public.natural_order(paths)]
    assert found == sorted(numbers)


@given(name=st.text(st.characters(codec="utf-8"), max_size=20) | st.text("a./\\:", max_size=10))
def test_safe_path_stays_inside_or_is_refused(name):
    try:
        path = public.safe_path(name, "test")
    except InputError:
        return
    inside = Path("/home/data/set")
    assert inside in (inside / path).parents
    assert ".." not in Path(path).parts


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": "../x"},
        {"path": "/etc/x"},
        {"path": ""},
        {"path": "checksums.json"},
        {"path": "a.npz.part"},
        {"url": "file:///etc/passwd"},
        {"url": "ftp://host/x"},
        {"checksum": "abc"},
        {"size": -1},
        {"size": "many"},
    ],
    ids=str,
)
def test_unsafe_registry_is_refused(wrong):
    file = {"path": "a.npz", "url": "https://host/a.npz", "checksum": None, "size": None} | wrong
    entry = {"title": "", "citation": "", "licence": "", "doi": "", "page": "", "files": [file]}
    with pytest.raises(InputError, match="registry"):
        public.parse_registry(json.dumps({"set": entry}), "registry")
