"""Who makes batches, and which one is to be made."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from polykeras.utils.sequence import is_sequence

__all__ = ["LocalMaker", "Maker", "Request", "describe_source", "made"]


class Request(NamedTuple):
    """Which batch: its number, counted from 0 over the whole stream, and its place in a Sequence (None: the next)."""

    number: int
    place: int | None

    def of(self, source: str) -> str:
        """For messages: `batch 3 of the Sequence Rows`."""
        return f"batch {self.number if self.place is None else self.place} of {source}"


class Maker(Protocol):
    """Makes batches, one at a time: `start`, then `make` in a thread of its own, then `stop` and `release`."""

    def start(self) -> None:
        """Get ready, in the thread that owns the stream."""

    def make(self, request: Request) -> Any:
        """The batch; what the source raises is raised."""

    def where(self) -> str:
        """Who is at work, for messages; empty where a thread's own stack tells it."""

    def stop(self) -> None:
        """End what was started; `make`, if it runs, ends soon after."""

    def release(self) -> None:
        """Give back what `make` used; it does not run any more."""


def describe_source(source: Any) -> str:
    """`the Sequence Rows`, `the generator images`"""
    if is_sequence(source):
        return f"the Sequence {type(source).__name__}"
    return f"the generator {getattr(source, '__name__', type(source).__name__)}"


def made(source: Any, request: Request) -> Any:
    """The batch."""
    return next(source) if request.place is None else source[request.place]


class LocalMaker:
    """Makes batches in the thread that asks."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def start(self) -> None:
        """Nothing is needed."""

    def make(self, request: Request) -> Any:
        return made(self._source, request)

    def where(self) -> str:
        return ""

    def stop(self) -> None:
        """Nobody can stop the user's code in a thread."""

    def release(self) -> None:
        """Nothing was taken."""
