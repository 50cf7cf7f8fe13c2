"""A training run: the loop over epochs and batches, and what a backup must hold so that it goes on to the bit."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from polykeras.callbacks.base import Callback, CallbackList, Logs, RunKeeper
from polykeras.callbacks.progress import ProgbarLogger
from polykeras.callbacks.records import BaseLogger, History
from polykeras.engine.batches import Feed
from polykeras.engine.functions import training_storages
from polykeras.runtime import select
from polykeras.utils.generic_utils import to_list


class TrainingRun:
    """One call of `fit`: epochs of batches, each through a step, with callbacks.

    callbacks: the user's.
    count_mode, params: what the callbacks are told, see `Callback.params`; `count_mode` "samples" or "steps".
    feed: where batches come from.
    step: from what `feed` gives to the loss and the metrics.
    validate: gives their values on the validation data; None: there are none.
    validates: whether an epoch, counted from 0, ends with `validate`.

    epoch, batch: where the run stands: the epoch, and how many batches of it are done.
    """

    def __init__(
        self,
        model: Any,
        callbacks: Any,
        *,
        count_mode: str,
        params: dict[str, Any],
        validation_arrays: list[Any] | None,
        feed: Feed,
        step: Callable[[Any], Sequence[Any]],
        initial_epoch: int,
        validate: Callable[[], list[Any]] | None = None,
        validates: Callable[[int], bool] | None = None,
    ) -> None:
        self.model = model
        self.feed = feed
        self.step = step
        self.validate = validate
        self.validates = validates
        self.epochs: int = params["epochs"]
        self.epoch = initial_epoch
        self.batch = 0
        self.averages = Averages(model)
        self.bar = RunProgress(model, self.averages, count_mode) if params["verbose"] else None
        self.listeners = self._listen(callbacks, params, validation_arrays)
        self.keepers = [callback for callback in self.listeners if isinstance(callback, RunKeeper)]

    def _listen(self, callbacks: Any, params: dict[str, Any], validation_arrays: list[Any] | None) -> Any:
        """The list of callbacks that training drives: averages, the bar, the user's, the history."""
        model = self.model
        everyone: list[Any] = [EpochLogger(self.averages)]
        if self.bar is not None:
            everyone.append(self.bar)
        model.history = History()
        everyone += [*to_list(callbacks or [], allow_tuple=True), model.history]
        listeners = CallbackList(everyone)
        listeners.set_model(getattr(model, "callback_model", None) or model)
        listeners.set_params({**params, "metrics": logged_names(model, self.validate is not None)})
        for callback in listeners:
            callback.validation_data = validation_arrays
        return listeners

    # -- the loop ----------------------------------------------------------------------------------------------------

    def train(self) -> Any:
        """Run all epochs; the History. Training ends early when a callback sets `stop_training`."""
        listeners, watched = self.listeners, self.listeners.model
        listeners.on_train_begin()
        watched.stop_training = False
        for keeper in self.keepers:
            keeper.resume(self)
        while self.epoch < self.epochs and not watched.stop_training:
            if not self.batch:
                self._begin_epoch()
            self._train_batches()
            logs: dict[str, Any] = {}
            if not watched.stop_training and self.validate is not None:
                if self.validates is None or self.validates(self.epoch):
                    names = [f"val_{name}" for name in self.model.metrics_names]
                    logs.update(zip(names, self.validate(), strict=True))
            listeners.on_epoch_end(self.epoch, logs)
            self.epoch += 1
            self.batch = 0
            for keeper in self.keepers:
                keeper.keep_epoch(self)
        listeners.on_train_end()
        for keeper in self.keepers:
            keeper.finish(self)
        return self.model.history

    def _begin_epoch(self) -> None:
        reset_metrics(self.model)
        self.averages.reset()
        self.listeners.on_epoch_begin(self.epoch)
        self.feed.begin_epoch()

    def _train_batches(self) -> None:
        """The rest of the epoch's batches. Logs are made only where a callback hears of batches."""
        listeners, watched, keepers = self.listeners, self.listeners.model, self.keepers
        begins, ends = listeners.overriding("on_batch_begin"), listeners.overriding("on_batch_end")
        heard = bool(begins or ends)
        names, step, average = self.model.metrics_names, self.step, self.averages.add
        advance = None if self.bar is None else self.bar.advance
        number = self.batch
        for size, arrays in self.feed.batches(number):
            if heard:
                logs = {"batch": number, "size": size}
                for hook in begins:
                    hook(number, logs)
                results = step(arrays)
                average(results, size)
                if advance is not None:
                    advance(size)
                logs.update(zip(names, results, strict=True))
                for hook in ends:
                    hook(number, logs)
            else:
                average(step(arrays), size)
                if advance is not None:
                    advance(size)
            if watched.stop_training:
                return
            number += 1
            if keepers:
                self.batch = number
                for keeper in keepers:
                    keeper.keep_batch(self)

    # -- what a backup holds -----------------------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """All that decides how training goes on, as plain data: numbers, texts, arrays, lists and dicts of them.

        That is: the variables (weights, the optimizer's, metrics', the counters of random ops), the place in the epoch
        and in the data, the averages so far, Python's and NumPy's random generators, what the callbacks remember.
        """
        storages = training_storages(self.model)
        return {
            "epoch": self.epoch,
            "batch": self.batch,
            "stopped": bool(self.listeners.model.stop_training),
            "averages": self.averages.get_state(),
            "data": self.feed.get_state(),
            "variables": [[storage.name, storage.get()] for storage in storages],
            "callbacks": [[key, callback.get_state()] for key, callback in self._remembering()],
            "random": random.getstate(),
            "numpy_random": np.random.get_state(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on where another run of the same training was when it gave its state.

        Raises ValueError where model or data are others.
        """
        storages = training_storages(self.model)
        _check_variables(storages, state["variables"])
        self.feed.set_state(state["data"])
        for storage, (_, value) in zip(storages, state["variables"], strict=True):
            storage.set(value, storage.backend or select.current())
        self.averages.set_state(state["averages"])
        self.epoch, self.batch = state["epoch"], state["batch"]
        self.listeners.model.stop_training = state["stopped"]
        remembered = {tuple(key): remembered for key, remembered in state["callbacks"]}
        for key, callback in self._remembering():
            if remembered.get(key) is not None:
                callback.set_state(remembered[key])
        random.setstate(state["random"])
        np.random.set_state(state["numpy_random"])

    def _remembering(self) -> Iterator[tuple[tuple[str, int], Any]]:
        """The callbacks that remember something; each with its class's name and its number among those of that name."""
        counts: Counter[str] = Counter()
        for callback in self.listeners:
            name = type(callback).__name__
            counts[name] += 1
            if hasattr(callback, "get_state") and hasattr(callback, "set_state"):
                yield (name, counts[name]), callback


def _check_variables(storages: Sequence[Any], saved: Sequence[tuple[str, np.ndarray]]) -> None:
    if len(saved) != len(storages):
        raise ValueError(
            f"Training was interrupted with another model: it had {len(saved)} variables (weights, the optimizer's, "
            f"metrics', random counters), this one has {len(storages)}."
        )
    for number, (storage, (name, value)) in enumerate(zip(storages, saved, strict=True)):
        if storage.spec.shape != value.shape:
            raise ValueError(
                f"Training was interrupted with another model: its variable {number}, '{name}', has shape "
                f"{value.shape}, but this model's, '{storage.name}', has shape {storage.spec.shape}."
            )


class Averages:
    """Averages of a model's loss and metrics over batches, weighted by their sizes; metrics with state as they end.

    size: the number of samples.
    """

    def __init__(self, model: Any) -> None:
        self.names: list[str] = list(model.metrics_names)
        self._stateful = [name in model.stateful_metric_names for name in self.names]
        self._averaged = [i for i, stateful in enumerate(self._stateful) if not stateful]
        self.reset()

    def reset(self) -> None:
        self._sums = [0.0] * len(self.names)
        self._last: Sequence[Any] | None = None
        self.size = 0

    def add(self, results: Sequence[Any], size: int) -> None:
        """The results of a batch."""
        self.size += size
        self._last = results
        sums = self._sums
        for i in self._averaged:
            sums[i] += float(results[i]) * size

    def values(self) -> list[Any]:
        """The averages; NaN where there was no sample."""
        return self.since((0.0,) * len(self.names), 0)[0]

    def since(self, sums: Sequence[float], size: int) -> tuple[list[Any], Sequence[float], int]:
        """The averages over the batches since the sums and the number of samples were these; and what they are now."""
        count = (self.size - size) or float("nan")
        last = self._sums if self._last is None else self._last
        values = [
            _as_it_is(newest) if stateful else (total - earlier) / count
            for total, earlier, newest, stateful in zip(self._sums, sums, last, self._stateful, strict=True)
        ]
        return values, tuple(self._sums), self.size

    @property
    def empty(self) -> bool:
        """Whether no batch was added yet."""
        return self._last is None

    def get_state(self) -> dict[str, Any]:
        last = None if self._last is None else list(self._last)
        return {"size": self.size, "sums": list(self._sums), "last": last}

    def set_state(self, state: dict[str, Any]) -> None:
        self.size, self._sums, self._last = state["size"], list(state["sums"]), state["last"]


def _as_it_is(result: Any) -> Any:
    """A metric's value, which may have a shape: a float where it has none."""
    return float(result) if np.ndim(result) == 0 else result


class EpochLogger(BaseLogger):
    """A `BaseLogger` whose averages the loop itself keeps, which spares every batch its logs."""

    on_batch_end = Callback.on_batch_end

    def __init__(self, averages: Averages) -> None:
        super().__init__()
        self.averages = averages

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None and not self.averages.empty:
            logs.update(zip(self.averages.names, self.averages.values(), strict=True))


class RunProgress(ProgbarLogger):
    """A `ProgbarLogger` that looks at the run's averages when it draws, which spares every batch its logs."""

    on_batch_end = Callback.on_batch_end

    def __init__(self, model: Any, averages: Averages, count_mode: str) -> None:
        super().__init__(count_mode, stateful_metrics=model.stateful_metric_names)
        self.averages = averages
        self._sums: Sequence[float] = ()
        self._size = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        super().on_epoch_begin(epoch, logs)
        self._sums, self._size = (0.0,) * len(self.averages.names), 0

    def advance(self, size: int) -> None:
        """A batch of `size` samples is done."""
        self.seen += 1 if self.use_steps else size
        self._show_if_due()

    def _newly_shown(self) -> list[tuple[str, Any]]:
        """The averages over the batches since the last update of the bar."""
        if self.averages.size == self._size:
            return []
        values, self._sums, self._size = self.averages.since(self._sums, self._size)
        return list(zip(self.averages.names, values, strict=True))

    def get_state(self) -> dict[str, Any] | None:
        return None if self.progbar is None else {"epoch": self._epoch, "seen": self.seen}

    def set_state(self, state: dict[str, Any]) -> None:
        self.on_epoch_begin(state["epoch"])
        self.seen = state["seen"]


def logged_names(model: Any, validates: bool) -> list[str]:
    """The names that the logs of an epoch may hold."""
    names = list(model.metrics_names)
    return names + [f"val_{name}" for name in names] if validates else names


def reset_metrics(model: Any) -> None:
    """Set the metrics with state back."""
    for metric in model.stateful_metric_functions:
        metric.reset_states()


def validation_epochs(frequency: int | Iterable[int]) -> Callable[[int], bool]:
    """Whether an epoch, counted from 0, is validated. `frequency`: every so many epochs, or those, counted from 1.

    Raises ValueError for a number below 1, TypeError for what is neither.
    """
    if isinstance(frequency, (int, np.integer)) and not isinstance(frequency, bool):
        if frequency < 1:
            raise ValueError(f"`validation_freq` should be at least 1; got {frequency}")

        def is_multiple(epoch: int) -> bool:
            return (epoch + 1) % frequency == 0

        return is_multiple
    if isinstance(frequency, (str, bytes)) or not isinstance(frequency, Iterable):
        raise TypeError(
            f"`validation_freq` should be a number of epochs, or a list of epochs counted from 1; got {frequency!r}"
        )
    chosen = frozenset(frequency)

    def is_chosen(epoch: int) -> bool:
        return epoch + 1 in chosen

    return is_chosen
