"""Unpacking archives that come from strangers: all inside one folder, plain files only, within a limit.

Members are read by name and written by this module's own code. An archive that names a place outside the folder, holds
a link or a device, or unpacks to far more than it weighs, is refused as a whole: nothing of it stays.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any, NamedTuple

__all__ = ["UnsafeArchiveError", "extract"]

GIB = 1 << 30
CHUNK = 1 << 20
TAIL = 16 * CHUNK  # what may follow a tar archive's last member; it is usually 10 KiB
BLOW_UP = 200
"""An archive may unpack to 1 GiB, or to this many times its own size: texts shrink tenfold, bombs a thousandfold."""
MEMBERS = 100_000
"""An archive may hold so many members, or one for each 32 bytes of its own size."""

Formats = str | Sequence[str] | None


class UnsafeArchiveError(ValueError):
    """An archive that would write where it should not, or too much."""


class _Member(NamedTuple):
    name: str
    is_folder: bool
    refused: str | None  # why it may not be unpacked, if so
    content: IO[bytes] | None


def extract(path: str | os.PathLike[str], folder: str | os.PathLike[str], formats: Formats = "auto") -> bool:
    """Unpack an archive into `folder`; False where it is of none of the `formats`.

    formats: "tar" (compressed or not), "zip", a list of them, "auto" for both, None for none.

    Raises UnsafeArchiveError, and leaves the folder as it was, for an archive that is not safe to unpack; ValueError
    for an unknown format and for a damaged archive.
    """
    archive, target = Path(path), Path(folder)
    members = _opened(archive, _named(formats))
    if members is None:
        return False
    with tempfile.TemporaryDirectory(prefix=f".{archive.name[:100]}.", dir=target) as temporary:
        with closing(members):
            _unpack(archive, members, Path(temporary))
        _move(Path(temporary), target)
    return True


def _named(formats: Formats) -> list[str]:
    if not formats:
        return []
    names = ["tar", "zip"] if formats == "auto" else [formats] if isinstance(formats, str) else list(formats)
    for name in names:
        if name not in _READERS:
            raise ValueError(
                f"Unknown archive_format: {name!r}. Expected 'tar', 'zip', a list of them, 'auto' or None."
            )
    return names


def _opened(archive: Path, formats: Sequence[str]) -> Any:
    """The members of an archive, or None."""
    import tarfile
    import zipfile

    fits = {"tar": tarfile.is_tarfile, "zip": zipfile.is_zipfile}
    return next((_READERS[name](archive) for name in formats if fits[name](archive)), None)


def _tar_members(archive: Path) -> Iterator[_Member]:
    import tarfile

    with tarfile.open(archive) as file:
        for entry in file:
            refused = None
            if entry.issym() or entry.islnk():
                refused = f"is a link to {entry.linkname!r}"
            elif not (entry.isreg() or entry.isdir()):
                refused = "is neither a file nor a folder"
            elif entry.size < 0:
                refused = f"claims a size of {entry.size} bytes"
            plain = refused is None and entry.isreg()
            yield _Member(entry.name, entry.isdir(), refused, file.extractfile(entry) if plain else None)
        if file.fileobj is not None:  # to the end of the compressed data, where their checksum is
            for _ in range(TAIL // CHUNK):
                if not file.fileobj.read(CHUNK):
                    break


def _zip_members(archive: Path) -> Iterator[_Member]:
    import zipfile

    with zipfile.ZipFile(archive) as file:
        for entry in file.infolist():
            kind = stat.S_IFMT(entry.external_attr >> 16)
            refused = None
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                refused = "is a link" if kind == stat.S_IFLNK else "is neither a file nor a folder"
            elif entry.flag_bits & 1:
                refused = "is encrypted"
            plain = refused is None and not entry.is_dir()
            yield _Member(entry.filename, entry.is_dir(), refused, file.open(entry) if plain else None)


_READERS = {"tar": _tar_members, "zip": _zip_members}


def _unpack(archive: Path, members: Iterator[_Member], folder: Path) -> None:
    """Write the members into an empty folder."""
    size = archive.stat().st_size
    left = max(GIB, BLOW_UP * size)
    most = max(MEMBERS, size // 32)
    try:
        for count, member in enumerate(members):
            if count >= most:
                raise UnsafeArchiveError(f"{archive}: it holds more than {most} members.")
            target = folder.joinpath(*_parts(archive, member))
            if member.is_folder:
                target.mkdir(parents=True, exist_ok=True)
                continue
            assert member.content is not None
            target.parent.mkdir(parents=True, exist_ok=True)
            with member.content as content, target.open("wb") as file:
                left = _copy(content, file, left, archive)
    except UnsafeArchiveError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, FileExistsError):
            raise  # the disk's, not the archive's
        raise ValueError(f"{archive}: cannot be unpacked, it is damaged: {type(error).__name__}: {error}") from error


def _parts(archive: Path, member: _Member) -> tuple[str, ...]:
    """The parts of a member's name, below the folder."""
    if member.refused:
        raise UnsafeArchiveError(f"{archive}: {member.name!r} {member.refused}. Nothing was unpacked.")
    path = PurePosixPath(member.name.replace("\\", "/"))
    parts = tuple(part for part in path.parts if part != ".")
    if path.is_absolute() or PureWindowsPath(member.name).drive or ".." in parts or "\0" in member.name:
        raise UnsafeArchiveError(f"{archive}: {member.name!r} names a place outside its folder. Nothing was unpacked.")
    return parts


def _copy(content: IO[bytes], file: IO[bytes], left: int, archive: Path) -> int:
    """Copy all bytes; what is left of the limit."""
    while chunk := content.read(CHUNK):
        left -= len(chunk)
        if left < 0:
            raise UnsafeArchiveError(
                f"{archive}: it unpacks to more than 1 GiB, and to more than {BLOW_UP} times its own size. Nothing was "
                "unpacked."
            )
        file.write(chunk)
    return left


def _move(source: Path, target: Path) -> None:
    """Move all that lies in a folder into another, over files of the same names."""
    root = os.path.realpath(target)
    for place, folders, files in os.walk(source):
        there = target / Path(place).relative_to(source)
        if os.path.commonpath([root, os.path.realpath(there)]) != root:
            raise UnsafeArchiveError(f"{there} is a link that leads out of {target}; nothing is written through it.")
        there.mkdir(exist_ok=True)
        for name in list(folders):
            if not os.path.lexists(there / name):  # all of it is new: one rename
                Path(place, name).rename(there / name)
                folders.remove(name)
        for name in files:
            if (there / name).is_dir() and not (there / name).is_symlink():
                shutil.rmtree(there / name)
            Path(place, name).replace(there / name)
