"""Adamax: Adam with the running maximum of the gradient's size in the place of its root mean square.

lr_t = lr / (1 − beta_1ᵗ)                                t = 1, 2, ...
m ← beta_1·m + (1 − beta_1)·g
u ← max(beta_2·u, |g|)
p ← p − lr_t·m / (u + epsilon)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras import backend as K
from polykeras.legacy.interfaces import later
from polykeras.optimizers.base import Optimizer, constrained, keras1_order
from polykeras.optimizers.schedule import Rate, rate_config, rate_from
from polykeras_optimizers._parts import decayed_lr, step_number, value, zeros_like_each


class Adamax(Optimizer):
    """Adamax (see the top of this file for the formula).

    lr: learning rate, >= 0, or a schedule of it; after n steps lr / (1 + decay·n).
    beta_1, beta_2: decay of the running mean and of the running maximum, 0 < beta < 1, near 1.
    epsilon: defaults to `K.epsilon()`.
    State: iterations, all m, all u.
    """

    @later(learning_rate="lr")
    def __init__(
        self,
        lr: Rate = 0.002,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = None,
        decay: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        with K.name_scope(type(self).__name__):
            self.iterations = K.variable(0, dtype="int64", name="iterations")
            self.lr = rate_from(lr)
            self.beta_1 = K.variable(beta_1, name="beta_1")
            self.beta_2 = K.variable(beta_2, name="beta_2")
            self.decay = K.variable(decay, name="decay")
        self.epsilon = K.epsilon() if epsilon is None else epsilon
        self.initial_decay = decay

    @keras1_order
    def get_updates(self, loss: Any, params: Sequence[Any]) -> list[Any]:
        grads = self.get_gradients(loss, params)
        ms, us = zeros_like_each(params), zeros_like_each(params)
        self.weights = [self.iterations, *ms, *us]

        lr_t = decayed_lr(self) / (1.0 - K.pow(self.beta_1, step_number(self)))
        fresh = 1.0 - self.beta_1

        self.updates = [K.update_add(self.iterations, 1)]
        for p, g, m, u in zip(params, grads, ms, us, strict=True):
            new_m = self.beta_1 * m + fresh * g
            new_u = K.maximum(self.beta_2 * u, K.abs(g))
            new_p = p - lr_t * new_m / (new_u + self.epsilon)
            self.updates += [K.update(m, new_m), K.update(u, new_u), K.update(p, constrained(p, new_p))]
        return self.updates

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "lr": rate_config(self),
            "beta_1": value(self.beta_1),
            "beta_2": value(self.beta_2),
            "decay": value(self.decay),
            "epsilon": self.epsilon,
        }
