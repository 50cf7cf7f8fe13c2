"""Training, evaluation and prediction on batches that a generator or a `Sequence` gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import numpy as np

from polykeras.engine.batches import check_same
from polykeras.engine.feeding import number_of_samples
from polykeras.engine.functions import step_function
from polykeras.engine.loops import (
    BATCH_SIZE,
    Data,
    evaluate_loop,
    validation_arrays,
)
from polykeras.engine.run import Averages, TrainingRun, reset_metrics
from polykeras.utils.data_utils import Ahead, Sequence, Stream, stream
from polykeras.utils.generic_utils import to_list
from polykeras.utils.progbar import Progbar


def is_stream(data: Any) -> bool:
    """Whether data comes in batches: a generator, another iterator, or a Sequence."""
    return is_sequence(data) or hasattr(data, "__next__")


def is_sequence(data: Any) -> bool:
    """Whether batches have numbers: a `Sequence`, or what has all its methods."""
    if isinstance(data, Sequence):
        return True
    return all(hasattr(data, name) for name in ("__len__", "__getitem__", "on_epoch_end"))


def fit_generator(
    model: Any,
    generator: Any,
    *,
    steps_per_epoch: int | None,
    epochs: int,
    verbose: int,
    callbacks: Any,
    validation_data: Any,
    validation_steps: int | None,
    class_weight: Any,
    max_queue_size: int,
    workers: int,
    use_multiprocessing: bool,
    shuffle: bool,
    initial_epoch: int,
    validates: Callable[[int], bool],
) -> Any:
    """Train for epochs `initial_epoch` to `epochs` - 1 of `steps_per_epoch` batches each; the History."""
    steps = _steps(generator, steps_per_epoch, "steps_per_epoch")
    ahead = Ahead(max_queue_size, workers, use_multiprocessing)
    validation: Data | None = None
    validation_stream: Stream | None = None
    if validation_data is not None and is_stream(validation_data):
        validation_steps = _steps(validation_data, validation_steps, "validation_steps")
        validation_stream = stream(validation_data, shuffle=False, ahead=ahead)
    elif validation_data is not None:
        validation = model._validation_data(validation_data)

    def validate() -> list[float]:
        if validation is not None:
            return evaluate_loop(model, validation, batch_size=BATCH_SIZE, steps=validation_steps)
        assert validation_stream is not None and validation_steps is not None
        return _evaluate(model, validation_stream, validation_steps)

    has_validation = validation is not None or validation_stream is not None
    source = stream(generator, shuffle=shuffle, ahead=ahead)
    with closing(source), closing(validation_stream or source):
        batches = _Batches(model, source, class_weight)
        if model._unweighted_loss is None:
            batches.peek()  # the first batch makes a model that has only `call`
        run = TrainingRun(
            model,
            callbacks,
            count_mode="steps",
            params={
                "epochs": epochs,
                "steps": steps,
                "samples": None,
                "verbose": verbose,
                "do_validation": has_validation,
            },
            validation_arrays=validation_arrays(model, validation),
            feed=StreamFeed(batches, steps),
            step=batches.train,
            initial_epoch=initial_epoch,
            validate=validate if has_validation else None,
            validates=validates,
        )
        return run.train()


class StreamFeed:
    """The batches of a stream, `steps` in each epoch."""

    def __init__(self, batches: _Batches, steps: int) -> None:
        self._batches = batches
        self._steps = steps

    def begin_epoch(self) -> None:
        """The stream goes on."""

    def batches(self, first: int = 0) -> Iterator[tuple[int, Data]]:
        return self._batches.take(self._steps - first)

    def get_state(self) -> dict[str, Any]:
        return {"steps": self._steps, "stream": self._batches.get_state()}

    def set_state(self, state: dict[str, Any]) -> None:
        check_same("steps", state.get("steps"), self._steps)
        self._batches.set_state(state["stream"])


class _Batches:
    """A stream's batches as checked data, one step's worth at a time."""

    def __init__(self, model: Any, source: Stream, class_weight: Any) -> None:
        self._model = model
        self._source = source
        self._class_weight = class_weight
        self._next: Data | None = None

    def peek(self) -> Data:
        """The next batch; it stays the next one."""
        if self._next is None:
            x, y, weight = _labelled(next(self._source))
            self._next = self._model._data(x, y, weight, self._class_weight)
        return self._next

    def take(self, steps: int) -> Iterator[tuple[int, Data]]:
        """The next batches with their sizes."""
        for _ in range(steps):
            data = self.peek()
            self._next = None
            yield number_of_samples(data.arrays) or 0, data

    def train(self, data: Data) -> list[Any]:
        """One training step."""
        return step_function(self._model, "train", data.weighted)(data.arrays)


def evaluate_generator(
    model: Any,
    generator: Any,
    *,
    steps: int | None,
    max_queue_size: int,
    workers: int,
    use_multiprocessing: bool,
    verbose: int,
) -> list[float]:
    """The loss and the metrics over `steps` batches."""
    steps = _steps(generator, steps, "steps")
    source = stream(generator, shuffle=False, ahead=Ahead(max_queue_size, workers, use_multiprocessing))
    with closing(source):
        return _evaluate(model, source, steps, verbose)


def _evaluate(model: Any, source: Stream, steps: int, verbose: int = 0) -> list[float]:
    source.rewind()
    bar = Progbar(steps) if verbose == 1 else None
    results: Averages | None = None
    for _ in range(steps):
        x, y, weight = _labelled(next(source))
        data = model._data(x, y, weight)
        if results is None:
            reset_metrics(model)
            results = Averages(model)
        step = step_function(model, "test", data.weighted)
        results.add(step(data.arrays), number_of_samples(data.arrays) or 0)
        if bar is not None:
            bar.add(1)
    assert results is not None
    return results.values()


def predict_generator(
    model: Any,
    generator: Any,
    *,
    steps: int | None,
    max_queue_size: int,
    workers: int,
    use_multiprocessing: bool,
    verbose: int,
) -> list[np.ndarray]:
    """The outputs for `steps` batches, put together."""
    steps = _steps(generator, steps, "steps")
    source = stream(generator, shuffle=False, ahead=Ahead(max_queue_size, workers, use_multiprocessing))
    bar = Progbar(steps) if verbose == 1 else None
    outputs = []
    with closing(source):
        for _ in range(steps):
            batch = next(source)
            if isinstance(batch, tuple):
                if len(batch) not in (2, 3):
                    raise ValueError(
                        "Output of generator should be a tuple `(x, y, sample_weight)` or `(x, y)`, or `x` alone. "
                        f"Found a tuple of {len(batch)}."
                    )
                batch = batch[0]
            outputs.append(to_list(model.predict_on_batch(batch)))
            if bar is not None:
                bar.add(1)
    return [np.concatenate(parts) for parts in zip(*outputs, strict=True)]


def _labelled(batch: Any) -> tuple[Any, Any, Any]:
    """`(x, y, sample_weight)` of what a generator gave."""
    if not isinstance(batch, tuple) or len(batch) not in (2, 3):
        found = f"a tuple of {len(batch)}" if isinstance(batch, tuple) else type(batch).__name__
        raise ValueError(f"Output of generator should be a tuple `(x, y, sample_weight)` or `(x, y)`. Found: {found}")
    x, y, *weight = batch
    return x, y, weight[0] if weight else None


def _steps(source: Any, steps: int | None, argument: str) -> int:
    if steps is None:
        if not is_sequence(source):
            raise ValueError(
                f"`{argument}=None` is only valid for a generator based on the `polykeras.utils.Sequence` class, whose "
                f"length is known. Please specify `{argument}`, or use such a Sequence."
            )
        steps = len(source)
    if steps < 1:
        raise ValueError(f"`{argument}` should be at least 1; got {steps}")
    return steps
