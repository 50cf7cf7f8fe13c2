"""Locks in a child of `fork`.

A child has one thread, the one that called `fork`. What other threads had locked would stay locked in it for ever, so
that it would hang at its first prediction. Here such locks are made anew.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Protocol


class Renewable(Protocol):
    """What `renew` is called of in a child of `fork`."""

    def renew(self) -> None: ...


_known: weakref.WeakSet[Any] = weakref.WeakSet()


def in_child(renewable: Renewable) -> None:
    """Call the object's `renew` in every child; the object is held weakly."""
    _known.add(renewable)


class Lock:
    """A re-entrant lock that is free in a child, unless the thread that forked holds it."""

    def __init__(self) -> None:
        self._lock: Any = threading.RLock()
        in_child(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *exc: object) -> None:
        self._lock.release()

    def renew(self) -> None:
        if not self._lock._is_owned():
            self._lock = threading.RLock()


def _renew_all() -> None:
    for renewable in list(_known):
        renewable.renew()


_register: Callable[..., None] | None = getattr(os, "register_at_fork", None)
if _register is not None:
    _register(after_in_child=_renew_all)
