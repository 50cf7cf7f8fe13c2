"""A progress bar that fits where it is shown: a terminal, a notebook, or a log file. It never raises."""

from __future__ import annotations

import io
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

from polykeras.utils.notebook import Spot, in_notebook

LOG_INTERVAL = 30.0  # seconds between the lines of an unfinished epoch where lines cannot be redrawn


def say(text: str, end: str = "\n") -> None:
    """Write to standard output; a closed or missing stream, or one that lacks a character, stops no training."""
    stream = sys.stdout
    try:
        stream.write(text + end)
        stream.flush()
    except UnicodeEncodeError as error:
        say(text.encode(error.encoding, "replace").decode(error.encoding), end)
    except (ValueError, OSError, AttributeError):
        return


def on_terminal() -> bool:
    """Whether standard output can go back to the start of a line."""
    try:
        return sys.stdout.isatty()
    except (ValueError, AttributeError):
        return False


class Progbar:
    """Shows how far a loop has come.

    target: the number of steps, or None where unknown.
    width: of the bar, in characters.
    verbose: 0 shows nothing, 1 a bar, 2 one line when the target is reached.
    interval: least seconds between two drawings.
    stateful_metrics: names of values shown as they are; others are averaged over the steps.

    On a terminal and in a notebook the line is redrawn in place. Elsewhere, and in a notebook where output is captured,
    the finished line is written once, and an unfinished one every half minute.
    """

    def __init__(
        self,
        target: int | None,
        width: int = 30,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
    ) -> None:
        self.target = target
        self.width = width
        self.verbose = verbose
        self.stateful_metrics = set(stateful_metrics or ())
        self._spot = Spot() if in_notebook() and not isinstance(sys.stdout, io.StringIO) else None
        self._redraws = self._spot is not None or on_terminal()
        self.interval = interval if self._redraws else max(interval, LOG_INTERVAL)
        self._sums: dict[str, list[float]] = {}  # name: sum of value·steps, sum of steps
        self._current: dict[str, Any] = {}
        self._order: list[str] = []
        self._seen = 0
        self._drawn = 0  # characters on the line now
        self._start = self._last = time.perf_counter()
        if self._redraws:
            self._last -= interval

    def update(self, current: int, values: Sequence[tuple[str, Any]] | None = None) -> None:
        """The loop has come to step `current`, with these values of the steps since the last update."""
        self._record(current, values or ())
        if self.verbose == 0:
            return
        finished = self.target is not None and current >= self.target
        now = time.perf_counter()
        if self.verbose == 1:
            if finished or now - self._last >= self.interval:
                self._draw(self._bar(current) + self._timing(current, now, finished) + self._figures(), finished)
                self._last = now
        elif finished:
            say(f" - {now - self._start:.0f}s{self._figures()}")

    def add(self, n: int, values: Sequence[tuple[str, Any]] | None = None) -> None:
        """The loop has come `n` steps further."""
        self.update(self._seen + n, values)

    def _record(self, current: int, values: Sequence[tuple[str, Any]]) -> None:
        steps = current - self._seen
        for name, value in values:
            if name not in self._order:
                self._order.append(name)
            if name in self.stateful_metrics:
                self._current[name] = value
            else:
                sums = self._sums.setdefault(name, [0.0, 0.0])
                sums[0] += float(value) * steps
                sums[1] += steps
        self._seen = current

    def _bar(self, current: int) -> str:
        if self.target is None:
            return f"{current:7d}/Unknown"
        digits = len(str(self.target))
        filled = int(self.width * min(1.0, current / self.target)) if self.target else self.width
        bar = "=" * filled
        if filled and current < self.target:
            bar = bar[:-1] + ">"
        return f"{current:{digits}d}/{self.target} [{bar.ljust(self.width, '.')}]"

    def _timing(self, current: int, now: float, finished: bool) -> str:
        per_step = (now - self._start) / current if current else 0.0
        if self.target is not None and not finished:
            return f" - ETA: {_clock(per_step * (self.target - current))}"
        if per_step >= 1:
            speed = f"{per_step:.0f}s"
        elif per_step >= 1e-3:
            speed = f"{per_step * 1e3:.0f}ms"
        else:
            speed = f"{per_step * 1e6:.0f}us"
        return f" - {now - self._start:.0f}s {speed}/step"

    def _figures(self) -> str:
        return "".join(f" - {name}: {self._figure(name)}" for name in self._order)

    def _figure(self, name: str) -> str:
        if name in self._current:
            return str(self._current[name])
        total, steps = self._sums[name]
        mean = total / max(1.0, steps)
        return f"{mean:.4f}" if abs(mean) > 1e-3 else f"{mean:.4e}"

    def _draw(self, line: str, finished: bool) -> None:
        if self._spot is not None:
            self._spot.show(line)
            return
        if not self._redraws:
            say(line)
            return
        if not finished:
            line = line[: max(1, shutil.get_terminal_size().columns - 1)]  # a wrapped line cannot be redrawn
        say("\r" + line.ljust(self._drawn), end="\n" if finished else "")
        self._drawn = len(line)


def _clock(seconds: float) -> str:
    """`5s`, `2:05`, `1:02:05`"""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}" if minutes else f"{rest}s"
