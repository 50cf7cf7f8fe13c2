"""Callbacks that `fit` adds by itself: averages of the epoch, and the history."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from polykeras.callbacks.base import Callback, Logs

COUNTS = frozenset(("batch", "size"))  # entries of a batch's logs that are no results


class BaseLogger(Callback):
    """Averages the batches' values, weighted by batch size, into the epoch's logs.

    stateful_metrics: names of values that are taken as they are, not averaged.
    """

    def __init__(self, stateful_metrics: Iterable[str] | None = None) -> None:
        super().__init__()
        self.stateful_metrics = set(stateful_metrics or ())
        self.seen = 0
        self.totals: dict[str, Any] = {}

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.seen = 0
        self.totals = {}

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        size = logs.get("size", 0)
        self.seen += size
        totals = self.totals
        for name, value in logs.items():
            if name in COUNTS:
                continue
            if name in self.stateful_metrics:
                totals[name] = value
            else:
                totals[name] = totals.get(name, 0.0) + float(value) * size

    def get_state(self) -> dict[str, Any]:
        return {"seen": self.seen, "totals": self.totals}

    def set_state(self, state: dict[str, Any]) -> None:
        self.seen = state["seen"]
        self.totals = state["totals"]

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is None:
            return
        for name in self.params["metrics"]:
            if name in self.totals:
                total = self.totals[name]
                logs[name] = total if name in self.stateful_metrics else total / self.seen


class History(Callback):
    """Records the epochs' logs; `fit` returns it.

    epoch: numbers of the epochs, from 0.
    history: name -> list of values, one per epoch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []
        self.history = {}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def get_state(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "history": self.history}

    def set_state(self, state: dict[str, Any]) -> None:
        self.epoch = state["epoch"]
        self.history = state["history"]
