"""An event file, which TensorBoard reads while it grows."""

from __future__ import annotations

import itertools
import os
import time
from typing import Any

from tensorboardX.event_file_writer import EventsWriter, directory_check
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary

FLUSH_INTERVAL = 1.0  # seconds between two flushes, unless one is asked for

_numbers = itertools.count()


class EventFile:
    """A new event file in a folder, which is made where it is absent.

    What has been added is on the disk after `flush()`, and otherwise about a second later, with the next addition.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        folder = os.fspath(folder)
        directory_check(folder)
        # TensorBoardX's names hold the second; two trainings within one, or in two processes, are two files.
        suffix = f".{os.getpid()}.{next(_numbers)}"
        self._writer = EventsWriter(os.path.join(folder, "events"), suffix)
        self._flushed = time.monotonic()

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        """A point of a curve."""
        self.add_value(Summary.Value(tag=tag, simple_value=value), step)

    def add_value(self, value: Any, step: int) -> None:
        """A record of any kind."""
        self._write(Event(wall_time=time.time(), step=step, summary=Summary(value=[value])))

    def add_graph(self, graph: Any) -> None:
        """A GraphDef."""
        self._write(Event(wall_time=time.time(), graph_def=graph.SerializeToString()))

    def flush(self) -> None:
        """Wait until all is on the disk."""
        self._writer.flush()
        self._flushed = time.monotonic()

    def close(self) -> None:
        self._writer.close()

    def _write(self, event: Any) -> None:
        self._writer.write_event(event)
        if time.monotonic() - self._flushed > FLUSH_INTERVAL:
            self.flush()
