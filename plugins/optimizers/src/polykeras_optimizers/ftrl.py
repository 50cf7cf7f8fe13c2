"""FTRL-Proximal: a learning rate for each weight, and an L1 penalty that makes weights exactly zero.

ĝ = g + 2·l2_shrinkage·p
a' = a + g²
σ = (a'^(−power) − a^(−power)) / lr                      power = learning_rate_power, −0.5 by default
z ← z + ĝ − σ·p
q = a'^(−power) / lr + 2·(l2 + beta / (2·lr))
p ← (clip(z, −l1, l1) − z) / q,     a ← a'

H. B. McMahan et al.: Ad Click Prediction: a View from the Trenches, KDD 2013, doi:10.1145/2487575.2488200.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras import backend as K
from polykeras.legacy.interfaces import later
from polykeras.optimizers.base import Optimizer, constrained, keras1_order
from polykeras.optimizers.schedule import Rate, rate_config, rate_from
from polykeras_optimizers._parts import decayed_lr, root, value, zeros_like_each


class Ftrl(Optimizer):
    """FTRL-Proximal (see the top of this file for the formula), for sparse features and large linear models.

    lr: learning rate, > 0, or a schedule of it; after n steps lr / (1 + decay·n).
    learning_rate_power: <= 0; 0 keeps the learning rate fixed.
    initial_accumulator_value: where `a` starts, >= 0.
    l1_regularization_strength: `l1` >= 0; weights whose |z| stays below it are 0.
    l2_regularization_strength: `l2` >= 0, a penalty that draws weights towards 0.
    l2_shrinkage_regularization_strength: `l2_shrinkage` >= 0, a penalty on the gradient, as of an L2 loss.
    beta: the paper's beta, >= 0.
    State: iterations, all a, all z.

    Raises ValueError for a value outside its range.
    """

    @later(learning_rate="lr")
    def __init__(
        self,
        lr: Rate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        decay: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if learning_rate_power > 0:
            raise ValueError(f"Ftrl: learning_rate_power should be 0 or less; got {learning_rate_power}")
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = _not_negative("initial_accumulator_value", initial_accumulator_value)
        self.l1_regularization_strength = _not_negative("l1_regularization_strength", l1_regularization_strength)
        self.l2_regularization_strength = _not_negative("l2_regularization_strength", l2_regularization_strength)
        self.l2_shrinkage_regularization_strength = _not_negative(
            "l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength
        )
        self.beta = _not_negative("beta", beta)
        with K.name_scope(type(self).__name__):
            self.iterations = K.variable(0, dtype="int64", name="iterations")
            self.lr = rate_from(lr)
            self.decay = K.variable(decay, name="decay")
        self.initial_decay = decay

    @keras1_order
    def get_updates(self, loss: Any, params: Sequence[Any]) -> list[Any]:
        grads = self.get_gradients(loss, params)
        start = K.cast_to_floatx(self.initial_accumulator_value)
        accumulators = [K.variable(K.ones(K.int_shape(p), dtype=K.dtype(p)) * start, dtype=K.dtype(p)) for p in params]
        linears = zeros_like_each(params)
        self.weights = [self.iterations, *accumulators, *linears]
        lr = decayed_lr(self)
        l1 = self.l1_regularization_strength
        fixed = 2.0 * self.l2_regularization_strength + self.beta / lr  # of q

        self.updates = [K.update_add(self.iterations, 1)]
        for p, g, a, z in zip(params, grads, accumulators, linears, strict=True):
            new_a = a + K.square(g)
            scale, new_scale = self._scale(a), self._scale(new_a)
            shrinkage = self.l2_shrinkage_regularization_strength
            shrunk = g + 2.0 * shrinkage * p if shrinkage else g
            new_z = z + shrunk - (new_scale - scale) / lr * p
            new_p = (K.clip(new_z, -l1, l1) - new_z) / (new_scale / lr + fixed)
            self.updates += [K.update(a, new_a), K.update(z, new_z), K.update(p, constrained(p, new_p))]
        return self.updates

    def _scale(self, a: Any) -> Any:
        """a^(−power)"""
        return root(a) if self.learning_rate_power == -0.5 else K.pow(a, -self.learning_rate_power)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "lr": rate_config(self),
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
            "decay": value(self.decay),
        }


def _not_negative(name: str, number: float) -> float:
    if number < 0:
        raise ValueError(f"Ftrl: {name} should be 0 or more; got {number}")
    return number
