"""Data in batches: `Sequence`, and streams that make batches ahead of time in threads."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from polykeras.legacy.interfaces import warn_caller


class Sequence:
    """Batches by number: a dataset that several threads may read, each batch once per epoch.

    class Rows(Sequence):
        def __init__(self, x, y, size):
            self.x, self.y, self.size = x, y, size

        def __len__(self):
            return -(-len(self.x) // self.size)

        def __getitem__(self, index):
            rows = slice(index * self.size, (index + 1) * self.size)
            return self.x[rows], self.y[rows]
    """

    def __getitem__(self, index: int) -> Any:
        """Batch number `index`."""
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(self, index)")

    def __len__(self) -> int:
        """The number of batches."""
        raise NotImplementedError(f"{type(self).__name__} must define __len__(self)")

    def on_epoch_end(self) -> None:
        """Called after each pass over the batches."""

    def __iter__(self) -> Iterator[Any]:
        """The batches of one pass, in order."""
        for index in range(len(self)):
            yield self[index]


@dataclass(frozen=True)
class Ahead:
    """How batches are made before they are asked for.

    max_queue_size: at most so many.
    workers: threads that make them; 0: made when asked for.
    use_multiprocessing: threads are used all the same, with a UserWarning.
    """

    max_queue_size: int = 10
    workers: int = 1
    use_multiprocessing: bool = False


def stream(source: Any, *, shuffle: bool, ahead: Ahead) -> Stream:
    """An endless stream of a Sequence's batches, or of a generator's until it ends."""
    if ahead.use_multiprocessing:
        warn_caller("use_multiprocessing: batches are made in threads, not in processes.", UserWarning)
    size = max(1, ahead.max_queue_size)
    if hasattr(source, "__next__"):
        return _ThreadedGenerator(source, size) if ahead.workers else _PlainGenerator(source)
    return _SequenceStream(source, shuffle, ahead.workers, size)


class Stream:
    """An iterator over batches that must be closed, and may be set back to its start."""

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Any:
        raise NotImplementedError

    def rewind(self) -> None:
        """Start again with the first batch, where there is such a thing."""

    def close(self) -> None:
        """End the threads."""


class _SequenceStream(Stream):
    """A Sequence's batches, pass after pass, in order or shuffled; made by threads, given in order."""

    def __init__(self, sequence: Any, shuffle: bool, workers: int, ahead: int) -> None:
        self._sequence = sequence
        self._shuffle = shuffle
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="batches") if workers else None
        self._ahead = max(ahead, workers)
        self._started: deque[tuple[Future[Any], bool]] = deque()  # with: is it the last of its pass?
        self._order: list[int] = []
        if len(sequence) < 1:
            raise ValueError(f"the Sequence {type(sequence).__name__} has no batches: its length is {len(sequence)}")

    def __next__(self) -> Any:
        if self._pool is None:
            index, last = self._next_index()
            batch = self._sequence[index]
        else:
            # The next pass is started only when this one is over: `on_epoch_end` may change the batches.
            while len(self._started) < self._ahead and not (self._started and self._started[-1][1]):
                index, last = self._next_index()
                self._started.append((self._pool.submit(self._sequence.__getitem__, index), last))
            future, last = self._started.popleft()
            batch = future.result()
        if last and hasattr(self._sequence, "on_epoch_end"):
            self._sequence.on_epoch_end()
        return batch

    def _next_index(self) -> tuple[int, bool]:
        if not self._order:
            self._order = list(range(len(self._sequence)))[::-1]
            if self._shuffle:
                np.random.shuffle(self._order)
        index = self._order.pop()
        return index, not self._order

    def rewind(self) -> None:
        for future, _ in self._started:
            future.cancel()
        self._started.clear()
        self._order = []

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


class _PlainGenerator(Stream):
    """A generator's batches, made when asked for."""

    def __init__(self, generator: Iterator[Any]) -> None:
        self._generator = generator
        self._given = 0

    def __next__(self) -> Any:
        try:
            batch = next(self._generator)
        except StopIteration:
            raise _ended(self._given) from None
        self._given += 1
        return batch


class _End:
    """Put after a generator's last batch; `error` is what ended it."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class _ThreadedGenerator(Stream):
    """A generator's batches, made ahead by one thread: two could not run it at once anyway."""

    def __init__(self, generator: Iterator[Any], ahead: int) -> None:
        self._generator = generator
        self._made: queue.Queue[Any] = queue.Queue(ahead)
        self._closed = threading.Event()
        self._given = 0
        self._end: _End | None = None
        self._thread = threading.Thread(target=self._work, name="batches", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while not self._closed.is_set():
            try:
                batch = next(self._generator)
            except StopIteration:
                batch = _End(_ended(self._given + self._made.qsize()))
            except BaseException as error:  # noqa: BLE001 - handed to the thread that asks for the batch
                batch = _End(error)
            while not self._closed.is_set():
                try:
                    self._made.put(batch, timeout=0.1)
                    break
                except queue.Full:
                    continue
            if isinstance(batch, _End):
                return

    def __next__(self) -> Any:
        batch = self._end or self._made.get()
        if isinstance(batch, _End):
            self._end = batch
            raise batch.error
        self._given += 1
        return batch

    def close(self) -> None:
        self._closed.set()
        self._thread.join(timeout=1)  # one that hangs in the user's generator ends with the process


def _ended(count: int) -> ValueError:
    return ValueError(
        f"The generator ended after {count} batches, but more were asked for. A generator for training should never "
        "end; or ask for fewer steps, or use a Sequence."
    )
