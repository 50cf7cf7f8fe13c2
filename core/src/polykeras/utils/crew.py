"""A crew of threads that make batches before they are asked for."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from typing import Any

from polykeras.legacy.interfaces import warn_caller
from polykeras.utils.makers import Maker, Request
from polykeras.utils.patience import Waiter

__all__ = ["Crew", "Job"]


class Job:
    """A batch that was asked for, and what became of it."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.future: Future[Any] = Future()
        self.maker: Maker | None = None
        self.thread: threading.Thread | None = None

    def is_done(self, seconds: float) -> bool:
        """Whether it is done, within that time."""
        try:
            self.future.exception(timeout=seconds)
        except (TimeoutError, CancelledError):
            return self.future.done()
        return True

    def progress(self) -> str:
        """Who is at it, and where, for messages."""
        if self.maker is None or self.thread is None:
            return "every worker is busy with an earlier batch"
        return self.maker.where() or f"thread {self.thread.name} is {_place(self.thread)}"


class Crew:
    """Threads, each with a maker, that do jobs in the order in which they come.

    They are daemons: one that never comes back from the user's code does not keep the interpreter from ending.
    """

    def __init__(self, makers: Sequence[Maker], waiter: Waiter) -> None:
        self._makers = makers
        self._waiter = waiter
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._started: list[Maker] = []
        self._threads: list[threading.Thread] = []
        self._closed = False

    def submit(self, request: Request) -> Job:
        """Have a batch made."""
        if not self._threads:
            self._start()
        job = Job(request)
        self._jobs.put(job)
        return job

    def _start(self) -> None:
        for maker in self._makers:
            maker.start()
            self._started.append(maker)
        self._threads = [
            threading.Thread(target=self._work, args=(maker,), name=f"batches-{number}", daemon=True)
            for number, maker in enumerate(self._makers)
        ]
        for thread in self._threads:
            thread.start()

    def _work(self, maker: Maker) -> None:
        while (job := self._jobs.get()) is not None and not self._closed:
            job.maker, job.thread = maker, threading.current_thread()
            if job.future.set_running_or_notify_cancel():
                _do(job, maker)
            del job  # while this thread waits, the batch is not its to keep

    def close(self, timeout: float | None = None) -> None:
        """End threads and processes; what is being made is lost. `timeout` in the place of `leave_after`."""
        if self._closed:
            return
        self._closed = True
        for _ in self._threads:
            self._jobs.put(None)
        for maker in self._started:
            maker.stop()
        seconds = self._waiter.patience.leave_after if timeout is None else timeout
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(timeout=max(0.0, deadline - time.monotonic()))
        for maker, thread in zip(self._started, self._threads, strict=False):
            if not thread.is_alive():
                maker.release()
        for thread in self._threads:
            if thread.is_alive():
                warn_caller(
                    f"Thread {thread.name}, which makes batches, did not end: it is {_place(thread)}. It is left to "
                    "itself and ends with this process.",
                    UserWarning,
                )


def _do(job: Job, maker: Maker) -> None:
    try:
        batch = maker.make(job.request)
    except BaseException as error:  # noqa: BLE001 - raised again by who asks for the batch
        job.future.set_exception(error)
    else:
        job.future.set_result(batch)


def _place(thread: threading.Thread) -> str:
    """`at data.py:12 in __getitem__`: the innermost line that a thread is at."""
    frame = sys._current_frames().get(thread.ident or 0)
    if frame is None:
        return "ending"
    return f"at {frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
