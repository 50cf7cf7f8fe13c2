"""Files of kernels: written at once or not at all, checked when they are read, and believed only if they are ours.

Who can write a kernel's file decides what this process runs. So nothing is read or written where the folder, or the
file, is somebody else's or may be written by others; the superuser's count as ours.

    ROOT/VERSION/NAME.py        a kernel's source, its title in the first line
    ROOT/VERSION/NAME.kernel    the same, compiled: a mark, SHA-256 of the rest, the rest
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

from polykeras.runtime.kernel_cache import Kept, KernelCache

_MARK = b"polykeras kernel 1\n"
_DIGEST = 32
_OWN = re.compile(r"[a-z0-9_]+_[0-9a-f]{20}(\.py|\.kernel)|polykeras_.*\.tmp")
_STALE = 3600.0  # seconds after which what a killed process left half written is removed
_HAS_OWNERS = hasattr(os, "geteuid")

_warned: set[Path] = set()


class Store(KernelCache):
    """The kernels of one version in a folder, beside those of others."""

    def __init__(self, root: Path, version: str):
        self.root = root
        self.folder = root / version
        self._swept = False

    # -- one kernel ----------------------------------------------------------------------------------------------

    def read(self, name: str) -> bytes | None:
        """What `write` was given; None where there is nothing, or nothing that can be believed."""
        if not self._is_ours():
            return None
        try:
            # without O_NOFOLLOW and O_NONBLOCK a planted link or pipe could be opened before it is looked at
            flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
            handle = os.open(self.folder / f"{name}.kernel", flags | getattr(os, "O_BINARY", 0))
            with open(handle, "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode) or _distrusted(status) is not None:
                    return None
                data = file.read()
        except OSError:
            return None
        start = len(_MARK) + _DIGEST
        rest = data[start:]
        return rest if data[:start] == _MARK + _digest(name, rest) else None

    def write_source(self, name: str, source: str) -> Path | None:
        """Write a kernel's source; its file, or None where it cannot be written."""
        return self._write(f"{name}.py", source.encode())

    def write(self, name: str, data: bytes) -> None:
        """Keep a kernel, if that can be done."""
        self._write(f"{name}.kernel", _MARK + _digest(name, data) + data)

    def _write(self, file: str, data: bytes) -> Path | None:
        """Written under another name first, so that a process that is killed or a full disk leave nothing half."""
        path = self.folder / file
        try:
            if not self._made():
                return None
            handle, temporary = tempfile.mkstemp(dir=self.folder, prefix="polykeras_", suffix=".tmp")
            try:
                with open(handle, "wb") as opened:
                    opened.write(data)
                os.replace(temporary, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
                raise
            self._sweep()
        except OSError:
            return None
        return path

    def _made(self) -> bool:
        """Make the folders that are not there; may kernels be kept in them?"""
        if not self.folder.is_dir():
            self.root.parent.mkdir(parents=True, exist_ok=True)
            self.root.mkdir(mode=0o700, exist_ok=True)
            if _is_ours(self.root):
                self.folder.mkdir(mode=0o700, exist_ok=True)
        return self._is_ours()

    def _sweep(self) -> None:
        """Once in a process: remove what killed ones have left."""
        if self._swept:
            return
        self._swept = True
        for path in self.folder.glob("polykeras_*.tmp"):
            with contextlib.suppress(OSError):
                if time.time() - path.lstat().st_mtime > _STALE:
                    path.unlink()

    # -- whose it is ---------------------------------------------------------------------------------------------

    def _is_ours(self) -> bool:
        """May kernels be read and written here?"""
        return _is_ours(self.root) and _is_ours(self.folder)

    def problem(self) -> str | None:
        """Why nothing can be kept here, or None. Nothing is made."""
        for folder in (self.folder, self.root):
            with contextlib.suppress(OSError):
                cause = _distrusted(folder.stat())
                if cause is not None:
                    return _distrust(folder, cause)
        there = next((path for path in (self.folder, *self.folder.parents) if os.path.exists(path)), self.folder)
        if os.path.isdir(there) and os.access(there, os.W_OK | os.X_OK):
            return None
        cause = "this process may not write in it" if os.path.isdir(there) else "it is no folder"
        return f"Kernels cannot be kept below {there}: {cause}. Name another folder by POLYKERAS_CACHE."

    # -- all of them ---------------------------------------------------------------------------------------------

    def kept(self) -> list[Kept]:
        """The kernels here, those of this version first."""
        found = []
        for folder in self._folders():
            sizes: dict[str, int] = {}
            for path in _own_files(folder):
                if path.suffix != ".tmp":
                    with contextlib.suppress(OSError):
                        sizes[path.stem] = sizes.get(path.stem, 0) + path.lstat().st_size
            found += [
                Kept(_title(folder / f"{name}.py") or name, size, folder.name, folder == self.folder)
                for name, size in sorted(sizes.items())
                if os.path.exists(folder / f"{name}.kernel")
            ]
        return found

    def clear(self, every: bool = False) -> int:
        """Remove the kernels of this version, or of all; how many. Other files stay, and links are not followed."""
        removed = 0
        for folder in self._folders():
            if not every and folder != self.folder:
                continue
            for path in list(_own_files(folder)):
                path.unlink(missing_ok=True)
                removed += path.suffix == ".kernel"
            with contextlib.suppress(OSError):  # something else lies in it
                folder.rmdir()
        return removed

    def _folders(self) -> list[Path]:
        try:
            with os.scandir(self.root) as entries:
                found = [self.root / e.name for e in entries if e.is_dir(follow_symlinks=False)]
        except OSError:
            return []
        return sorted(found, key=self._order)

    def _order(self, folder: Path) -> tuple[bool, str]:
        return folder != self.folder, folder.name


def _own_files(folder: Path) -> Iterator[Path]:
    """The files of a folder, links not among them, that a store has written."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _OWN.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                yield folder / entry.name


def _title(source: Path) -> str | None:
    try:
        with source.open(encoding="utf-8") as file:
            first = file.readline(1000).strip()
    except (OSError, ValueError):
        return None
    return first.strip('"') if first.startswith('"""') else None


def _digest(name: str, data: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + data).digest()


def _is_ours(folder: Path) -> bool:
    """May kernels be read and written in a folder? If others can, a warning says so, once."""
    try:
        cause = _distrusted(folder.stat())
    except OSError:
        return False
    if cause is not None and folder not in _warned:
        _warned.add(folder)
        warnings.warn(_distrust(folder, cause), RuntimeWarning, stacklevel=2)
    return cause is None


def _distrusted(status: os.stat_result) -> str | None:
    """Why a file or folder may hold what somebody else wrote, or None."""
    if not _HAS_OWNERS:
        return None
    if status.st_uid not in (0, os.geteuid()):
        return f"it belongs to another user (number {status.st_uid})"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "other users may write in it"
    return None


def _distrust(folder: Path, cause: str) -> str:
    return (
        f"Kernels are not loaded from {folder}, nor kept there, for {cause}: whoever writes there decides what is run. "
        f"They are compiled in memory, by each process anew. Make the folder yours alone (chmod go-w {folder}), "
        f"or name another one by POLYKERAS_CACHE."
    )
