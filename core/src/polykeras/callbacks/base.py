"""The callback's interface, and the list of callbacks that `fit` drives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Logs = dict[str, Any]


class Callback:
    """Hooks into training: subclass it, override what is needed, pass objects to `fit(callbacks=[...])`.

    model: the model being trained; set `model.stop_training = True` to end training.
    params: `batch_size`, `epochs`, `steps`, `samples`, `verbose`, `do_validation`, `metrics`.
    validation_data: the validation arrays (inputs, targets, sample weights), where there are such.

    The logs of a batch hold `batch`, `size`, and at its end `loss` and the metrics; those of an epoch's end `loss`, the
    metrics, and `val_` values. Hooks that a callback does not override cost nothing.

    A callback that remembers something from one hook to the next defines `get_state` and `set_state`, so that
    `BackupAndRestore` can resume it with the training.
    """

    def __init__(self) -> None:
        self.validation_data: Any = None
        self.model: Any = None
        self.params: dict[str, Any] = {}

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def set_model(self, model: Any) -> None:
        self.model = model

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before epoch number `epoch`, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After the epoch and its validation."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before batch number `batch` of the epoch, counted from 0."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After the batch."""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch."""

    def get_state(self) -> Any:
        """What the callback remembers of the training so far, for a backup: numbers, texts, arrays, lists and dicts."""
        return None

    def set_state(self, state: Any) -> None:
        """Go on from what `get_state` gave in training that was interrupted; called after `on_train_begin`."""


class RunKeeper(Callback):
    """A callback that keeps whole training runs: it is told of one after all other callbacks were told.

    run: has `get_state()` and `set_state(state)`; `epoch`, and `batch`, the number of its batches that are done.
    """

    def resume(self, run: Any) -> None:
        """Training begins."""

    def keep_batch(self, run: Any) -> None:
        """A batch is over."""

    def keep_epoch(self, run: Any) -> None:
        """An epoch is over: `run` stands at the start of the next."""

    def finish(self, run: Any) -> None:
        """Training is over."""


# Each hook, and the later name under which a callback may define it instead.
LATER_NAMES = {"on_batch_begin": "on_train_batch_begin", "on_batch_end": "on_train_batch_end"}


class CallbackList:
    """Several callbacks driven as one. Only hooks that a callback overrides are called."""

    def __init__(self, callbacks: Iterable[Any] | None = None, queue_length: int = 10) -> None:
        self.callbacks = list(callbacks or ())
        self.queue_length = queue_length
        self.params: dict[str, Any] = {}
        self.model: Any = None
        self._hooks: dict[str, list[Any]] = {}

    def append(self, callback: Any) -> None:
        self.callbacks.append(callback)
        self._hooks.clear()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.callbacks)

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        self.model = model
        for callback in self.callbacks:
            callback.set_model(model)

    def overriding(self, hook: str) -> list[Any]:
        """The methods of the callbacks that override `hook`."""
        methods = self._hooks.get(hook)
        if methods is None:
            found = (_overriding(callback, hook) for callback in self.callbacks)
            methods = self._hooks[hook] = [method for method in found if method is not None]
        return methods

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        for hook in self.overriding("on_epoch_begin"):
            hook(epoch, _dict(logs))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = _dict(logs)
        for hook in self.overriding("on_epoch_end"):
            hook(epoch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        logs = _dict(logs)
        for hook in self.overriding("on_batch_begin"):
            hook(batch, logs)

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        logs = _dict(logs)
        for hook in self.overriding("on_batch_end"):
            hook(batch, logs)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._hooks.clear()
        for hook in self.overriding("on_train_begin"):
            hook(_dict(logs))

    def on_train_end(self, logs: Logs | None = None) -> None:
        for hook in self.overriding("on_train_end"):
            hook(_dict(logs))


def _overriding(callback: Any, name: str) -> Any:
    """The callback's own method for a hook, or None where it has the base class's, which does nothing."""
    for spelling in (name, LATER_NAMES.get(name, name)):
        method = getattr(callback, spelling, None)
        if method is not None and getattr(method, "__func__", method) is not getattr(Callback, spelling, None):
            return method
    return None


def _dict(logs: Logs | None) -> Logs:
    return {} if logs is None else logs
