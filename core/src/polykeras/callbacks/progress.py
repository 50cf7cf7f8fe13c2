"""The callback that shows a progress bar."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from polykeras.callbacks.base import Callback, Logs
from polykeras.utils.progbar import Progbar, say


class ProgbarLogger(Callback):
    """Shows each epoch's progress on standard output, as `fit(verbose=...)` says: 0 nothing, 1 a bar, 2 a line.

    count_mode: "samples" or "steps", what the bar counts.
    stateful_metrics: names of values that are shown as they are, not averaged.
    """

    def __init__(self, count_mode: str = "samples", stateful_metrics: Iterable[str] | None = None) -> None:
        super().__init__()
        if count_mode not in ("samples", "steps"):
            raise ValueError(f"Unknown `count_mode`: {count_mode!r}. Expected 'samples' or 'steps'.")
        self.use_steps = count_mode == "steps"
        self.stateful_metrics = set(stateful_metrics or ())
        self.verbose = 0
        self.epochs = 1
        self.target: int | None = None
        self.seen = 0
        self.progbar: Progbar | None = None
        self._epoch = 0
        self._names: list[str] = []
        self._averaged: list[str] = []
        self._stateful: list[str] = []
        self._shown, self._unshown = Tally(), Tally()
        self._next = 0.0  # when the bar may be drawn again

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.verbose = self.params["verbose"]
        self.epochs = self.params["epochs"]
        self._names = [name for name in self.params["metrics"] if not name.startswith("val_")]
        self._averaged = [name for name in self._names if name not in self.stateful_metrics]
        self._stateful = [name for name in self._names if name in self.stateful_metrics]

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.seen = 0
        self._epoch = epoch
        self._shown, self._unshown = Tally(), Tally()
        self._next = 0.0
        if not self.verbose:
            return
        say(f"Epoch {epoch + 1}/{self.epochs}")
        self.target = self.params["steps"] if self.use_steps else self.params["samples"]
        self.progbar = Progbar(self.target, verbose=self.verbose, stateful_metrics=self.stateful_metrics)

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        count = 1 if self.use_steps else logs.get("size", 0)
        self.seen += count
        self._unshown.add(logs, count, self._averaged, self._stateful)
        self._show_if_due()

    def _show_if_due(self) -> None:
        # The last update waits for the epoch's end, where the validation's values are known.
        if self.progbar is not None and (self.target is None or self.seen < self.target):
            now = time.perf_counter()
            if now >= self._next:
                self._next = now + self.progbar.interval
                self.progbar.update(self.seen, self._newly_shown())

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.progbar is None:
            return
        logs = logs or {}
        values = [(name, logs[name]) for name in self.params["metrics"] if name in logs and name.startswith("val_")]
        if self.target is not None and self.seen < self.target:
            self.progbar.target = self.seen  # training was stopped within the epoch
        self.progbar.update(self.seen, self._newly_shown() + values)
        self.progbar = None

    def _newly_shown(self) -> list[tuple[str, Any]]:
        """The values of the batches since the last update of the bar."""
        newly = self._unshown
        self._unshown = Tally()
        self._shown.merge(newly)
        return newly.values(self._names)

    def get_state(self) -> dict[str, Any] | None:
        if self.progbar is None:
            return None
        everything = Tally()
        everything.merge(self._shown)
        everything.merge(self._unshown)
        return {"epoch": self._epoch, "count": everything.count, "sums": everything.sums, "newest": everything.newest}

    def set_state(self, state: dict[str, Any]) -> None:
        self.on_epoch_begin(state["epoch"])
        self.seen = state["count"]
        self._unshown = Tally(state["count"], state["sums"], state["newest"])


class Tally:
    """What batches gave: sums of their values, each times the batch's count, and the newest of what is not averaged."""

    def __init__(
        self, count: int = 0, sums: dict[str, float] | None = None, newest: dict[str, Any] | None = None
    ) -> None:
        self.count = count
        self.sums: dict[str, float] = {} if sums is None else sums
        self.newest: dict[str, Any] = {} if newest is None else newest

    def add(self, logs: Logs, count: int, averaged: Iterable[str], stateful: Iterable[str]) -> None:
        """A batch's logs, of which some are averaged and others are not."""
        self.count += count
        sums = self.sums
        for name in averaged:
            if name in logs:
                sums[name] = sums.get(name, 0.0) + float(logs[name]) * count
        for name in stateful:
            if name in logs:
                self.newest[name] = logs[name]

    def merge(self, later: Tally) -> None:
        """Add what another tally holds of later batches."""
        self.count += later.count
        for name, total in later.sums.items():
            self.sums[name] = self.sums.get(name, 0.0) + total
        self.newest.update(later.newest)

    def values(self, names: Iterable[str]) -> list[tuple[str, Any]]:
        """The averages, and the newest values, in the order of `names`."""
        found = {name: total / (self.count or 1) for name, total in self.sums.items()} | self.newest
        return [(name, found[name]) for name in names if name in found]
