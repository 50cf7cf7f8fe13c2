"""The functions that a model runs: one training step, one evaluation step, one prediction, each made when first needed.

Training and evaluation exist twice: with sample weights as inputs, and without, which is what most calls want. Both share
the optimizer's state and its updates.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from polykeras import backend as K
from polykeras.optimizers.base import training_graph_of

Step = Callable[[list[Any]], list[Any]]

_making = threading.RLock()  # several threads may ask a model for its first function


def step_function(model: Any, mode: str, weighted: bool = False) -> Step:
    """The function of a list of arrays (inputs, then targets, then sample weights if `weighted`) to a list of results.

    mode: "train" and "test" give the loss and the metrics, "predict" the outputs.
    """
    found = model._steps.get((mode, weighted))
    return found if found is not None else _made_once(model, mode, weighted)


def _made_once(model: Any, mode: str, weighted: bool) -> Step:
    with _making:
        key = (mode, weighted)
        if key not in model._steps:
            function = keras_function(model, mode, weighted)
            tail = ([] if weighted or mode == "predict" else [1]) + _phase(model, mode)
            model._steps[key] = _with_tail(function, tail) if tail else function
        step: Step = model._steps[key]
        return step


def keras_function(model: Any, mode: str, weighted: bool = True) -> Any:
    """The backend function, with Keras's inputs: arrays, then the learning phase if the model depends on it.

    Without sample weights a switch that must be 1 stands in their place.
    """
    with _making:
        key = (mode, weighted)
        if key not in model._functions:
            model._functions[key] = {"train": _train, "test": _test, "predict": _predict}[mode](model, weighted)
        return model._functions[key]


def _with_tail(function: Any, tail: list[int]) -> Step:
    def step(arrays: list[Any]) -> list[Any]:
        results: list[Any] = function([*arrays, *tail])
        return results

    return step


def _train(model: Any, weighted: bool) -> Any:
    updates = [*model.updates, *_training_updates(model), *model.metrics_updates]
    return _function(model, weighted, updates, "train_function")


def _test(model: Any, weighted: bool) -> Any:
    return _function(model, weighted, [*model.state_updates, *model.metrics_updates], "test_function")


def _function(model: Any, weighted: bool, updates: list[Any], name: str) -> Any:
    weights = model._feed_sample_weights if weighted else [model._unweighted]
    inputs = [*model._feed_inputs, *model._feed_targets, *weights, *_phase_input(model)]
    return K.function(inputs, [model.total_loss, *model.metrics_tensors], updates=updates, name=name)


def _predict(model: Any, weighted: bool) -> Any:
    inputs = [*model._feed_inputs, *_phase_input(model)]
    return K.function(inputs, model.outputs, updates=model.state_updates, name="predict_function")


def _training_updates(model: Any) -> list[Any]:
    """The optimizer's updates; asked for once, as asking makes the optimizer's state."""
    if model._training_updates is None:
        with K.name_scope("training"), K.name_scope(type(model.optimizer).__name__), training_graph_of(model):
            model._training_updates = model.optimizer.get_updates(
                params=model._collected_trainable_weights, loss=model.total_loss
            )
    updates: list[Any] = model._training_updates
    return updates


def _phase_input(model: Any) -> list[Any]:
    return [K.learning_phase()] if _is_phased(model) else []


def _phase(model: Any, mode: str) -> list[int]:
    return [int(mode == "train")] if _is_phased(model) else []


def _is_phased(model: Any) -> bool:
    """Whether the learning phase is an input: the model depends on it and it is not fixed."""
    return bool(model.uses_learning_phase) and not isinstance(K.learning_phase(), int)
