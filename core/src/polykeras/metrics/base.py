"""The base class of metrics that keep state from batch to batch."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from polykeras import backend as K


class Metric:
    """A metric computed over all batches of an epoch, not averaged from its values per batch.

    A metric without state is a plain function of `(y_true, y_pred)`. One with state subclasses this:

        class Hits(Metric):
            def __init__(self, name="hits"):
                super().__init__(name)
                self.count = self.add_state("count")

            def __call__(self, y_true, y_pred):
                hits = K.sum(K.cast(K.equal(y_true, K.round(y_pred)), K.floatx()))
                self.add_update(K.update_add(self.count, hits))
                return self.count + hits            # the value after this batch

    `fit` and `evaluate` set the state back at the start of each pass over the data.
    """

    stateful = True

    def __init__(self, name: str | None = None) -> None:
        self.name = name or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()
        self.weights: list[Any] = []
        self.updates: list[Any] = []
        self._starts: list[np.ndarray] = []

    def add_state(self, name: str, value: Any = 0.0, dtype: str | None = None) -> Any:
        """A variable of the state that starts from `value`."""
        with K.name_scope(self.name):
            variable = K.variable(value, dtype=dtype, name=name)
        self.weights.append(variable)
        self._starts.append(np.array(value, dtype=K.dtype(variable)))
        return variable

    def add_update(self, updates: Any) -> None:
        """Updates of the state that each batch performs."""
        self.updates += updates if isinstance(updates, (list, tuple)) else [updates]

    def reset_states(self) -> None:
        """Set the state back to its start."""
        K.batch_set_value(list(zip(self.weights, self._starts, strict=True)))

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        """The metric's value with this batch included: a scalar tensor."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, y_true, y_pred)")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        """A metric with the arguments that `get_config()` gave."""
        return cls(**config)
