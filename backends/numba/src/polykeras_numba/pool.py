"""The threads that help with a call.

They are Python's, which wait for runs in a queue and then work in compiled code without the interpreter's lock. One
call at a time has them; who calls meanwhile works alone, with the same bits. After `fork` the child has none and makes
its own.
"""

from __future__ import annotations

import ctypes
import functools
import sys
import threading
from queue import SimpleQueue
from typing import Protocol

from polykeras import config
from polykeras.runtime import forking
from polykeras_numba.cache import KERNELS


class Run(Protocol):
    """What threads work on: `program` is the address of a region's list, alive as long as the run."""

    program: int


class Helper:
    """A thread that works on what it is given."""

    def __init__(self, number: int):
        self.queue: SimpleQueue[Run | None] = SimpleQueue()
        self.thread = threading.Thread(target=_help, args=(self.queue,), name=f"polykeras-{number}", daemon=True)
        self.thread.start()


def _help(queue: SimpleQueue[Run | None]) -> None:
    help_with = KERNELS.function("region", "the region of a helper", "'helper'")
    while (run := queue.get()) is not None:
        help_with(run.program)
        del run  # its memory may go


class Pool:
    """Helpers, made when first wanted and kept."""

    def __init__(self) -> None:
        self.after_fork()
        forking.renew(self)

    def after_fork(self) -> None:
        """In the beginning, and in a child of `fork`: nobody is there."""
        self.taken = threading.Lock()
        self.helpers: list[Helper] = []

    def run(self, run: Run) -> bool:
        """Do the work with as many threads as the user allows; False, with nothing done, where that is one."""
        count = config.num_threads() - 1
        if count < 1 or not self.taken.acquire(blocking=False):
            return False
        try:
            if len(self.helpers) != count:
                self._hire(count)
            for helper in self.helpers:
                helper.queue.put(run)
            KERNELS.function("region", "the region of a caller", "'caller'")(run.program)
        finally:
            self.taken.release()
        return True

    def _hire(self, count: int) -> None:
        while len(self.helpers) > count:
            self.helpers.pop().queue.put(None)
        while len(self.helpers) < count:
            self.helpers.append(Helper(len(self.helpers) + 1))


@functools.cache
def yielding() -> int:
    """The address of the system's function that gives the processor to another thread; 0 where there is none."""
    if sys.platform == "win32":
        return 0
    try:
        return ctypes.cast(ctypes.CDLL(None).sched_yield, ctypes.c_void_p).value or 0
    except (OSError, AttributeError):
        return 0


POOL = Pool()
