"""Keras's enqueuers: streams of batches to start, read and stop by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from polykeras.legacy.interfaces import warn_caller
from polykeras.utils.streams import Ahead, EndOfData, Stream, stream

__all__ = ["GeneratorEnqueuer", "OrderedEnqueuer", "SequenceEnqueuer"]


class SequenceEnqueuer:
    """Makes batches ahead of time.

        enqueuer = OrderedEnqueuer(rows)
        enqueuer.start(workers=2)
        batches = enqueuer.get()
        x, y = next(batches)
        enqueuer.stop()

    sequence: where the batches come from.
    use_multiprocessing: make them in processes, not in threads.
    """

    _shuffle = False
    _seed: int | None = None

    def __init__(self, sequence: Any, use_multiprocessing: bool = False) -> None:
        self.sequence = sequence
        self.use_multiprocessing = use_multiprocessing
        self._stream: Stream | None = None

    def is_running(self) -> bool:
        """Whether it was started and not yet stopped."""
        return self._stream is not None

    def start(self, workers: int = 1, max_queue_size: int = 10) -> None:
        """Begin to make batches: in so many threads or processes, at most `max_queue_size` of them ahead."""
        if self._stream is not None:
            raise RuntimeError(f"This {type(self).__name__} runs already; call stop() before it is started again.")
        ahead = Ahead(max_queue_size, workers, self.use_multiprocessing)
        self._stream = stream(self.sequence, shuffle=self._shuffle, ahead=ahead, seed=self._seed)

    def stop(self, timeout: float | None = None) -> None:
        """End the threads and processes.

        timeout: seconds to wait for a thread in the user's code, before it is left to itself.
        """
        if self._stream is not None:
            found, self._stream = self._stream, None
            found.close(timeout)

    def get(self) -> Iterator[Any]:
        """The batches, one after the other, until `stop` is called."""
        raise NotImplementedError(f"{type(self).__name__} must define get(self)")

    def _batches(self) -> Iterator[Any]:
        while self._stream is not None:
            try:
                batch = next(self._stream)
            except EndOfData:
                return
            except BaseException:
                self.stop()
                raise
            yield batch


class OrderedEnqueuer(SequenceEnqueuer):
    """Makes a `Sequence`'s batches ahead, pass after pass, and gives them in order.

    shuffle: in another order in each pass.
    """

    def __init__(self, sequence: Any, use_multiprocessing: bool = False, shuffle: bool = False) -> None:
        super().__init__(sequence, use_multiprocessing)
        self.shuffle = self._shuffle = shuffle

    def get(self) -> Iterator[Any]:
        """The batches in order, without end, until `stop` is called."""
        return self._batches()


class GeneratorEnqueuer(SequenceEnqueuer):
    """Makes a generator's batches ahead, and gives them in its order.

    wait_time: has no effect, as in Keras 2.2.4; a DeprecationWarning says so.
    random_seed: seeds the random generators of the process that runs the generator.
    """

    def __init__(
        self,
        sequence: Any,
        use_multiprocessing: bool = False,
        wait_time: float | None = None,
        random_seed: int | None = None,
    ) -> None:
        super().__init__(sequence, use_multiprocessing)
        self.random_seed = self._seed = random_seed
        if wait_time is not None:
            warn_caller("`wait_time` is not used anymore: batches are waited for, not asked for again and again.")

    def get(self) -> Iterator[Any]:
        """The batches in the generator's order, until it ends or `stop` is called."""
        return self._batches()
