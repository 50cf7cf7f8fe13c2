"""What is said while kernels are compiled: nothing within a second, then one line.

On a terminal the line is written over and over, and wiped in the end. Elsewhere a line is written after 1, 4, 16 ...
seconds. Whatever goes wrong with it, compiling goes on.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Any

PATIENCE = 1.0  # seconds
_WIDTH = 100


class Progress:
    """Tells of kernels that are compiled close after one another.

    out: where to, with `write`, `flush` and `isatty`; None: standard error.   clock: seconds.
    """

    def __init__(self, out: Any = None, clock: Any = time.monotonic):
        self.out = out
        self.clock = clock
        self.begun = self.ended = float("-inf")
        self.done = 0
        self.next = PATIENCE

    @contextlib.contextmanager
    def compiling(self, title: str) -> Iterator[None]:
        """The context in which a kernel is compiled."""
        now = self.clock()
        if now - self.ended > PATIENCE:
            self.begun, self.done, self.next = now, 0, PATIENCE
        shown = now - self.begun >= PATIENCE and self._show(title, now - self.begun)
        try:
            yield
        finally:
            self.done += 1
            self.ended = self.clock()
            if shown:
                self._write("\r\x1b[K")

    def _show(self, title: str, seconds: float) -> bool:
        """Whether there is a line to wipe."""
        text = f"polykeras: compiling kernels, {self.done} done in {seconds:.0f} s; now: {title}"
        if self._is_terminal():
            self._write(f"\r\x1b[K{text[:_WIDTH]}")
            return True
        if seconds >= self.next:
            while seconds >= self.next:
                self.next *= 4
            self._write(f"{text}\n")
        return False

    def _is_terminal(self) -> bool:
        with contextlib.suppress(Exception):
            return bool((self.out or sys.stderr).isatty())
        return False

    def _write(self, text: str) -> None:
        with contextlib.suppress(Exception):  # closed, replaced by something odd, or None
            out = self.out or sys.stderr
            out.write(text)
            out.flush()


PROGRESS = Progress()
