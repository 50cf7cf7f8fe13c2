"""Stochastic gradient descent.

v ← momentum·v − lr·g
p ← p + v                              with nesterov: p + momentum·v − lr·g
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras import backend as K
from polykeras.legacy.interfaces import later
from polykeras.optimizers.base import Optimizer, constrained, keras1_order
from polykeras.optimizers.schedule import Rate, rate_config, rate_from
from polykeras_optimizers._parts import decayed_lr, value, zeros_like_each


class SGD(Optimizer):
    """Stochastic gradient descent with momentum (see the top of this file for the formula).

    lr: learning rate, >= 0, or a schedule of it; after n steps lr / (1 + decay·n).
    nesterov: look ahead along the new velocity.
    State: iterations, then one velocity per parameter.
    """

    @later(learning_rate="lr")
    def __init__(
        self, lr: Rate = 0.01, momentum: float = 0.0, decay: float = 0.0, nesterov: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        with K.name_scope(type(self).__name__):
            self.iterations = K.variable(0, dtype="int64", name="iterations")
            self.lr = rate_from(lr)
            self.momentum = K.variable(momentum, name="momentum")
            self.decay = K.variable(decay, name="decay")
        self.initial_decay = decay
        self.nesterov = nesterov

    @keras1_order
    def get_updates(self, loss: Any, params: Sequence[Any]) -> list[Any]:
        grads = self.get_gradients(loss, params)
        velocities = zeros_like_each(params)
        self.weights = [self.iterations, *velocities]
        lr = decayed_lr(self)

        self.updates = [K.update_add(self.iterations, 1)]
        for p, g, v in zip(params, grads, velocities, strict=True):
            step = lr * g
            new_v = self.momentum * v - step
            new_p = p + self.momentum * new_v - step if self.nesterov else p + new_v
            self.updates += [K.update(v, new_v), K.update(p, constrained(p, new_p))]
        return self.updates

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "lr": rate_config(self),
            "momentum": value(self.momentum),
            "decay": value(self.decay),
            "nesterov": self.nesterov,
        }
