"""Training, evaluation and prediction on batches that a generator or a `Sequence` gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
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
from polykeras.utils.generic_utils import to_list
from polykeras.utils.progbar import Progbar
from polykeras.utils.sequence import is_sequence
from polykeras.utils.streams import Ahead, Stream, stream


def is_stream(data: Any) -> bool:
    """Whether data comes in batches: a generator, another iterator, or a Sequence."""
    return is_sequence(data) or hasattr(data, "__next__")


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
    with ExitStack() as opened:
        validation_stream: Stream | None = None
        if validation_data is not None and is_stream(validation_data):
            validation_steps = _steps(validation_data, validation_steps, "validation_steps")
            validation_stream = opened.enter_context(closing(stream(validation_data, ahead=ahead)))
        elif validation_data is not None:
            validation = model._validation_data(validation_data)

        def validate() -> list[float]:
            if validation is not None:
                return evaluate_loop(model, validation, batch_size=BATCH_SIZE, steps=validation_steps)
            assert validation_stream is not None and validation_steps is not None
            return _evaluate(model, validation_stream, validation_steps)

        has_validation = validation is not None or validation_stream is not None
        source = opened.enter_context(closing(stream(generator, shuffle=shuffle, ahead=ahead)))
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
            feed=StreamFeed(batches, steps, validation_stream),
            step=batches.train,
            initial_epoch=initial_epoch,
            validate=validate if has_validation else None,
            validates=validates,
        )
        return run.train()


class StreamFeed:
    """The batches of a stream, `steps` in each epoch.

    validation: the stream that validation takes its batches from, whose place belongs to the state.
    """

    def __init__(self, batches: _Batches, steps: int, validation: Stream | None) -> None:
        self._batches = batches
        self._steps = steps
        self._validation = validation

    def begin_epoch(self) -> None:
        """The stream goes on."""

    def batches(self, first: int = 0) -> Iterator[tuple[int, Data]]:
        return self._batches.take(self._steps - first)

    def get_state(self) -> dict[str, Any]:
        validation = None if self._validation is None else self._validation.get_state()
        return {"steps": self._steps, "stream": self._batches.get_state(), "validation": validation}

    def set_state(self, state: dict[str, Any]) -> None:
        check_same("steps", state.get("steps"), self._steps)
        self._batches.set_state(state["stream"])
        if self._validation is not None and state["validation"] is not None:
            self._validation.set_state(state["validation"])


class _Batches:
    """A stream's batches as checked data, one step's worth at a time."""

    def __init__(self, model: Any, source: Stream, class_weight: Any = None) -> None:
        self._model = model
        self._source = source
        self._class_weight = class_weight
        self._next: Data | None = None
        self._count = 0

    def peek(self) -> Data:
        """The next batch; it stays the next one."""
        if self._next is None:
            batch = next(self._source)
            try:
                self._next = self._checked(*_labelled(batch))
            except (TypeError, ValueError) as error:
                error.add_note(f"in batch {self._count} of those that the generator or Sequence gave, counted from 0")
                raise
            self._count += 1
        return self._next

    def _checked(self, x: Any, y: Any, weight: Any) -> Data:
        model = self._model
        plain = weight is None and self._class_weight is None
        arrays = model._known_arrays(x, y) if plain else None
        if arrays is not None:
            count = len(model._feed_inputs)
            return Data(arrays[:count], arrays[count:], [])
        data: Data = model._data(x, y, weight, self._class_weight)
        if plain:
            model._note_batch(x, y, data)
        return data

    def take(self, steps: int) -> Iterator[tuple[int, Data]]:
        """The next batches with their sizes."""
        for _ in range(steps):
            data = self.peek()
            self._next = None
            yield number_of_samples(data.arrays) or 0, data

    def get_state(self) -> Any:
        return self._source.get_state()

    def set_state(self, state: Any) -> None:
        self._next = None
        self._source.set_state(state)
        self._count = state["taken"]

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
    with closing(stream(generator, ahead=Ahead(max_queue_size, workers, use_multiprocessing))) as source:
        return _evaluate(model, source, steps, verbose)


def _evaluate(model: Any, source: Stream, steps: int, verbose: int = 0) -> list[float]:
    source.rewind()
    bar = Progbar(steps) if verbose == 1 else None
    results: Averages | None = None
    for size, data in _Batches(model, source).take(steps):
        if results is None:  # the first batch makes a model that has only `call`
            reset_metrics(model)
            results = Averages(model)
        results.add(step_function(model, "test", data.weighted)(data.arrays), size)
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
    bar = Progbar(steps) if verbose == 1 else None
    outputs = []
    with closing(stream(generator, ahead=Ahead(max_queue_size, workers, use_multiprocessing))) as source:
        for number in range(steps):
            batch = next(source)
            try:
                outputs.append(to_list(model.predict_on_batch(_inputs(batch))))
            except (TypeError, ValueError) as error:
                error.add_note(f"in batch {number} of those that the generator or Sequence gave, counted from 0")
                raise
            if bar is not None:
                bar.add(1)
    return [np.concatenate(parts) for parts in zip(*outputs, strict=True)]


def _inputs(batch: Any) -> Any:
    """`x` of what a generator gave."""
    if not isinstance(batch, tuple):
        return batch
    if len(batch) not in (2, 3):
        raise ValueError(
            "Output of generator should be a tuple `(x, y, sample_weight)` or `(x, y)`, or `x` alone. "
            f"Found: a tuple of {len(batch)}"
        )
    return batch[0]


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
