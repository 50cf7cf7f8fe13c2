"""Weight decay apart from the gradient: p is drawn towards zero by lr·weight_decay·p, whatever the loss."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class WeightDecay:
    """What optimizers with decoupled weight decay share: its factor, and the parameters that it spares."""

    weight_decay: float
    _spared: frozenset[int] = frozenset()
    _spared_names: tuple[str, ...] = ()

    def exclude_from_weight_decay(
        self, var_list: Iterable[Any] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Spare weights from the decay: those in `var_list`, and those whose names contain one of `var_names`.

        To be called before the first training step. As the weights belong to the model, it is not in the config.
        """
        self._spared = self._spared | {id(variable) for variable in var_list or ()}
        self._spared_names = (*self._spared_names, *(var_names or ()))

    def shrunk(self, param: Any, lr: Any) -> Any:
        """p − lr·weight_decay·p, or p where it is spared"""
        if not self.weight_decay or id(param) in self._spared or any(name in param.name for name in self._spared_names):
            return param
        return param - lr * self.weight_decay * param
