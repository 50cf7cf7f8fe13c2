"""The loops over batches and epochs: fit, evaluate, predict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np

from polykeras import callbacks as cbks
from polykeras.engine.feeding import batch_shuffle, number_of_samples, picks, slices
from polykeras.engine.functions import step_function
from polykeras.utils.generic_utils import to_list
from polykeras.utils.progbar import Progbar, say

BATCH_SIZE = 32
Batches = Iterable[tuple[int, list[Any]]]


@dataclass
class Data:
    """Checked arrays in the model's order. `weights` is empty where no sample weights are used."""

    inputs: list[Any]
    targets: list[Any]
    weights: list[Any]

    @property
    def arrays(self) -> list[Any]:
        return [*self.inputs, *self.targets, *self.weights]

    @property
    def weighted(self) -> bool:
        return bool(self.weights)


def fit_loop(
    model: Any,
    data: Data,
    *,
    batch_size: int | None,
    epochs: int,
    initial_epoch: int,
    verbose: int,
    callbacks: Any,
    validation: Data | None,
    shuffle: bool | str,
    steps_per_epoch: int | None,
    validation_steps: int | None,
) -> Any:
    """Train for epochs `initial_epoch` to `epochs` - 1; the History."""
    arrays = data.arrays
    samples = None if steps_per_epoch else number_of_samples(arrays)
    if verbose and validation is not None and samples is not None:
        count = number_of_samples(validation.arrays)
        if count is not None:
            say(f"Train on {samples} samples, validate on {count} samples")
    listeners = listen(
        model,
        callbacks,
        count_mode="steps" if steps_per_epoch else "samples",
        params={
            "batch_size": batch_size,
            "epochs": epochs,
            "steps": steps_per_epoch,
            "samples": samples,
            "verbose": verbose,
            "do_validation": validation is not None,
            "metrics": logged_names(model, validation is not None),
        },
        validation_arrays=validation_arrays(model, validation),
    )
    step = step_function(model, "train", data.weighted)
    index = np.arange(samples) if samples is not None else None

    def batches() -> Batches:
        nonlocal index
        if steps_per_epoch:
            return repeat((1, arrays), steps_per_epoch)
        assert index is not None and batch_size is not None
        if shuffle == "batch":
            index = batch_shuffle(index, batch_size)
        elif shuffle:
            np.random.shuffle(index)
        else:
            return slices(arrays, len(index), batch_size)
        return picks(arrays, index, batch_size)

    def validate() -> list[float]:
        assert validation is not None
        return evaluate_loop(model, validation, batch_size=batch_size or BATCH_SIZE, steps=validation_steps)

    return run_epochs(
        model, listeners, range(initial_epoch, epochs), batches, step, validate if validation is not None else None
    )


def run_epochs(
    model: Any,
    listeners: Any,
    epochs: Iterable[int],
    batches: Callable[[], Iterable[tuple[int, Any]]],
    step: Callable[[Any], Sequence[Any]],
    validate: Callable[[], list[float]] | None,
) -> Any:
    """Run epochs: a batch of `batches()` at a time through `step`, then `validate()`; the History.

    Training ends early when a callback sets `stop_training`.
    """
    watched = listeners.model
    names = model.metrics_names
    listeners.on_train_begin()
    watched.stop_training = False
    begins, ends = listeners.overriding("on_batch_begin"), listeners.overriding("on_batch_end")
    for epoch in epochs:
        reset_metrics(model)
        listeners.on_epoch_begin(epoch)
        epoch_logs: dict[str, Any] = {}
        for number, (size, arrays) in enumerate(batches()):
            logs = {"batch": number, "size": size}
            for hook in begins:
                hook(number, logs)
            logs.update(zip(names, step(arrays), strict=True))
            for hook in ends:
                hook(number, logs)
            if watched.stop_training:
                break
        else:
            if validate is not None:
                epoch_logs.update(zip([f"val_{name}" for name in names], validate(), strict=True))
        listeners.on_epoch_end(epoch, epoch_logs)
        if watched.stop_training:
            break
    listeners.on_train_end()
    return model.history


def evaluate_loop(
    model: Any, data: Data, *, batch_size: int | None, steps: int | None = None, verbose: int = 0
) -> list[float]:
    """The loss and the metrics over all batches: averages weighted by batch size; a metric with state as it ends."""
    arrays = data.arrays
    step = step_function(model, "test", data.weighted)
    reset_metrics(model)
    batches: Batches
    if steps is not None:
        total, batches = steps, repeat((1, arrays), steps)
    else:
        assert batch_size is not None
        total = number_of_samples(arrays) or 0
        batches = slices(arrays, total, batch_size)
    results = Averages(model)
    bar = Progbar(total) if verbose == 1 else None
    for size, batch in batches:
        results.add(step(batch), size)
        if bar is not None:
            bar.add(size)
    return results.values()


class Averages:
    """Averages of a model's loss and metrics over batches, weighted by their sizes."""

    def __init__(self, model: Any) -> None:
        self._stateful = [name in model.stateful_metric_names for name in model.metrics_names]
        self._sums: list[Any] = [0.0] * len(self._stateful)
        self._size = 0

    def add(self, results: Sequence[Any], size: int) -> None:
        self._size += size
        for i, (result, stateful) in enumerate(zip(results, self._stateful, strict=True)):
            self._sums[i] = _as_it_is(result) if stateful else self._sums[i] + float(result) * size

    def values(self) -> list[Any]:
        size = self._size or float("nan")  # no samples: no average
        return [s if stateful else s / size for s, stateful in zip(self._sums, self._stateful, strict=True)]


def _as_it_is(result: Any) -> Any:
    """A metric's value, which may have a shape: a float where it has none."""
    return float(result) if np.ndim(result) == 0 else result


def predict_loop(model: Any, inputs: list[Any], *, batch_size: int, verbose: int = 0) -> list[np.ndarray]:
    """The model's outputs for all samples."""
    step = step_function(model, "predict")
    total = number_of_samples(inputs) or 0
    bar = Progbar(total) if verbose == 1 else None
    outputs: list[np.ndarray] = []
    start = 0
    for size, batch in slices(inputs, total, batch_size):
        results = step(batch)
        if size == total:
            outputs = results
        else:
            if not outputs:
                outputs = [np.empty((total, *result.shape[1:]), result.dtype) for result in results]
            for name, output, result in zip(model.output_names, outputs, results, strict=True):
                _check_rows(name, result, output, size)
                output[start : start + size] = result
        start += size
        if bar is not None:
            bar.update(start)
    return outputs or step(inputs)  # no samples: outputs without rows


def predict_steps(model: Any, inputs: list[Any], steps: int, verbose: int = 0) -> list[np.ndarray]:
    """The model's outputs of `steps` runs, one after the other: for inputs that are tensors."""
    step = step_function(model, "predict")
    bar = Progbar(steps) if verbose == 1 else None
    runs = []
    for _ in range(steps):
        runs.append(step(inputs))
        if bar is not None:
            bar.add(1)
    return [np.concatenate(parts) for parts in zip(*runs, strict=True)]


def _check_rows(name: str, result: np.ndarray, output: np.ndarray, size: int) -> None:
    if result.shape[0] != size or result.shape[1:] != output.shape[1:]:
        raise ValueError(
            f"Output '{name}' has shape {result.shape} for a batch of {size} samples; results of several batches can "
            f"be put together only if each has shape {(size, *output.shape[1:])}. "
            "Predict with one batch (batch_size=...)."
        )


# -- callbacks -------------------------------------------------------------------------------------------------------


def listen(model: Any, callbacks: Any, *, count_mode: str, params: dict[str, Any], validation_arrays: Any) -> Any:
    """The list of callbacks that training drives: averages, the bar, the user's, the history."""
    stateful = model.stateful_metric_names
    everyone: list[Any] = [cbks.BaseLogger(stateful_metrics=stateful)]
    if params["verbose"]:
        everyone.append(cbks.ProgbarLogger(count_mode, stateful_metrics=stateful))
    model.history = cbks.History()
    everyone += [*to_list(callbacks or [], allow_tuple=True), model.history]
    listeners = cbks.CallbackList(everyone)
    listeners.set_model(getattr(model, "callback_model", None) or model)
    listeners.set_params(params)
    for callback in listeners:
        callback.validation_data = validation_arrays
    return listeners


def logged_names(model: Any, validates: bool) -> list[str]:
    """The names that the logs of an epoch may hold."""
    names = list(model.metrics_names)
    return names + [f"val_{name}" for name in names] if validates else names


def validation_arrays(model: Any, validation: Data | None) -> list[Any] | None:
    """What callbacks find as `validation_data`: inputs, targets and sample weights, ones where none are used."""
    if validation is None:
        return None
    weights = validation.weights or [np.ones(len(y), dtype="float32") for y in validation.targets]
    return [*validation.inputs, *validation.targets, *weights, *([0.0] if model.uses_learning_phase else [])]


def reset_metrics(model: Any) -> None:
    """Set the metrics with state back."""
    for metric in model.stateful_metric_functions:
        metric.reset_states()
