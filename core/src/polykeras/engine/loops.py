"""The loops over batches and epochs: fit, evaluate, predict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from polykeras import backend as K
from polykeras.engine.batches import ArrayFeed, Feed, RepeatedFeed
from polykeras.engine.feeding import number_of_samples
from polykeras.engine.functions import step_function
from polykeras.engine.run import Averages, TrainingRun, reset_metrics
from polykeras.utils.progbar import Progbar, say

BATCH_SIZE = 32


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
    validates: Callable[[int], bool],
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

    feed: Feed
    if steps_per_epoch:
        feed = RepeatedFeed(arrays, steps_per_epoch)
    else:
        assert samples is not None and batch_size is not None
        feed = ArrayFeed(arrays, samples, batch_size, shuffle, fed_dtypes(model, data))

    def validate() -> list[float]:
        assert validation is not None
        return evaluate_loop(model, validation, batch_size=batch_size or BATCH_SIZE, steps=validation_steps)

    run = TrainingRun(
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
        },
        validation_arrays=validation_arrays(model, validation),
        feed=feed,
        step=step_function(model, "train", data.weighted),
        initial_epoch=initial_epoch,
        validate=None if validation is None else validate,
        validates=validates,
    )
    return run.train()


def evaluate_loop(
    model: Any, data: Data, *, batch_size: int | None, steps: int | None = None, verbose: int = 0
) -> list[Any]:
    """The loss and the metrics over all batches: averages weighted by batch size; a metric with state as it ends."""
    arrays = data.arrays
    step = step_function(model, "test", data.weighted)
    reset_metrics(model)
    feed: Feed
    if steps is not None:
        total, feed = steps, RepeatedFeed(arrays, steps)
    else:
        assert batch_size is not None
        total = number_of_samples(arrays) or 0
        feed = ArrayFeed(arrays, total, batch_size, False, fed_dtypes(model, data))
    results = Averages(model)
    bar = Progbar(total) if verbose == 1 else None
    for size, batch in feed.batches(0):
        results.add(step(batch), size)
        if bar is not None:
            bar.add(size)
    return results.values()


def predict_loop(model: Any, inputs: list[Any], *, batch_size: int, verbose: int = 0) -> list[np.ndarray]:
    """The model's outputs for all samples."""
    step = step_function(model, "predict")
    total = number_of_samples(inputs) or 0
    bar = Progbar(total) if verbose == 1 else None
    outputs: list[np.ndarray] = []
    start = 0
    dtypes = [K.dtype(tensor) for tensor in model._feed_inputs]
    for size, batch in ArrayFeed(inputs, total, batch_size, False, dtypes).batches():
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


# -- helpers -----------------------------------------------------------------------------------------------------------


def fed_dtypes(model: Any, data: Data) -> list[str]:
    """What a training step takes for each of `data.arrays`."""
    tensors = [*model._feed_inputs, *model._feed_targets, *(model._feed_sample_weights if data.weighted else ())]
    return [K.dtype(tensor) for tensor in tensors]


def validation_arrays(model: Any, validation: Data | None) -> list[Any] | None:
    """What callbacks find as `validation_data`: inputs, targets and sample weights, ones where none are used."""
    if validation is None:
        return None
    weights = validation.weights or [np.ones(y.shape[0], dtype="float32") for y in validation.targets]
    return [*validation.inputs, *validation.targets, *weights, *([0.0] if model.uses_learning_phase else [])]
