"""Streams of batches from generators and Sequences, made ahead by threads or processes, given in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from polykeras import config
from polykeras.legacy.interfaces import warn_caller
from polykeras.utils.makers import LocalMaker, Maker, Request, describe_source
from polykeras.utils.patience import Patience, Waiter
from polykeras.utils.sequence import Sequence, is_sequence

if TYPE_CHECKING:  # threads and processes are imported when they are wanted
    from polykeras.utils.batch_processes import ProcessMaker, Shipment
    from polykeras.utils.crew import Crew, Job

__all__ = ["Ahead", "EndOfData", "Stream", "stream"]


def _configured() -> Patience:
    return Patience(limit=config.batch_timeout())


@dataclass(frozen=True)
class Ahead:
    """How batches are made before they are asked for.

    max_queue_size: at most so many.
    workers: threads or processes that make them; 0: made when asked for, by the thread that asks.
    use_multiprocessing: processes instead of threads.
    patience: how long to wait for a batch; by default `polykeras.config.batch_timeout()` is the limit.
    """

    max_queue_size: int = 10
    workers: int = 1
    use_multiprocessing: bool = False
    patience: Patience = field(default_factory=_configured)


def stream(source: Any, *, shuffle: bool = False, ahead: Ahead | None = None, seed: int | None = None) -> Stream:
    """An endless stream of a Sequence's batches, or of a generator's until it ends.

    shuffle: take a Sequence's batches in another order in each pass.
    seed: for the processes' random generators; by default drawn from NumPy's global one.
    """
    ahead = ahead or Ahead()
    if is_sequence(source):  # some have `__next__` besides
        return _SequenceStream(source, shuffle, ahead, seed)
    return _IteratorStream(source, ahead, seed)


class Stream:
    """An iterator over batches that must be closed, and may be set back to its start."""

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Any:
        raise NotImplementedError

    def rewind(self) -> None:
        """Start again with the first batch, where there is such a thing."""

    def get_state(self) -> dict[str, Any]:
        """The place in the stream: `taken`, how many batches it gave, and what else `set_state` needs."""
        raise NotImplementedError

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on where another stream of the same data was; of this one, at most one batch was taken."""
        raise NotImplementedError

    def close(self, timeout: float | None = None) -> None:
        """End the threads and processes; `timeout`: how long to wait for a thread in the user's code, in seconds."""


class _MadeAhead(Stream):
    """A stream whose batches are made by a crew, up to a number of them ahead, or at once where there is none."""

    def __init__(self, source: Any, makers: list[Maker], ahead: Ahead) -> None:
        self._source = source
        self._name = describe_source(source)
        self._waiter = Waiter(ahead.patience)
        self._crew: Crew | None = None
        if makers:
            from polykeras.utils.crew import Crew

            self._crew = Crew(makers, self._waiter)
        self._by_hand = LocalMaker(source)
        self._ahead = max(1, ahead.max_queue_size, ahead.workers)
        self._jobs: deque[Job] = deque()
        self._asked = self._taken = 0

    def _take(self) -> Any:
        """The next batch."""
        if self._crew is None:
            request = self._next_request()
            assert request is not None
            self._taken += 1
            return self._outcome(request, self._by_hand)
        while len(self._jobs) < self._ahead and (request := self._next_request()) is not None:
            self._jobs.append(self._crew.submit(request))
        job = self._jobs[0]
        if not job.future.done():
            self._waiter.wait(job.is_done, lambda: f"{job.request.of(self._name)}: {job.progress()}")
        self._jobs.popleft()
        self._taken += 1
        return self._outcome(job.request, job)

    def _outcome(self, request: Request, made_by: LocalMaker | Job) -> Any:
        try:
            return made_by.make(request) if isinstance(made_by, LocalMaker) else made_by.future.result()
        except StopIteration:
            raise self._stopped(request) from None
        except Exception as error:
            _note(error, f"raised while polykeras had {request.of(self._name)} made")
            raise
        except (SystemExit, GeneratorExit) as error:  # ends a worker, not the program
            raise RuntimeError(f"{request.of(self._name)} was not made: {type(error).__name__}: {error}") from error

    def get_state(self) -> dict[str, Any]:
        remembered = self._source.get_state() if hasattr(self._source, "get_state") else None
        return {"taken": self._taken, "source": remembered}

    def set_state(self, state: dict[str, Any]) -> None:
        if state["source"] is not None:
            self._source.set_state(state["source"])

    def _next_request(self) -> Request | None:
        """The next batch to ask for; None: not before those that were asked for are there."""
        raise NotImplementedError

    def _stopped(self, request: Request) -> Exception:
        """The error for a source that raised StopIteration."""
        raise NotImplementedError

    def _number(self) -> int:
        self._asked += 1
        return self._asked - 1

    def close(self, timeout: float | None = None) -> None:
        for job in self._jobs:
            job.future.cancel()
        self._jobs.clear()
        if self._crew is not None:
            self._crew.close(timeout)


class _SequenceStream(_MadeAhead):
    """A Sequence's batches, pass after pass, in order or shuffled."""

    def __init__(self, sequence: Any, shuffle: bool, ahead: Ahead, seed: int | None) -> None:
        if len(sequence) < 1:
            raise ValueError(f"the Sequence {type(sequence).__name__} has no batches: its length is {len(sequence)}")
        self._shipment: Shipment | None = None
        makers: list[Maker]
        if _spawns(ahead):
            from polykeras.utils.batch_processes import ProcessMaker, Shipment

            self._shipment = shipment = Shipment(sequence, _drawn(seed))
            makers = [ProcessMaker(shipment) for _ in range(ahead.workers)]
        else:
            makers = [LocalMaker(sequence) for _ in range(ahead.workers)]
        super().__init__(sequence, makers, ahead)
        self._shuffle = shuffle
        self._order: list[int] = []
        self._last = -1  # the number of the request that ends the pass

    def __next__(self) -> Any:
        batch = self._take()
        if self._taken == self._last + 1:
            self._end_pass()
        return batch

    def _end_pass(self) -> None:
        if not hasattr(self._source, "on_epoch_end"):
            return
        self._source.on_epoch_end()
        if (
            self._shipment is not None
            and getattr(type(self._source), "on_epoch_end", None) is not Sequence.on_epoch_end
        ):
            self._shipment.renew(self._source)

    def _next_request(self) -> Request | None:
        # The next pass is started only when this one is over: `on_epoch_end` may change the batches.
        if self._taken <= self._last:
            return None
        if not self._order:
            self._order = list(range(len(self._source)))[::-1]
            if self._shuffle:
                np.random.shuffle(self._order)
        request = Request(self._number(), self._order.pop())
        if not self._order:
            self._last = request.number
        return request

    def _stopped(self, request: Request) -> Exception:
        return RuntimeError(f"{self._name} raised StopIteration for {request.of(self._name)}: it should give a batch.")

    def rewind(self) -> None:
        for job in self._jobs:
            job.future.cancel()
        self._jobs.clear()
        self._order = []
        self._taken, self._last = self._asked, -1

    def get_state(self) -> dict[str, Any]:
        rest = [job.request.place for job in self._jobs] + self._order[::-1]
        seed = None if self._shipment is None else self._shipment.seed
        return {**super().get_state(), "order": rest, "seed": seed}

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self.rewind()
        self._order = state["order"][::-1]
        self._taken = self._asked = state["taken"]
        if self._shipment is not None and state["seed"] is not None:
            self._shipment.reseed(state["seed"])


class _IteratorStream(_MadeAhead):
    """A generator's batches. One thread, or one process, runs it: two could not run it at once."""

    def __init__(self, iterator: Iterator[Any], ahead: Ahead, seed: int | None) -> None:
        makers: list[Maker] = []
        if ahead.workers:
            makers = [self._process(iterator, ahead, seed) or LocalMaker(iterator)]
        super().__init__(iterator, makers, ahead)
        self._error: BaseException | None = None

    @staticmethod
    def _process(iterator: Iterator[Any], ahead: Ahead, seed: int | None) -> ProcessMaker | None:
        """The process that runs the iterator, where one is wanted and the iterator can be sent to it."""
        if not _spawns(ahead):
            return None
        if ahead.workers > 1:
            warn_caller(
                "Using a generator with `use_multiprocessing=True` and multiple workers may duplicate your data, so "
                "one process makes all batches. Please consider using the `polykeras.utils.Sequence` class.",
                UserWarning,
            )
        from polykeras.utils.batch_processes import ProcessMaker, Shipment

        try:
            return ProcessMaker(Shipment(iterator, _drawn(seed)))
        except TypeError as error:
            warn_caller(f"{error} Batches are made in a thread.", UserWarning)
            return None

    def __next__(self) -> Any:
        if self._error is not None:
            raise self._error
        try:
            return self._take()
        except Exception as error:
            if not isinstance(error, TimeoutError):
                self._error = error
            raise

    def _next_request(self) -> Request:
        return Request(self._number(), None)

    def _stopped(self, request: Request) -> Exception:
        return EndOfData(request.number)

    def set_state(self, state: dict[str, Any]) -> None:
        """A generator that cannot be told where to go on makes the batches again that were taken."""
        super().set_state(state)
        if state["source"] is None:
            while self._taken < state["taken"]:
                next(self)
        else:
            self._taken = self._asked = state["taken"]


class EndOfData(ValueError):
    """A generator ended."""

    def __init__(self, count: int) -> None:
        super().__init__(
            f"The generator ended after {count} batches, but more were asked for. A generator for training should "
            "never end; or ask for fewer steps, or use a Sequence."
        )


def _spawns(ahead: Ahead) -> bool:
    """Whether processes are wanted, and may be spawned."""
    if not (ahead.workers and ahead.use_multiprocessing):
        return False
    from polykeras.utils.main_guard import unguarded_line

    line = unguarded_line()
    if line is not None:
        warn_caller(
            "use_multiprocessing=True: batches are made in threads, for each process would run the main script again "
            f'({line}). Put what the script does under `if __name__ == "__main__":` to have processes.',
            UserWarning,
        )
    return line is None


def _drawn(seed: int | None) -> int:
    return int(np.random.randint(2**32, dtype=np.uint32)) if seed is None else seed


def _note(error: BaseException, text: str) -> None:
    if text not in getattr(error, "__notes__", ()):
        error.add_note(text)
