"""Adagrad: the step is divided by the root of the sum of all squared gradients so far.

a ← a + g²
p ← p − lr·g / (√a + epsilon)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras import backend as K
from polykeras.legacy.interfaces import later
from polykeras.optimizers.base import Optimizer, constrained, keras1_order
from polykeras.optimizers.schedule import Rate, rate_config, rate_from
from polykeras_optimizers._parts import decayed_lr, root, scheduled_counter, value, zeros_like_each


class Adagrad(Optimizer):
    """Adagrad (see the top of this file for the formula): parameters that move often move less.

    lr: learning rate, >= 0, or a schedule of it; after n steps lr / (1 + decay·n).
    epsilon: defaults to `K.epsilon()`.
    State: one accumulator per parameter; iterations, where `lr` is a schedule.
    """

    @later(learning_rate="lr")
    def __init__(self, lr: Rate = 0.01, epsilon: float | None = None, decay: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        with K.name_scope(type(self).__name__):
            self.lr = rate_from(lr)
            self.decay = K.variable(decay, name="decay")
            self.iterations = K.variable(0, dtype="int64", name="iterations")
        self.epsilon = K.epsilon() if epsilon is None else epsilon
        self.initial_decay = decay

    @keras1_order
    def get_updates(self, loss: Any, params: Sequence[Any]) -> list[Any]:
        grads = self.get_gradients(loss, params)
        accumulators = zeros_like_each(params)
        self.weights = [*accumulators, *scheduled_counter(self)]
        lr = decayed_lr(self)

        self.updates = [K.update_add(self.iterations, 1)]
        for p, g, a in zip(params, grads, accumulators, strict=True):
            new_a = a + K.square(g)
            new_p = p - lr * g / (root(new_a) + self.epsilon)
            self.updates += [K.update(a, new_a), K.update(p, constrained(p, new_p))]
        return self.updates

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "lr": rate_config(self),
            "decay": value(self.decay),
            "epsilon": self.epsilon,
        }
