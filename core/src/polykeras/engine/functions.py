"""The functions that a model runs: one training step, one evaluation step, one prediction, each made when first needed.

Training and evaluation exist twice: with sample weights as inputs, and without, which is what most calls want. Both
share the optimizer's state and its updates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from polykeras import backend as K
from polykeras.engine.compiling import weighted as with_weights
from polykeras.optimizers.base import training_graph_of, updates_of
from polykeras.runtime import forking, select
from polykeras.runtime.function import materialise
from polykeras.symbolic import collector
from polykeras.symbolic.graph import topological
from polykeras.symbolic.op import VARIABLE
from polykeras.utils.generic_utils import to_list

Step = Callable[[list[Any]], list[Any]]

_making = forking.reentrant_lock()  # several threads may ask a model for its first function


def step_function(model: Any, mode: str, weighted: bool = False) -> Step:
    """The function of a list of arrays (inputs, then targets, then sample weights if `weighted`) to a list of results.

    mode: "train" and "test" give the loss and the metrics, "predict" the outputs.
    """
    found = model._steps.get((mode, weighted))
    return found if found is not None else _step_made_once(model, mode, weighted)


def _step_made_once(model: Any, mode: str, weighted: bool) -> Step:
    with _making:
        key = (mode, weighted)
        if key not in model._steps and _foreign(model, mode) is not None:
            model._steps[key] = _fed_as_keras(model, mode, weighted)
        if key not in model._steps:
            # Outside training the learning phase need not be fed: it is 0 then.
            phased = mode == "train" and _is_phased(model)
            function = _function(model, mode, weighted, phased)
            model._steps[key] = _in_training_phase(function) if phased else function
        step: Step = model._steps[key]
        return step


def _foreign(model: Any, mode: str) -> Any:
    """The function that a user has put in the place of the model's own, or that an overridden `_make_..._function` did.

    While such a method runs, what it asks the base class for is the model's own.
    """
    if mode not in model._foreign_functions and mode not in model._modes_in_making and model._makes_its_own(mode):
        model._modes_in_making.add(mode)
        try:
            getattr(model, f"_make_{mode}_function")()
        finally:
            model._modes_in_making.discard(mode)
    return model._foreign_functions.get(mode)


def _fed_as_keras(model: Any, mode: str, weighted: bool) -> Step:
    """A step by a function with Keras's inputs: weights, which nobody may have given, and the phase if it is used."""
    phase = [float(mode == "train")] if _is_phased(model) else []
    targets = slice(len(model._feed_inputs), len(model._feed_inputs) + len(model._feed_targets or ()))

    def step(arrays: list[Any]) -> list[Any]:
        ones = [] if weighted or mode == "predict" else model._weights_of_one(arrays[targets])
        function = model._foreign_functions[mode]
        results: list[Any] = to_list(function([*arrays, *ones, *phase]))
        return results

    return step


def _in_training_phase(function: Any) -> Step:
    phase = np.ones((), function.inputs[-1].numpy)

    def step(arrays: list[Any]) -> list[Any]:
        results: list[Any] = function([*arrays, phase])
        return results

    return step


def training_storages(model: Any) -> list[Any]:
    """Where all variables lie that decide how training goes on, with their values; in the order they were made in.

    Those of the model, the optimizer, the metrics, the random ops, and whatever else a training step reads or writes.
    """
    step_function(model, "train")  # makes the optimizer's state
    outputs, updates = _results(model, "train")
    roots = [*outputs, *model.weights, *_state_of(model.optimizer)]
    for update in updates:
        roots += update if isinstance(update, (tuple, list)) else [update]
    nodes = topological([root for root in roots if K.is_tensor(root)])
    storages = [node.attrs["value"] for node in nodes if node.op is VARIABLE]
    materialise(storages, select.current())
    return storages


def _state_of(optimizer: Any) -> list[Any]:
    """The optimizer's weights; none of one that keeps them to itself: its updates show them."""
    try:
        return list(optimizer.weights)
    except (AttributeError, NotImplementedError):
        return []


def keras_function(model: Any, mode: str) -> Any:
    """The backend function with Keras's inputs: inputs, targets, sample weights, and the learning phase if used."""
    with _making:
        if mode not in model._functions:
            model._functions[mode] = _function(model, mode, weighted=mode != "predict", phased=_is_phased(model))
        return model._functions[mode]


@collector.paused()
def _function(model: Any, mode: str, weighted: bool, phased: bool) -> Any:
    inputs = list(model._feed_inputs)
    outputs, updates = _results(model, mode)
    if mode != "predict":
        inputs += model._feed_targets
    if weighted:
        outputs, updates = _weighted(model, outputs, updates)
        inputs += model._feed_sample_weights
    if phased:
        inputs.append(K.learning_phase())
    return K.function(inputs, outputs, updates=updates, name=f"{mode}_function")


def _results(model: Any, mode: str) -> tuple[list[Any], list[Any]]:
    """Outputs and updates of a function."""
    if mode == "predict":
        return model.outputs, list(model.state_updates)
    outputs = [model._unweighted_loss, *model.metrics_tensors]
    if mode == "test":
        return outputs, [*model.state_updates, *model.metrics_updates]
    return outputs, [*model.updates, *_training_updates(model), *model.metrics_updates]


def _training_updates(model: Any) -> list[Any]:
    """The optimizer's updates; asked for once, as asking makes the optimizer's state."""
    if model._training_updates is None:
        with K.name_scope("training"), K.name_scope(type(model.optimizer).__name__), training_graph_of(model):
            model._training_updates = updates_of(
                model.optimizer, model._unweighted_loss, model._collected_trainable_weights
            )
    updates: list[Any] = model._training_updates
    return updates


def _weighted(model: Any, outputs: list[Any], updates: list[Any]) -> tuple[list[Any], list[Any]]:
    """Outputs and updates with the sample weights in them."""
    values = [update[1] if isinstance(update, (tuple, list)) else update for update in updates]
    copies = with_weights([*outputs, *values], model._feed_outputs)
    values = copies[len(outputs) :]
    pairs = [
        (update[0], value) if isinstance(update, (tuple, list)) else value
        for update, value in zip(updates, values, strict=True)
    ]
    return copies[: len(outputs)], pairs


def _is_phased(model: Any) -> bool:
    """Whether the learning phase is an input: the model depends on it and it is not fixed."""
    return bool(model.uses_learning_phase) and not isinstance(K.learning_phase(), int)
