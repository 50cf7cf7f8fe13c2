"""The callback that shows a progress bar."""

from __future__ import annotations

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
        self.log_values: list[tuple[str, Any]] = []
        self.progbar: Progbar | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.verbose = self.params["verbose"]
        self.epochs = self.params["epochs"]

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.seen = 0
        if not self.verbose:
            return
        say(f"Epoch {epoch + 1}/{self.epochs}")
        self.target = self.params["steps"] if self.use_steps else self.params["samples"]
        self.progbar = Progbar(self.target, verbose=self.verbose, stateful_metrics=self.stateful_metrics)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self.log_values = []

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        self.seen += 1 if self.use_steps else logs.get("size", 0)
        self.log_values = [(name, logs[name]) for name in self.params["metrics"] if name in logs]
        # The last update waits for the epoch's end, where the validation's values are known.
        if self.progbar is not None and (self.target is None or self.seen < self.target):
            self.progbar.update(self.seen, self.log_values)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.progbar is None:
            return
        logs = logs or {}
        values = [(name, logs[name]) for name in self.params["metrics"] if name in logs and name.startswith("val_")]
        if self.target is not None and self.seen < self.target:
            self.progbar.target = self.seen  # training was stopped within the epoch
        self.progbar.update(self.seen, self.log_values + values)
        self.progbar = None
