"""Threads of Python that call models at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["at_once"]


def at_once(work: Callable[[int], None], threads: int) -> float:
    """Run `work(number)` in so many threads that begin together; the seconds until the last one has ended."""
    barrier = threading.Barrier(threads + 1)

    def begin(number: int) -> None:
        barrier.wait()
        work(number)

    workers = [threading.Thread(target=begin, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    barrier.wait()
    start = time.perf_counter()
    for worker in workers:
        worker.join()
    return time.perf_counter() - start
