"""An optimizer from any object that turns gradients into updates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from polykeras import backend as K
from polykeras.optimizers.base import Optimizer, keras1_order
from polykeras.utils.generic_utils import has_arg, to_list

_METHODS = ("apply_gradients", "apply")


class TFOptimizer(Optimizer):
    """Trains with an object that is no `Optimizer`; named for the role that it has in Keras 2.

    optimizer: an object with one of
        `apply_gradients(pairs)`, given (gradient, weight) pairs;
        `apply(gradients, weights)`;
        or a function `(gradients, weights)`.
        It returns the updates: what `K.update` and its like return, (variable, new value) pairs, or a list of either.
        If it has `compute_gradients(loss, weights)`, that gives the pairs. `apply_gradients` may take `global_step`,
        the variable that counts steps; then it counts them itself.

    It has no `lr`, no `weights` and no configuration: a saved model holds neither the optimizer nor its state.
    """

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer
        with K.name_scope(type(self).__name__):
            self.iterations = K.variable(0, dtype="int64", name="iterations")
        self.updates = []

    @keras1_order
    def get_updates(self, loss: Any, params: Sequence[Any]) -> list[Any]:
        pairs = self._gradients(loss, params)
        counted, made = self._apply(pairs)
        self.updates = [] if counted else [K.update_add(self.iterations, 1)]
        self.updates += [update for update in _as_list(made) if update is not None]
        return self.updates

    def _gradients(self, loss: Any, params: Sequence[Any]) -> list[tuple[Any, Any]]:
        """(gradient, weight) pairs"""
        if hasattr(self.optimizer, "compute_gradients"):
            return list(self.optimizer.compute_gradients(loss, list(params)))
        return list(zip(self.get_gradients(loss, params), params, strict=True))

    def _apply(self, pairs: list[tuple[Any, Any]]) -> tuple[bool, Any]:
        """Whether the object counts the steps itself, and its updates."""
        method = next((name for name in _METHODS if hasattr(self.optimizer, name)), None)
        if method == "apply_gradients":
            apply: Callable[..., Any] = self.optimizer.apply_gradients
            if has_arg(apply, "global_step"):
                return True, apply(pairs, global_step=self.iterations)
            return False, apply(pairs)
        gradients, weights = [gradient for gradient, _ in pairs], [weight for _, weight in pairs]
        if method == "apply":
            return False, self.optimizer.apply(gradients, weights)
        if callable(self.optimizer):
            return False, self.optimizer(gradients, weights)
        raise TypeError(
            f"TFOptimizer needs an object with `apply_gradients(pairs)` or `apply(gradients, weights)`, or a function "
            f"of (gradients, weights); got {self.optimizer!r}"
        )

    @property
    def weights(self) -> NoReturn:  # type: ignore[override]
        """The wrapped object keeps its own state: NotImplementedError."""
        raise NotImplementedError("TFOptimizer: the state belongs to the optimizer that it wraps.")

    def get_config(self) -> NoReturn:
        raise NotImplementedError("TFOptimizer wraps an object that has no configuration.")

    @classmethod
    def from_config(cls, config: Any) -> NoReturn:
        raise NotImplementedError("TFOptimizer wraps an object that no configuration describes.")


def is_adaptable(identifier: Any) -> bool:
    """Whether an object that is no `Optimizer` applies gradients."""
    return not isinstance(identifier, type) and any(callable(getattr(identifier, name, None)) for name in _METHODS)


def _as_list(made: Any) -> list[Any]:
    """The updates; a pair (variable, new value) is one, not two."""
    if isinstance(made, tuple) and len(made) == 2 and K.is_variable(made[0]):
        return [made]
    return to_list(made, allow_tuple=True)
