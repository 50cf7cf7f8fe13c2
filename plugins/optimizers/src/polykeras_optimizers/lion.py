"""Lion: steps of one size, in the direction of a momentum's sign.

p ← p − lr·sign(beta_1·m + (1 − beta_1)·g) − lr·weight_decay·p
m ← beta_2·m + (1 − beta_2)·g

X. Chen et al.: Symbolic Discovery of Optimization Algorithms, NeurIPS 2023, arXiv:2302.06675.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras import backend as K
from polykeras.legacy.interfaces import later
from polykeras.optimizers.base import Optimizer, constrained, keras1_order
from polykeras.optimizers.schedule import Rate, rate_config, rate_from
from polykeras_optimizers._parts import decayed_lr, value, zeros_like_each
from polykeras_optimizers._weight_decay import WeightDecay


class Lion(WeightDecay, Optimizer):
    """Lion (see the top of this file for the formula); half of Adam's state.

    lr: learning rate, >= 0, or a schedule of it; after n steps lr / (1 + decay·n). A third to a tenth of Adam's.
    beta_1: weight of the momentum in the step's direction, 0 < beta_1 < 1.
    beta_2: decay of the momentum, beta_1 < beta_2 < 1.
    weight_decay: share of a weight that is taken away per step and unit of lr; three to ten times AdamW's.
    State: iterations, then one momentum per parameter.
    """

    @later(learning_rate="lr")
    def __init__(
        self,
        lr: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        weight_decay: float | None = None,
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
        self.initial_decay = decay
        self.weight_decay = weight_decay or 0.0

    @keras1_order
    def get_updates(self, loss: Any, params: Sequence[Any]) -> list[Any]:
        grads = self.get_gradients(loss, params)
        ms = zeros_like_each(params)
        self.weights = [self.iterations, *ms]
        lr = decayed_lr(self)
        fresh_1, fresh_2 = 1.0 - self.beta_1, 1.0 - self.beta_2

        self.updates = [K.update_add(self.iterations, 1)]
        for p, g, m in zip(params, grads, ms, strict=True):
            direction = K.sign(self.beta_1 * m + fresh_1 * g)
            new_p = self.shrunk(p, lr) - lr * direction
            self.updates += [K.update(m, self.beta_2 * m + fresh_2 * g), K.update(p, constrained(p, new_p))]
        return self.updates

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "lr": rate_config(self),
            "beta_1": value(self.beta_1),
            "beta_2": value(self.beta_2),
            "weight_decay": self.weight_decay,
            "decay": value(self.decay),
        }
