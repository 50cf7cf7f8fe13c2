"""How much a file may ask of the process that loads it.

A model file is small text and weights, yet a few forged bytes in it can claim terabytes. Everything that reads files
draws on these limits; they are wide enough for every real model and can be widened for one that is not::

    with limits(text_bytes=200 * MIB):
        model = load_model("huge.h5")
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from polykeras.saving.safety import UnsafeFileError

MIB = 1 << 20
GIB = 1 << 30

EXPANSION = 32
"""Bytes in memory per byte of file. Stored plainly the ratio is 1; compressed, with slots of zeros, it reaches 4."""


@dataclass(frozen=True)
class Limits:
    """Bounds on one load. ``total_bytes=None`` means: 1 GiB, or 32 times the file's size where that is more."""

    total_bytes: int | None = None
    text_bytes: int = 16 * MIB
    depth: int = 100
    entries: int = 1_000_000


_DEFAULT = Limits()
_current: ContextVar[Limits] = ContextVar("polykeras_load_limits", default=_DEFAULT)


def current_limits() -> Limits:
    """The limits in force in this thread or task."""
    return _current.get()


@contextmanager
def limits(**changes: int | None) -> Iterator[Limits]:
    """Change limits for the loads inside the block; only the thread or task that opened it is affected."""
    changed = replace(current_limits(), **changes)  # type: ignore[arg-type]
    token = _current.set(changed)
    try:
        yield changed
    finally:
        _current.reset(token)


class Budget:
    """The bytes that one load may still allocate."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.left = total

    @classmethod
    def for_file(cls, stored_bytes: int) -> Budget:
        """The budget that the limits in force give to a file of this size."""
        total = current_limits().total_bytes
        return cls(max(GIB, EXPANSION * stored_bytes) if total is None else total)

    def require(self, nbytes: int, what: str) -> None:
        """Refuse where ``nbytes``, needed for a while, are more than what is left."""
        if nbytes > self.left:
            raise UnsafeFileError(
                f"{what} needs {nbytes:,} bytes; {self.left:,} are left of the {self.total:,} that this load may take. "
                "If you trust the file, load it inside `polykeras.saving.limits(total_bytes=...)`."
            )

    def charge(self, nbytes: int, what: str) -> None:
        """Take ``nbytes`` before they are allocated for good."""
        self.require(nbytes, what)
        self.left -= nbytes
