"""Stop training: when progress ends, or when the loss is no longer a number."""

from __future__ import annotations

from typing import Any

import numpy as np

from polykeras.callbacks.base import Callback, Logs
from polykeras.callbacks.monitor import better, watched, worst
from polykeras.utils.progbar import say


class EarlyStopping(Callback):
    """Stops training when a monitored value has stopped improving.

    monitor: name in the epoch's logs.
    min_delta: the least change that counts as an improvement.
    patience: epochs without improvement until training stops; 0 stops at the first.
    verbose: 1 says when it stops.
    mode: "min", "max", or "auto" (max where the name holds `acc`).
    baseline: a value to be bettered from the start.
    restore_best_weights: end with the best epoch's weights, not the last's.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
    ) -> None:
        super().__init__()
        self.monitor = monitor
        self.baseline = baseline
        self.patience = patience
        self.verbose = verbose
        self.restore_best_weights = restore_best_weights
        self.monitor_op = better("EarlyStopping", monitor, mode)
        self.min_delta = min_delta if self.monitor_op is np.greater else -min_delta
        self.wait = 0
        self.stopped_epoch = 0
        self.best: Any = worst(self.monitor_op)
        self.best_weights: list[np.ndarray] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best = worst(self.monitor_op) if self.baseline is None else self.baseline
        self.best_weights = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        current = self.get_monitor_value(logs)
        if current is None:
            return
        if self.monitor_op(current - self.min_delta, self.best):
            self.best = current
            self.wait = 0
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            if self.best_weights is not None:
                if self.verbose > 0:
                    say("Restoring model weights from the end of the best epoch")
                self.model.set_weights(self.best_weights)

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch > 0 and self.verbose > 0:
            say(f"Epoch {self.stopped_epoch + 1:05d}: early stopping")

    def get_state(self) -> dict[str, Any]:
        return {
            "wait": self.wait,
            "stopped_epoch": self.stopped_epoch,
            "best": self.best,
            "best_weights": self.best_weights,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        self.wait = state["wait"]
        self.stopped_epoch = state["stopped_epoch"]
        self.best = state["best"]
        self.best_weights = state["best_weights"]

    def get_monitor_value(self, logs: Logs | None) -> Any:
        """The monitored value, or None with a warning."""
        return watched(logs or {}, self.monitor, "Early stopping conditioned on metric")


class TerminateOnNaN(Callback):
    """Stops training when the loss of a batch is NaN or infinite."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not np.isfinite(loss):
            say(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True
