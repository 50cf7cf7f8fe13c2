"""Change the learning rate: by a schedule, or when progress ends."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from polykeras import backend as K
from polykeras.callbacks.base import Callback, Logs
from polykeras.callbacks.monitor import Better, better, watched, worst
from polykeras.legacy.interfaces import warn_caller
from polykeras.utils.progbar import say


class LearningRateScheduler(Callback):
    """Sets the learning rate at the start of each epoch.

    schedule: function of the epoch's number (from 0) and the current learning rate, or of the number alone, that
        returns the new learning rate, a float.
    verbose: 1 says each setting.

    Raises ValueError for an optimizer without `lr`, and for a schedule's result that is no float.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        rate = _called(self.schedule, epoch, float(K.get_value(rate_of(self.model, "LearningRateScheduler"))))
        if not isinstance(rate, (float, np.float32, np.float64)):
            raise ValueError(
                f'The output of the "schedule" function should be float; for epoch {epoch} it gave {rate!r} '
                f"({type(rate).__name__})"
            )
        set_rate(self.model, rate, "LearningRateScheduler")
        if self.verbose > 0:
            say(f"\nEpoch {epoch + 1:05d}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["lr"] = K.get_value(rate_of(self.model, "LearningRateScheduler"))


class ReduceLROnPlateau(Callback):
    """Lowers the learning rate when a monitored value has stopped improving: lr ← max(lr·factor, min_lr).

    monitor: name in the epoch's logs.
    factor: below 1.
    patience: epochs without improvement until the rate is lowered.
    verbose: 1 says each change.
    mode: "min", "max", or "auto" (max where the name holds `acc`).
    min_delta: the least change that counts as an improvement.
    cooldown: epochs to wait after a change before counting again.
    min_lr: the rate's lower bound.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau does not support a factor >= 1.0; got factor={factor}")
        if "epsilon" in kwargs:
            min_delta = kwargs.pop("epsilon")
            warn_caller("`epsilon` argument is deprecated, use `min_delta` instead.")
        if kwargs:
            raise TypeError(f"ReduceLROnPlateau got unexpected keyword arguments: {', '.join(sorted(kwargs))}")
        self.monitor = monitor
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.mode = mode
        self.min_delta = min_delta
        self.cooldown = cooldown
        self.min_lr = min_lr
        self.monitor_op: Better = better("Learning Rate Plateau Reducing", monitor, mode)
        self.best: Any = worst(self.monitor_op)
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.best = worst(self.monitor_op)
        self.wait = 0
        self.cooldown_counter = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        logs["lr"] = K.get_value(rate_of(self.model, "ReduceLROnPlateau"))
        current = watched(logs, self.monitor, "Reduce LR on plateau conditioned on metric")
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        delta = self.min_delta if self.monitor_op is np.greater else -self.min_delta
        if self.monitor_op(current, self.best + delta):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def get_state(self) -> dict[str, Any]:
        return {"best": self.best, "wait": self.wait, "cooldown_counter": self.cooldown_counter}

    def set_state(self, state: dict[str, Any]) -> None:
        self.best = state["best"]
        self.wait = state["wait"]
        self.cooldown_counter = state["cooldown_counter"]

    def in_cooldown(self) -> bool:
        """Whether a change was made too recently to count epochs."""
        return self.cooldown_counter > 0

    def _reduce(self, epoch: int) -> None:
        old = float(K.get_value(rate_of(self.model, "ReduceLROnPlateau")))
        if old <= self.min_lr:
            return
        new = max(old * self.factor, self.min_lr)
        set_rate(self.model, new, "ReduceLROnPlateau")
        if self.verbose > 0:
            say(f"\nEpoch {epoch + 1:05d}: ReduceLROnPlateau reducing learning rate to {new}.")
        self.cooldown_counter = self.cooldown
        self.wait = 0


def rate_of(model: Any, owner: str) -> Any:
    """The optimizer's learning rate, a variable or what a schedule gives.   Raises ValueError where it has none."""
    rate = getattr(model.optimizer, "lr", None)
    if rate is None:
        raise ValueError(f'{owner}: Optimizer must have a "lr" attribute; {type(model.optimizer).__name__} has none')
    return rate


def set_rate(model: Any, rate: Any, owner: str) -> None:
    """Set the optimizer's learning rate.   Raises TypeError where a schedule gives it."""
    schedule = getattr(model.optimizer, "lr_schedule", None)
    if schedule is not None:
        raise TypeError(
            f"{owner} cannot set the learning rate of {type(model.optimizer).__name__}, which follows the schedule "
            f"{type(schedule).__name__}. Give the optimizer a number as `lr`, or leave this callback out."
        )
    K.set_value(rate_of(model, owner), rate)


def _called(schedule: Callable[..., Any], epoch: int, rate: float) -> Any:
    """`schedule(epoch, rate)`, or `schedule(epoch)` where it takes one argument only."""
    try:
        inspect.signature(schedule).bind(epoch, rate)
    except (TypeError, ValueError):  # ValueError: a built-in, which does not tell; a method of a table takes one
        return schedule(epoch)
    return schedule(epoch, rate)
