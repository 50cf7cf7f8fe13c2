"""Files that are whole at every moment: the old content or the new, never half of either."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def ensure_writable(path: str | os.PathLike[str]) -> Path:
    """The file that writing to ``path`` will replace; OSError, naming the path, if that cannot work.

    Links are followed, so that saving through a link renews the file behind it. Nothing stays on disk.
    """
    target = Path(os.path.realpath(path))
    _create_beside(target, os.fspath(path)).unlink()
    return target


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary file to write; when the block ends well it takes the place of ``path``.

    It lies in the same directory, reaches the disk before it is renamed, and the rename reaches the disk before the
    block is left. Where the process dies inside, ``path`` is untouched and ``.NAME.*.tmp`` remains beside it.
    An error in the block removes the temporary file.
    """
    target = Path(os.path.realpath(path))
    temporary = _create_beside(target, os.fspath(path))
    try:
        yield temporary
        with suppress(FileNotFoundError):
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        _sync(temporary)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync(target.parent)


def _create_beside(target: Path, asked: str) -> Path:
    if target.is_dir():
        raise IsADirectoryError(f"Cannot save to {asked!r}: it is a directory.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"Cannot save to {asked!r}: there is no directory {os.fspath(target.parent)!r}.")
    temporary = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}.tmp")
    try:
        # The kernel applies the umask here, so the new file gets the permissions any new file would.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
    except OSError as error:
        raise type(error)(error.errno, f"Cannot save to {asked!r}: {error.strerror}") from error
    return temporary


def _sync(path: Path) -> None:
    """Wait until a file's bytes, or a directory's entries, are on the disk."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # Windows opens no directories; there the rename itself is journalled.
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
