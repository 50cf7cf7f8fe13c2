"""Adadelta: the step's scale comes from the steps before, so that it needs no learning rate.

a ← rho·a + (1 − rho)·g²
u = g·√(d + epsilon) / √(a + epsilon)
p ← p − lr·u
d ← rho·d + (1 − rho)·u²
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras import backend as K
from polykeras.legacy.interfaces import later
from polykeras.optimizers.base import Optimizer, constrained, keras1_order
from polykeras.optimizers.schedule import Rate, rate_config, rate_from
from polykeras_optimizers._parts import decayed_lr, root, scheduled_counter, value, zeros_like_each


class Adadelta(Optimizer):
    """Adadelta (see the top of this file for the formula).

    lr: a factor, best left at 1; after n steps lr / (1 + decay·n).
    epsilon: defaults to `K.epsilon()`.
    State: the gradients' accumulators `a`, one per parameter, then the steps' accumulators `d`; iterations, where `lr`
    is a schedule.
    """

    @later(learning_rate="lr")
    def __init__(
        self, lr: Rate = 1.0, rho: float = 0.95, epsilon: float | None = None, decay: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        with K.name_scope(type(self).__name__):
            self.lr = rate_from(lr)
            self.decay = K.variable(decay, name="decay")
            self.iterations = K.variable(0, dtype="int64", name="iterations")
        self.rho = rho
        self.epsilon = K.epsilon() if epsilon is None else epsilon
        self.initial_decay = decay

    @keras1_order
    def get_updates(self, loss: Any, params: Sequence[Any]) -> list[Any]:
        grads = self.get_gradients(loss, params)
        accumulators, deltas = zeros_like_each(params), zeros_like_each(params)
        self.weights = [*accumulators, *deltas, *scheduled_counter(self)]
        lr = decayed_lr(self)
        rho, fresh = self.rho, 1.0 - self.rho

        self.updates = [K.update_add(self.iterations, 1)]
        for p, g, a, d in zip(params, grads, accumulators, deltas, strict=True):
            new_a = rho * a + fresh * K.square(g)
            u = g * root(d + self.epsilon) / root(new_a + self.epsilon)
            new_d = rho * d + fresh * K.square(u)
            self.updates += [K.update(a, new_a), K.update(p, constrained(p, p - lr * u)), K.update(d, new_d)]
        return self.updates

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "lr": rate_config(self),
            "rho": self.rho,
            "decay": value(self.decay),
            "epsilon": self.epsilon,
        }
