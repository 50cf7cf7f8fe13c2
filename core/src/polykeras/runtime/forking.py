"""After `fork`: in the child, locks that other threads of the parent held are nobody's, and would never be released."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any, Protocol

__all__ = ["reentrant_lock", "renew"]


class Renewed(Protocol):
    """What is held by threads."""

    def after_fork(self) -> None:
        """Take it from all threads but the one that there is."""


_locks: weakref.WeakSet[Any] = weakref.WeakSet()
_others: weakref.WeakSet[Renewed] = weakref.WeakSet()


def reentrant_lock() -> Any:
    """A `threading.RLock` that is free in a child of `fork`, unless the thread that forked holds it."""
    lock = threading.RLock()
    _locks.add(lock)
    return lock


def renew(owner: Renewed) -> None:
    """Have the owner's `after_fork` called in children of `fork`, as long as it lives."""
    _others.add(owner)


def _in_child() -> None:
    for lock in list(_locks):
        if not lock._is_owned():
            lock._at_fork_reinit()  # as the standard library frees its own
    for owner in list(_others):
        owner.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
