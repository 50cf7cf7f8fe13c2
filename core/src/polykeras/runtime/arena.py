"""Arenas: the memory in which programs run, shared by all programs of a backend."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from polykeras.runtime import forking

if TYPE_CHECKING:
    from polykeras.runtime.backend import Backend
    from polykeras.runtime.executable import Executable

# Concurrent calls take an arena each, up to this many; more callers wait.
LIMIT = 4


class Arena:
    """One block of memory, held during a call. It grows to the largest program that ran in it."""

    def __init__(self, backend: Backend):
        self.backend = backend
        self.lock = threading.Lock()
        self.block: Any = None
        self.nbytes = -1
        self.users: weakref.WeakSet[Executable] = weakref.WeakSet()

    def fit(self, nbytes: int) -> None:
        """Grow to `nbytes`; executables that were bound to the old block forget it."""
        if nbytes <= self.nbytes:
            return
        for user in list(self.users):
            user.unbind(self)
        self.users.clear()
        self.block = None
        self.block = self.backend.arena(max(nbytes, 1))
        self.nbytes = nbytes


class Arenas:
    """The arenas of a backend."""

    def __init__(self, backend: Backend):
        self.backend = backend
        self.all: list[Arena] = [Arena(backend)]
        self.guard = threading.Lock()
        forking.renew(self)

    def after_fork(self) -> None:
        """In the child, arenas may be held by threads that are not there, and helpers may have been at work in them."""
        self.guard = threading.Lock()
        self.all = [Arena(self.backend)]

    @contextmanager
    def hold(self) -> Iterator[Arena]:
        """A free arena, for the time of a call."""
        arena = self.acquire()
        try:
            yield arena
        finally:
            arena.lock.release()

    def acquire(self) -> Arena:
        """A free arena, locked."""
        for arena in self.all:
            if arena.lock.acquire(blocking=False):
                return arena
        with self.guard:
            if len(self.all) < LIMIT:
                arena = Arena(self.backend)
                self.all.append(arena)
                arena.lock.acquire()
                return arena
        first = self.all[threading.get_ident() % len(self.all)]
        first.lock.acquire()
        return first
