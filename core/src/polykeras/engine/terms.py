"""Losses and updates that layers add, and which of them belong to which inputs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from polykeras.engine.scratch import in_scratch
from polykeras.symbolic.graph import Key
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


class Terms:
    """What a layer adds to the training function: penalties to the loss, new values to its variables.

    Some belong to the inputs of one call (an activity penalty, a moving average), others to none (a weight's penalty).
    """

    trainable: bool
    stateful: bool
    _losses: list[Any]
    _updates: list[Any]
    _per_input_losses: dict[InputsKey, list[Any]]
    _per_input_updates: dict[InputsKey, list[Any]]

    def _clear_terms(self) -> None:
        self._losses = []
        self._updates = []
        self._per_input_losses = {}
        self._per_input_updates = {}

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
        inputs: the tensors that they depend on: then they count only where the layer was called on these. None: always.
        """
        self._add(self._losses, self._per_input_losses, losses, inputs)

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Add updates of variables, which run with each training step (of a stateful layer: with each call).

        updates: what `K.update` and its like return, or pairs (variable, new value); one or a list.
        inputs:  as for `add_loss`.
        """
        self._add(self._updates, self._per_input_updates, updates, inputs)

    def get_losses_for(self, inputs: Any) -> list[Any]:
        """The losses that belong to `inputs`, or with None those that belong to no inputs."""
        return list(self._per_input_losses.get(inputs_key(inputs), []))

    def get_updates_for(self, inputs: Any) -> list[Any]:
        """The updates that belong to `inputs`, or with None those that belong to no inputs; none while frozen."""
        return list(self._per_input_updates.get(inputs_key(inputs), [])) if self._updates_run() else []

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
