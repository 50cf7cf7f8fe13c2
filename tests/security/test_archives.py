"""Archives that were made to do harm are refused, and leave nothing."""

import io
import os
import stat
import tarfile
import zipfile

import pytest

from polykeras.utils import archives
from polykeras.utils.archives import UnsafeArchiveError, extract


@pytest.fixture
def folder(tmp_path):
    """Where archives are unpacked; beside it, what they must not touch."""
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "secret").write_text("secret")
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def entry(name, kind=tarfile.REGTYPE, link="", content=b"evil"):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = len(content) if kind == tarfile.REGTYPE else 0
    return info, content


def tar(path, *entries):
    with tarfile.open(path, "w:gz") as archive:
        for info, content in (entry("first", content=b"good"), *entries):
            archive.addfile(info, io.BytesIO(content))
    return path


def zipped(path, *entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, content in (("first", b"good"), *entries):
            archive.writestr(info, content)
    return path


NAMES = ["../victim/secret", "/tmp/polykeras-evil", "a/../../victim/secret", "..", "..\\victim\\secret", "C:\\evil"]


@pytest.mark.parametrize("name", NAMES)
def test_names_outside(folder, tmp_path, name):
    for archive in (tar(tmp_path / "a.tar", entry(name)), zipped(tmp_path / "a.zip", (name, b"evil"))):
        with pytest.raises(UnsafeArchiveError, match="names a place outside"):
            extract(archive, folder)
    assert list(folder.iterdir()) == [] and (tmp_path / "victim" / "secret").read_text() == "secret"


@pytest.mark.parametrize(
    "entries",
    [
        [entry("link", tarfile.SYMTYPE, "../victim")],
        [entry("link", tarfile.SYMTYPE, "../victim"), entry("link/secret")],
        [entry("link", tarfile.LNKTYPE, "../victim/secret")],
        [entry("link", tarfile.SYMTYPE, "first")],
        [entry("device", tarfile.CHRTYPE)],
        [entry("device", tarfile.BLKTYPE)],
        [entry("pipe", tarfile.FIFOTYPE)],
    ],
    ids=["symlink", "through a symlink", "hard link", "symlink inside", "character device", "block device", "pipe"],
)
def test_links_and_devices_in_tar(folder, tmp_path, entries):
    with pytest.raises(UnsafeArchiveError, match="is a link to|neither a file nor a folder"):
        extract(tar(tmp_path / "a.tar", *entries), folder)
    assert list(folder.iterdir()) == [] and (tmp_path / "victim" / "secret").read_text() == "secret"


def test_names_that_are_too_long(folder, tmp_path):
    for name in ("x" * 5000, "/".join(["x" * 200] * 40)):
        with pytest.raises(OSError, match="name too long"):
            extract(tar(tmp_path / "a.tar", entry(name)), folder)
    assert list(folder.iterdir()) == []


def test_links_in_zip(folder, tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(UnsafeArchiveError, match="'link' is a link"):
        extract(zipped(tmp_path / "a.zip", (link, b"../victim"), ("link/secret", b"evil")), folder)
    assert list(folder.iterdir()) == []


def test_a_link_that_lies_there_already_is_not_followed(folder, tmp_path):
    (folder / "data").symlink_to(tmp_path / "victim", target_is_directory=True)
    with pytest.raises(UnsafeArchiveError, match="leads out of"):
        extract(tar(tmp_path / "a.tar", entry("data/secret")), folder)
    assert (tmp_path / "victim" / "secret").read_text() == "secret"


def test_bombs(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "GIB", 100_000)
    zeros = b"\0" * 1_000_000
    for archive in (tar(tmp_path / "a.tar", entry("bomb", content=zeros)), zipped(tmp_path / "a.zip", ("bomb", zeros))):
        with pytest.raises(UnsafeArchiveError, match="unpacks to more than"):
            extract(archive, folder)
    many = [entry(f"{i}", content=b"\0" * 10_000) for i in range(100)]
    with pytest.raises(UnsafeArchiveError, match="unpacks to more than"):
        extract(tar(tmp_path / "b.tar", *many), folder)
    assert list(folder.iterdir()) == []


def test_too_many_members(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MEMBERS", 10)
    archive = tar(tmp_path / "a.tar", *[entry(f"{i:03}", content=b"") for i in range(200)])
    with pytest.raises(UnsafeArchiveError, match="more than \\d+ members"):
        extract(archive, folder)


def test_lying_sizes_in_zip(folder, tmp_path):
    archive = zipped(tmp_path / "a.zip", ("data", b"x" * 1000))
    content = bytearray(archive.read_bytes())
    place = content.rindex(b"PK\x01\x02")
    content[place + 24 : place + 28] = (5).to_bytes(4, "little")
    archive.write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        extract(archive, folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("make, name", [(tar, "a.tar"), (zipped, "a.zip")])
def test_damaged_archives(folder, tmp_path, make, name):
    noise = os.urandom(5000)
    archive = make(tmp_path / name, *([entry("data", content=noise)] if make is tar else [("data", noise)]))
    content = bytearray(archive.read_bytes())
    content[2000:2050] = bytes(50)
    archive.write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        extract(archive, folder)
    assert list(folder.iterdir()) == []


def test_what_is_good_is_unpacked(folder, tmp_path):
    (folder / "set").mkdir()
    (folder / "set" / "old").write_bytes(b"old")
    (folder / "set" / "data").write_bytes(b"old")
    entries = [
        entry("./set/data", content=b"new"),
        entry("set/deep/er/data", content=b"x"),
        entry("empty", tarfile.DIRTYPE),
    ]
    assert extract(tar(tmp_path / "a.tar", *entries), folder, "tar")
    expected = {"first": b"good", "set/old": b"old", "set/data": b"new", "set/deep/er/data": b"x"}
    assert tree(folder) == expected and (folder / "empty").is_dir()
    assert not list(folder.glob(".*"))


def test_other_formats_are_left_alone(folder, tmp_path):
    archive = tar(tmp_path / "a.tar")
    assert not extract(archive, folder, "zip")
    assert not extract(archive, folder, None)
    assert list(folder.iterdir()) == []
