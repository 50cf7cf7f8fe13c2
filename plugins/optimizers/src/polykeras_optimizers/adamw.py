"""AdamW: Adam with weight decay apart from the gradient, so that it does not pass through Adam's scaling.

p ← p − lr·weight_decay·p − [Adam's step]

I. Loshchilov, F. Hutter: Decoupled Weight Decay Regularization, ICLR 2019, arXiv:1711.05101.
"""

from __future__ import annotations

from typing import Any

from polykeras.legacy.interfaces import later
from polykeras.optimizers.schedule import Rate
from polykeras_optimizers._weight_decay import WeightDecay
from polykeras_optimizers.adam import Adam


class AdamW(WeightDecay, Adam):
    """AdamW (see the top of this file for the formula, and `Adam` for its step).

    lr: learning rate, >= 0, or a schedule of it; after n steps lr / (1 + decay·n). It scales the weight decay too.
    weight_decay: share of a weight that is taken away per step and unit of lr.
    beta_1, beta_2: decay of the running mean and of the running square, 0 < beta < 1, near 1.
    epsilon: defaults to `K.epsilon()`.
    amsgrad: divide by the greatest running square so far.
    State: as Adam's.
    """

    @later(learning_rate="lr")
    def __init__(
        self,
        lr: Rate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = None,
        decay: float = 0.0,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(lr, beta_1, beta_2, epsilon, decay, amsgrad, **kwargs)
        self.weight_decay = weight_decay

    def _before_step(self, param: Any, lr: Any) -> Any:
        """The parameter after its decay."""
        return self.shrunk(param, lr)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weight_decay": self.weight_decay}
