"""The base class of optimizers: gradients, clipping, state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from polykeras import backend as K
from polykeras.legacy.interfaces import keywords, respell
from polykeras.optimizers.schedule import LearningRateSchedule
from polykeras.runtime.variables import Variable
from polykeras.suggest import nearest
from polykeras.utils.generic_utils import has_arg

CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")
_model: ContextVar[Any] = ContextVar("model whose training graph is being built", default=None)


class Optimizer:
    """Turns gradients into updates of weights.

    An optimizer of one's own defines `get_updates(loss, params)`, which returns updates as `K.update` and its kin make
    them, and puts its state into `self.weights`, so that it is saved with the model:

        class Momentum(Optimizer):
            def __init__(self, lr=0.01, **kwargs):
                super().__init__(**kwargs)
                self.lr = K.variable(lr, name="lr")

            def get_updates(self, loss, params):
                grads = self.get_gradients(loss, params)
                self.weights = [K.zeros(K.int_shape(p)) for p in params]
                for p, g, v in zip(params, grads, self.weights):
                    new_v = 0.9 * v - self.lr * g
                    self.updates += [K.update(v, new_v), K.update(p, p + new_v)]
                return self.updates

    Keywords of every optimizer:

    clipnorm: when the L2 norm over all gradients together exceeds it, all are scaled down to that norm.
    clipvalue: each gradient element is clipped to [-clipvalue, clipvalue].
    global_clipnorm: a later Keras's name for what `clipnorm` does here.
    """

    weights: list[Any]
    iterations: Any  # the counter of steps that a schedule depends on

    def __init__(self, **kwargs: Any) -> None:
        for keyword in kwargs:
            if keyword not in CLIPPING:
                known = [*keywords(type(self).__init__), *CLIPPING]
                near = nearest(keyword, known)
                advice = f"did you mean {near!r}?" if near else f"it takes: {', '.join(known)}"
                raise TypeError(
                    f"Unexpected keyword argument passed to optimizer {type(self).__name__}: {keyword!r}; {advice}"
                )
        if kwargs.get("clipnorm") is not None and kwargs.get("global_clipnorm") is not None:
            raise ValueError("`clipnorm` and `global_clipnorm` both limit the norm of all gradients; give one of them.")
        vars(self).update(kwargs)
        self.updates: list[Any] = []
        self.weights = []

    @property
    def lr(self) -> Any:
        """The learning rate, a variable: `K.get_value(opt.lr)`. Assigning a number sets its value.

        Where a schedule gives it, the tensor of the next step's rate, which `K.get_value` reads too.
        """
        found = vars(self).get("_lr")
        if found is None:
            raise AttributeError(f"Optimizer {type(self).__name__} has no attribute 'lr'")
        if isinstance(found, LearningRateSchedule):
            return K.cast(found(self.iterations), K.floatx())
        return found

    @lr.setter
    def lr(self, value: Any) -> None:
        current = vars(self).get("_lr")
        if K.is_tensor(value) or isinstance(value, LearningRateSchedule) or current is None:
            vars(self)["_lr"] = value
        elif isinstance(current, Variable):
            K.set_value(current, value)  # a compiled model reads this variable
        else:
            vars(self)["_lr"] = K.variable(value, name="lr")

    @property
    def lr_schedule(self) -> LearningRateSchedule | None:
        """The schedule that gives the learning rate; None where it is a variable."""
        found = vars(self).get("_lr")
        return found if isinstance(found, LearningRateSchedule) else None

    @property
    def learning_rate(self) -> Any:
        """Later Keras's name for `lr`."""
        return self.lr

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.lr = value

    def get_updates(self, loss: Any, params: Sequence[Any]) -> list[Any]:
        """The updates of one step that lowers `loss`; called once per `compile`."""
        raise NotImplementedError(f"{type(self).__name__} must define get_updates(self, loss, params)")

    def get_gradients(self, loss: Any, params: Sequence[Any]) -> list[Any]:
        """Gradients of `loss`, clipped as the keywords say.

        Raises ValueError where a parameter has no gradient, with its name.
        """
        gradients = K.gradients(loss, params)
        missing = [p.name for p, g in zip(params, gradients, strict=True) if g is None]
        if missing:
            raise ValueError(
                f"These weights have `None` for gradient: {', '.join(missing)}. Either the loss does not depend on "
                "them, or an operation between them has no gradient (K.argmax, K.round, comparisons, casts to "
                "integers). Make the layer's `trainable` False, or use differentiable operations."
            )
        return self._clip(_plugged(gradients, params))

    def _clip(self, gradients: list[Any]) -> list[Any]:
        limit = getattr(self, "clipnorm", None)
        if limit is None:
            limit = getattr(self, "global_clipnorm", None)
        if gradients and limit is not None and limit > 0:
            norm = K.sqrt(_sum([K.sum(K.square(g)) for g in gradients]))
            scale = K.minimum(limit / norm, 1.0)
            gradients = [g * scale for g in gradients]
        limit = getattr(self, "clipvalue", None)
        if limit is not None and limit > 0:
            gradients = [K.clip(g, -limit, limit) for g in gradients]
        return gradients

    def get_weights(self) -> list[np.ndarray]:
        """The state, as arrays in the order of `weights`."""
        values: list[np.ndarray] = K.batch_get_value(self.weights)
        return values

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the state from arrays in the order of `get_weights()`.

        Raises ValueError where number or shapes differ; then nothing has been set.
        """
        name = type(self).__name__
        if len(weights) != len(self.weights):
            raise ValueError(
                f"Optimizer {name} has {len(self.weights)} weights, but {len(weights)} arrays were given. "
                "(An optimizer gets its weights when a model compiled with it makes its training function.)"
            )
        arrays = [np.asarray(w) for w in weights]
        for number, (variable, array) in enumerate(zip(self.weights, arrays, strict=True)):
            if K.int_shape(variable) != array.shape:
                raise ValueError(
                    f"Optimizer weight shape {K.int_shape(variable)} not compatible with provided weight shape "
                    f"{array.shape}: weight {number} of {name}, '{variable.name}'"
                )
        K.batch_set_value(list(zip(self.weights, arrays, strict=True)))

    def get_config(self) -> dict[str, Any]:
        """The clipping keywords that were given; subclasses add their own arguments."""
        return {keyword: getattr(self, keyword) for keyword in CLIPPING if hasattr(self, keyword)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Optimizer:
        """An optimizer with the arguments that `get_config()` gave; its state starts anew."""
        return cls(**config)


def updates_of(optimizer: Any, loss: Any, params: Sequence[Any]) -> list[Any]:
    """`optimizer.get_updates`; one written for Keras 1 is given the constraints too, as it asks for them."""
    if has_arg(optimizer.get_updates, "constraints"):
        constraints = {p: p.constraint for p in params if getattr(p, "constraint", None) is not None}
        return list(optimizer.get_updates(params=params, constraints=constraints, loss=loss))
    return list(optimizer.get_updates(params=params, loss=loss))


def _keras1_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Keras 1's order: `get_updates(params, constraints, loss)`. The weights carry their constraints themselves."""
    if len(args) == 4:
        optimizer, params, _, loss = args
        return (optimizer,), {"loss": loss, "params": params}
    if "constraints" in kwargs:
        del kwargs["constraints"]
        return args[:1], {**kwargs, **dict(zip(["params"], args[1:], strict=False))}
    return None


keras1_order = respell(convert=_keras1_arguments)
"""Decorator of `get_updates(loss, params)`: accepts Keras 1's `get_updates(params, constraints, loss)`, and warns."""


def clip_norm(g: Any, c: float, n: Any) -> Any:
    """The gradient `g` scaled by min(1, c/n) for the norm `n` of all gradients; unchanged for `c` <= 0."""
    return g * K.minimum(c / n, 1.0) if c > 0 else g


def constrained(param: Any, value: Any) -> Any:
    """`value` after the constraint that `param` carries, if any."""
    constraint = getattr(param, "constraint", None)
    return value if constraint is None else constraint(value)


def _sum(terms: list[Any]) -> Any:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


@contextmanager
def training_graph_of(model: Any) -> Iterator[None]:
    """While open, gradients are those of `model`: plugins are told so."""
    token = _model.set(model)
    try:
        yield
    finally:
        _model.reset(token)


def _plugged(gradients: list[Any], params: Sequence[Any]) -> list[Any]:
    """The gradients after the plugins' hook `polykeras_gradients`."""
    from polykeras import plugins

    replaced = plugins.chain(
        "polykeras_gradients", "gradients", model=_model.get(), gradients=gradients, variables=list(params)
    )
    return list(replaced)
