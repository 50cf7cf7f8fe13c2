"""Losses, updates and metrics that layers add, and which of them belong to which inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from polykeras import backend as K
from polykeras.engine.scratch import in_scratch
from polykeras.symbolic.body import substitute
from polykeras.symbolic.graph import Key, Tensor
from polykeras.utils.generic_utils import to_list

InputsKey = tuple[Key, ...] | None


def inputs_key(inputs: Any) -> InputsKey:
    """What stands for a list of tensors in a dictionary; None for no inputs."""
    if inputs is None:
        return None
    return tuple(tensor.key for tensor in to_list(inputs, allow_tuple=True)) or None


def unique(terms: Iterable[Any]) -> list[Any]:
    """The terms, each once, in order."""
    return list({id(term): term for term in terms}.values())


@dataclass(eq=False)
class AddedMetric:
    """A metric that a layer or a model adds.

    averaged: over the batches; otherwise its value after the last one counts.
    metric, updates: the object with state that made the value, and what each batch does to that state.
    """

    name: str
    value: Any
    averaged: bool
    metric: Any = None
    updates: tuple[Any, ...] = ()


def carried(added: AddedMetric, tensors: Mapping[Key, Tensor]) -> AddedMetric:
    """The metric computed from other tensors: `tensors` says which stand for which."""
    value, *updates = substitute([added.value, *added.updates], dict(tensors))
    return AddedMetric(added.name, value, added.averaged, added.metric, tuple(updates))


class Terms:
    """What a layer adds to the training function: penalties to the loss, new values to its variables, metrics.

    Some belong to the inputs of one call (an activity penalty, a moving average), others to none (a weight's penalty).
    """

    name: str

    trainable: bool
    stateful: bool
    _losses: list[Any]
    _updates: list[Any]
    _per_input_losses: dict[InputsKey, list[Any]]
    _per_input_updates: dict[InputsKey, list[Any]]
    _per_input_metrics: dict[InputsKey, list[AddedMetric]]
    _called_on: list[Any] | None = None  # while `call` runs, its inputs

    def _clear_terms(self) -> None:
        self._losses = []
        self._updates = []
        self._per_input_losses = {}
        self._per_input_updates = {}
        self._per_input_metrics = {}

    @contextmanager
    def _calling(self, inputs: list[Any]) -> Iterator[None]:
        """What is added while this is open, without inputs of its own, belongs to these inputs."""
        before = self._called_on
        object.__setattr__(self, "_called_on", inputs)
        try:
            yield
        finally:
            object.__setattr__(self, "_called_on", before)

    @property
    def losses(self) -> list[Any]:
        """All losses that the layer has added, whatever the inputs."""
        return self._losses

    @property
    def updates(self) -> list[Any]:
        """All updates that the layer has added; none while it is frozen, unless it is stateful."""
        return self._updates if self._updates_run() else []

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Add scalar tensors to the loss of every model that has the layer.

        losses: a tensor or a list of them.
        inputs: the tensors that they depend on: then they count only where the layer was called on these. None: always;
            within `call`, where it was called on that call's inputs.
        """
        self._add(self._losses, self._per_input_losses, losses, self._called_on if inputs is None else inputs)

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Add updates of variables, which run with each training step (of a stateful layer: with each call).

        updates: what `K.update` and its like return, or pairs (variable, new value); one or a list.
        inputs:  as for `add_loss`.
        """
        self._add(self._updates, self._per_input_updates, updates, inputs)

    def add_metric(
        self, value: Any, name: str | None = None, aggregation: str | None = "mean", inputs: Any = None
    ) -> None:
        """Add a tensor to the metrics of every model that has the layer.

        value: a scalar; of another tensor the mean is taken. Or what a `Metric` object gave when it was called: then
            it is that metric, with its state, and `name` is the object's unless given.
        name: in logs.
        aggregation: "mean" averages over the batches; None takes the value of the last batch, whatever its shape.
        inputs: as for `add_loss`.

        Raises ValueError without a name and for another aggregation.
        """
        if aggregation not in ("mean", None):
            raise ValueError(f'{self.name}: add_metric takes the aggregation "mean" or None; got {aggregation!r}')
        metric, updates = getattr(value, "_metric", (None, ()))
        name = name or getattr(metric, "name", None)
        if name is None:
            raise ValueError(f"{self.name}: add_metric needs a `name` under which logs show the value {value!r}")
        averaged = metric is None and aggregation == "mean"
        if averaged and K.ndim(value) != 0:
            value = K.mean(value)
        inputs = self._called_on if inputs is None else inputs
        self._add([], self._per_input_metrics, AddedMetric(name, value, averaged, metric, tuple(updates)), inputs)

    def get_losses_for(self, inputs: Any) -> list[Any]:
        """The losses that belong to `inputs`, or with None those that belong to no inputs."""
        return list(self._per_input_losses.get(inputs_key(inputs), []))

    def get_updates_for(self, inputs: Any) -> list[Any]:
        """The updates that belong to `inputs`, or with None those that belong to no inputs; none while frozen."""
        return list(self._per_input_updates.get(inputs_key(inputs), [])) if self._updates_run() else []

    def _metrics_for(self, inputs: Any) -> list[AddedMetric]:
        """The metrics that belong to `inputs`, or with None those that belong to no inputs."""
        return list(self._per_input_metrics.get(inputs_key(inputs), []))

    def _updates_run(self) -> bool:
        return self.trainable or self.stateful

    @staticmethod
    def _add(every: list[Any], by_inputs: dict[InputsKey, list[Any]], terms: Any, inputs: Any) -> None:
        if terms is None or in_scratch():
            return
        added = to_list(terms)
        every += added
        if added:
            by_inputs.setdefault(inputs_key(inputs), []).extend(added)
