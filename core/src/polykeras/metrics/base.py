"""The base class of metrics that keep state from batch to batch."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Self

import numpy as np

from polykeras import backend as K
from polykeras.symbolic.body import substitute
from polykeras.utils.generic_utils import to_list


class Metric:
    """A metric computed over all batches of an epoch, not averaged from its values per batch.

    A metric without state is a plain function of `(y_true, y_pred)`. One with state subclasses this:

        class Hits(Metric):
            def __init__(self, name="hits", **kwargs):
                super().__init__(name, **kwargs)
                self.count = self.add_state("count")

            def update_state(self, y_true, y_pred, sample_weight=None):
                hits = K.cast(K.equal(y_true, K.round(y_pred)), K.floatx())
                return K.update_add(self.count, K.sum(hits))

            def result(self):
                return self.count

    The state is read and updated in the program of the training step itself. `fit` and `evaluate` set it back at the
    start of each pass over the data; `train_on_batch` and `test_on_batch` do not.

    name: in logs; by default the class's name in small letters, words joined by `_`.
    dtype: of the state, float64 by default: counts stay exact, and sums of many batches precise.
    """

    stateful = True

    def __init__(self, name: str | None = None, dtype: str | None = None) -> None:
        self.name = name or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()
        self.dtype = dtype
        self.weights: list[Any] = []
        self.updates: list[Any] = []
        self._starts: list[np.ndarray] = []

    # -- the state -----------------------------------------------------------------------------------------------------

    def add_state(self, name: str, value: Any = 0.0, dtype: str | None = None) -> Any:
        """A variable of the state that starts from `value`. It has `assign`, `assign_add` and `assign_sub`."""
        with K.name_scope(self.name):
            variable = K.variable(value, dtype=dtype or self.dtype or "float64", name=name)
        for method, update in _ASSIGNMENTS.items():
            setattr(variable, method, partial(self._assign, update, variable))
        self.weights.append(variable)
        self._starts.append(np.array(value, dtype=K.dtype(variable)))
        return variable

    def add_weight(
        self, name: str = "state", shape: Sequence[int] = (), initializer: str = "zeros", dtype: str | None = None
    ) -> Any:
        """Later Keras's `add_state`: of a shape, from "zeros" or "ones"; ValueError for other initializers."""
        starts = {"zeros": 0.0, "zero": 0.0, "ones": 1.0, "one": 1.0}
        if initializer not in starts:
            raise ValueError(
                f"Metric {self.name}: add_weight takes the initializers 'zeros' and 'ones'; got {initializer!r}. "
                "add_state(name, value) starts from any array."
            )
        return self.add_state(name, np.full(tuple(shape), starts[initializer]), dtype)

    def add_update(self, updates: Any) -> None:
        """Updates of the state that each batch performs: what `update_state` may do in the place of returning them."""
        self.updates += _as_updates(updates)

    def _assign(self, update: Callable[[Any, Any], Any], variable: Any, value: Any) -> Any:
        made = update(variable, value)
        self.updates.append(made)
        return made

    def reset_states(self) -> None:
        """Set the state back to its start."""
        K.batch_set_value(list(zip(self.weights, self._starts, strict=True)))

    def reset_state(self) -> None:
        """A later Keras's name for `reset_states`."""
        self.reset_states()

    # -- the value -----------------------------------------------------------------------------------------------------

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """What a batch does to the state: one update or a list, as `K.update` and its like make them.

        args: `(y_true, y_pred, sample_weight=None)`; the weights, where there are some, of shape (batch,) or
            (batch, time).
        """
        raise NotImplementedError(f"{type(self).__name__} must define update_state(self, y_true, y_pred, ...)")

    def result(self) -> Any:
        """The metric's value by its state: a scalar tensor, or one of any shape."""
        raise NotImplementedError(f"{type(self).__name__} must define result(self)")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The metric's value with this batch included; the updates are in `updates`."""
        earlier = len(self.updates)
        self.updates += _as_updates(self.update_state(*args, **kwargs))
        made = self.updates[earlier:] = _each_once(self.updates[earlier:])
        if not made:
            raise ValueError(
                f"Metric {self.name}: update_state of {type(self).__name__} made no update; return what K.update_add "
                "and its like return."
            )
        value = _after(made, self.result(), self.name)
        value._metric = self, made
        return value

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self.name} if self.dtype is None else {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A metric with the arguments that `get_config()` gave."""
        return cls(**config)


_ASSIGNMENTS = {"assign": K.update, "assign_add": K.update_add, "assign_sub": K.update_sub}


def _as_updates(updates: Any) -> list[Any]:
    """Update tensors; a pair (variable, new value) is one."""
    if updates is None:
        return []
    if _is_pair(updates):
        updates = [updates]
    return [K.update(*one) if _is_pair(one) else one for one in to_list(updates, allow_tuple=True)]


def _is_pair(update: Any) -> bool:
    return isinstance(update, tuple) and len(update) == 2 and K.is_variable(update[0])


def _each_once(updates: list[Any]) -> list[Any]:
    """`update_state` may note an update and return it too."""
    return list({id(update): update for update in updates}.values())


def _after(updates: list[Any], value: Any, name: str) -> Any:
    """`value`, computed from the variables as they are after the updates."""
    new: dict[Any, Any] = {}
    for update in updates:
        variable = update.node.inputs[0]
        if variable.key in new:
            raise ValueError(f"Metric {name}: a batch updates {variable.name} twice; make it one update.")
        new[variable.key] = update
    return substitute([K.identity(value)], new)[0]
