"""Adam: momentum, divided by a running root mean square of the gradient, both corrected for their start at zero.

lr_t = lr·√(1 − beta_2ᵗ) / (1 − beta_1ᵗ)                 t = 1, 2, ...
m ← beta_1·m + (1 − beta_1)·g
v ← beta_2·v + (1 − beta_2)·g²
p ← p − lr_t·m / (√v + epsilon)        with amsgrad: v̂ ← max(v̂, v) in the place of v
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras import backend as K
from polykeras.legacy.interfaces import later
from polykeras.optimizers.base import Optimizer, constrained, keras1_order
from polykeras.optimizers.schedule import Rate, rate_config, rate_from
from polykeras_optimizers._parts import decayed_lr, root, step_number, value, zeros_like_each


class Adam(Optimizer):
    """Adam (see the top of this file for the formula).

    lr: learning rate, >= 0, or a schedule of it; after n steps lr / (1 + decay·n).
    beta_1, beta_2: decay of the running mean and of the running square, 0 < beta < 1, near 1.
    epsilon: defaults to `K.epsilon()`.
    amsgrad: divide by the greatest running square so far.
    State: iterations, all m, all v, all v̂ (of shape (1,) where not `amsgrad`).
    """

    @later(learning_rate="lr")
    def __init__(
        self,
        lr: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = None,
        decay: float = 0.0,
        amsgrad: bool = False,
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
        self.amsgrad = amsgrad

    @keras1_order
    def get_updates(self, loss: Any, params: Sequence[Any]) -> list[Any]:
        grads = self.get_gradients(loss, params)
        ms, vs = zeros_like_each(params), zeros_like_each(params)
        vhats = zeros_like_each(params) if self.amsgrad else [K.zeros(1) for _ in params]
        self.weights = [self.iterations, *ms, *vs, *vhats]

        t = step_number(self)
        correction = K.sqrt(1.0 - K.pow(self.beta_2, t)) / (1.0 - K.pow(self.beta_1, t))
        lr = decayed_lr(self)
        lr_t = lr * correction
        fresh_1, fresh_2 = 1.0 - self.beta_1, 1.0 - self.beta_2

        self.updates = [K.update_add(self.iterations, 1)]
        for p, g, m, v, vhat in zip(params, grads, ms, vs, vhats, strict=True):
            new_m = self.beta_1 * m + fresh_1 * g
            new_v = self.beta_2 * v + fresh_2 * K.square(g)
            scale = new_v
            if self.amsgrad:
                scale = K.maximum(vhat, new_v)
                self.updates.append(K.update(vhat, scale))
            new_p = self._before_step(p, lr) - lr_t * new_m / (root(scale) + self.epsilon)
            self.updates += [K.update(m, new_m), K.update(v, new_v), K.update(p, constrained(p, new_p))]
        return self.updates

    def _before_step(self, param: Any, lr: Any) -> Any:
        """What the step is taken from: the parameter."""
        return param

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "lr": rate_config(self),
            "beta_1": value(self.beta_1),
            "beta_2": value(self.beta_2),
            "decay": value(self.decay),
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }
