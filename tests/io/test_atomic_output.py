"""A file is replaced whole or stays as it was, and nothing is left beside it."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from conftest import random_snapshot
from glassbotan import io
from glassbotan.dynamics import Motion
from glassbotan.errors import InputError, RunError
from glassbotan.io import atomic_output

MOTION = Motion(random_snapshot(20), np.array([1.0]), {"propensity": np.ones((1, 20))})
SUFFIXES = [".npz", ".xyz", ".csv", ".dump", ".gsd"]


def refuse(number):
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_it_replaces_and_leaves_nothing_beside(tmp_path):
    target = tmp_path / "a.T0.44.npz"
    target.write_text("old")
    with atomic_output(target) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".npz"
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failing_block_leaves_the_old_file(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def write_half() -> None:
        with atomic_output(target) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch, number, suffix):
    target = tmp_path / f"m{suffix}"
    io.write(target, MOTION)
    before = target.read_bytes()
    monkeypatch.setattr(os, "fsync", refuse(number))
    with pytest.raises(RunError, match=r"full.*existing file is left"):
        io.write(target, MOTION, provenance={"new": True})
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("suffix", [".xyz", ".csv", ".npz", ".dump"])
def test_a_disk_that_fills_while_writing_is_a_run_error(tmp_path, monkeypatch, suffix):
    target = tmp_path / f"m{suffix}"
    target.write_text("old")
    real_open = Path.open

    def open_full(path, mode="r", **options):
        # /dev/full takes every write and answers that no space is left.
        return real_open(Path("/dev/full") if "w" in mode else path, mode, **options)

    monkeypatch.setattr(Path, "open", open_full)
    with pytest.raises(RunError, match="full"):
        io.write(target, MOTION)
    monkeypatch.undo()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failing_disk_is_a_run_error(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", refuse(errno.EIO))
    with pytest.raises(RunError, match="not written"), atomic_output(tmp_path / "a"):
        pass


def test_a_folder_without_permission_is_an_input_error(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "open", refuse(errno.EACCES))
    with pytest.raises(InputError, match="cannot be written"), atomic_output(tmp_path / "a"):
        pytest.fail("the block must not run")


@pytest.mark.parametrize("name", ["missing/a.xyz", ".", "/dev/null"])
def test_targets_that_no_file_can_take_are_refused(tmp_path, name):
    with pytest.raises(InputError, match="cannot be written"), atomic_output(tmp_path / name):
        pytest.fail("the block must not run")


def test_errors_about_other_files_pass_through(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_output(tmp_path / "a"):
        (tmp_path / "no such input").read_text()
    assert not list(tmp_path.iterdir())


def test_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    link.symlink_to(real)
    with atomic_output(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_permissions_are_the_usual_or_the_old_ones(tmp_path):
    target = tmp_path / "a"
    umask = os.umask(0o022)
    try:
        with atomic_output(target):
            pass
        assert target.stat().st_mode & 0o777 == 0o644
        target.chmod(0o640)
        with atomic_output(target):
            pass
        assert target.stat().st_mode & 0o777 == 0o640
    finally:
        os.umask(umask)
