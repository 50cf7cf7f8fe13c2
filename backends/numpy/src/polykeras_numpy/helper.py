"""A second thread for large elementwise work: NumPy's ufuncs let go of the interpreter while they compute."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from polykeras_numpy import threads

_free = threading.Lock()
_pool: ThreadPoolExecutor | None = None


def available() -> bool:
    """May this process use a second thread? As many as BLAS may use are allowed."""
    return threads.most() > 1


def run_both(first: Callable[[], None], second: Callable[[], None]) -> None:
    """Both at once; one after the other while the second thread works for somebody else.

    They must not write what the other reads or writes, so that the order makes no difference.
    """
    if not _free.acquire(blocking=False):
        first()
        second()
        return
    try:
        running = _worker().submit(_silently, second)
        try:
            first()
        finally:
            running.result()  # also after an interrupt: the arrays are not free before
    finally:
        _free.release()


def _worker() -> ThreadPoolExecutor:
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(1, thread_name_prefix="polykeras")
    return _pool


def _silently(work: Callable[[], None]) -> None:
    """What NumPy says of floating-point exceptions is a setting of each thread."""
    with np.errstate(all="ignore"):
        work()


def _forget() -> None:
    """A forked process has the pool, but not its thread."""
    global _pool, _free
    _pool, _free = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
