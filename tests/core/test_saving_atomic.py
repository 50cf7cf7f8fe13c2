"""A file that is being written is at every moment the old one or the new one."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from polykeras.saving.atomic import ensure_writable, replacing


def write(path, text):
    with replacing(path) as temporary:
        temporary.write_text(text)


def test_new_and_replaced_files(tmp_path):
    path = tmp_path / "model.h5"
    write(path, "one")
    assert path.read_text() == "one"
    write(path, "two")
    assert path.read_text() == "two"
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.h5"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "model.h5"
    write(path, "old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.h5"]


@pytest.mark.parametrize("death", ["before the rename", "while writing", "killed"])
def test_a_process_that_dies_leaves_the_old_file(tmp_path, death):
    path = tmp_path / "model.h5"
    write(path, "old")
    done = subprocess.run([sys.executable, "-c", DYING, os.fspath(path), death], timeout=60, check=False)
    assert done.returncode == (-signal.SIGKILL if death == "killed" else 7)
    assert path.read_text() == "old"
    write(path, "new")
    assert path.read_text() == "new"


DYING = """
import os, signal, sys
from pathlib import Path
from polykeras.saving import atomic

path, death = sys.argv[1:]
if death == "before the rename":
    Path.replace = lambda self, target: os._exit(7)
with atomic.replacing(path) as temporary:
    with open(temporary, "wb") as file:
        file.write(bytes(1 << 20))
        file.flush()
        if death == "while writing":
            os._exit(7)
        if death == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        file.write(bytes(1 << 20))
"""


def test_the_bytes_are_on_the_disk_before_the_rename(tmp_path, monkeypatch):
    path = tmp_path / "model.h5"
    acts = []
    sync, rename = os.fsync, Path.replace

    def noted_sync(descriptor):
        acts.append("directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    def noted_rename(self, target):
        acts.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_rename)
    write(path, "x")
    assert acts == ["file", "rename", "directory"]


def test_links_and_permissions_stay(tmp_path):
    real, link = tmp_path / "real.h5", tmp_path / "link.h5"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_text("")
    write(tmp_path / "model.h5", "x")
    assert (tmp_path / "model.h5").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_paths_that_cannot_be_written_are_named_at_once(tmp_path):
    def fail(path, kind, word):
        with pytest.raises(kind, match=word) as caught, replacing(path):
            pytest.fail("the block must not be entered")
        assert os.fspath(path) in str(caught.value)
        with pytest.raises(kind, match=word):
            ensure_writable(path)

    fail(tmp_path, IsADirectoryError, "directory")
    fail(tmp_path / "no" / "such" / "model.h5", FileNotFoundError, "there is no directory")
    fail("/proc/model.h5", OSError, "Cannot save to '/proc/model.h5'")


def test_ensure_writable_leaves_nothing(tmp_path):
    assert ensure_writable(tmp_path / "model.h5") == tmp_path / "model.h5"
    assert list(tmp_path.iterdir()) == []
