"""Nadam: Adam with Nesterov momentum, and a momentum that grows over the steps.

μ_t = beta_1·(1 − 0.5·0.96^(schedule_decay·t))           t = 1, 2, ...
P_t = μ_1·μ_2·…·μ_t
m ← beta_1·m + (1 − beta_1)·g
v ← beta_2·v + (1 − beta_2)·g²
n = (1 − μ_t)·g / (1 − P_t) + μ_(t+1)·m / (1 − P_(t+1))
p ← p − lr·n / (√(v / (1 − beta_2ᵗ)) + epsilon)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras import backend as K
from polykeras.legacy.interfaces import later
from polykeras.optimizers.base import Optimizer, constrained, keras1_order
from polykeras.optimizers.schedule import Rate, rate_config, rate_from
from polykeras_optimizers._parts import root, step_number, value, zeros_like_each


class Nadam(Optimizer):
    """Nadam (see the top of this file for the formula); its defaults are best left alone.

    lr: learning rate, >= 0, or a schedule of it.
    beta_1, beta_2: decay of the running mean and of the running square, 0 < beta < 1, near 1.
    epsilon: defaults to `K.epsilon()`.
    State: iterations, all m, all v. As in Keras 2.2.4 the product P is in no file: a loaded model starts it at 1 again.
    """

    @later(learning_rate="lr")
    def __init__(
        self,
        lr: Rate = 0.002,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = None,
        schedule_decay: float = 0.004,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        with K.name_scope(type(self).__name__):
            self.iterations = K.variable(0, dtype="int64", name="iterations")
            self.m_schedule = K.variable(1.0, name="m_schedule")
            self.lr = rate_from(lr)
            self.beta_1 = K.variable(beta_1, name="beta_1")
            self.beta_2 = K.variable(beta_2, name="beta_2")
        self.epsilon = K.epsilon() if epsilon is None else epsilon
        self.schedule_decay = schedule_decay

    @keras1_order
    def get_updates(self, loss: Any, params: Sequence[Any]) -> list[Any]:
        grads = self.get_gradients(loss, params)
        ms, vs = zeros_like_each(params), zeros_like_each(params)
        self.weights = [self.iterations, *ms, *vs]

        t = step_number(self)
        mu, next_mu = self._momentum(t), self._momentum(t + 1.0)
        product = self.m_schedule * mu
        of_gradient = self.lr * (1.0 - mu) / (1.0 - product)
        of_mean = self.lr * next_mu / (1.0 - product * next_mu)
        correction = 1.0 / (1.0 - K.pow(self.beta_2, t))
        fresh_1, fresh_2 = 1.0 - self.beta_1, 1.0 - self.beta_2

        self.updates = [K.update_add(self.iterations, 1), K.update(self.m_schedule, product)]
        for p, g, m, v in zip(params, grads, ms, vs, strict=True):
            new_m = self.beta_1 * m + fresh_1 * g
            new_v = self.beta_2 * v + fresh_2 * K.square(g)
            new_p = p - (of_gradient * g + of_mean * new_m) / (root(correction * new_v) + self.epsilon)
            self.updates += [K.update(m, new_m), K.update(v, new_v), K.update(p, constrained(p, new_p))]
        return self.updates

    def _momentum(self, t: Any) -> Any:
        """μ_t, a scalar"""
        return self.beta_1 * (1.0 - 0.5 * K.pow(K.cast_to_floatx(0.96), t * self.schedule_decay))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "lr": rate_config(self),
            "beta_1": value(self.beta_1),
            "beta_2": value(self.beta_2),
            "epsilon": self.epsilon,
            "schedule_decay": self.schedule_decay,
        }
