"""Sums and means over all batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from polykeras import backend as K
from polykeras import metrics
from polykeras.metrics import Metric
from polykeras_metrics._parts import STATE, as_tensor, ratio, weights_like


class Sum(Metric):
    """Σ weight·value, over all elements of all batches."""

    def __init__(self, name: str | None = "sum", dtype: str | None = None) -> None:
        super().__init__(name, dtype)
        self.total = self.add_state("total")

    def update_state(self, values: Any, sample_weight: Any = None) -> Any:
        values = as_tensor(values)
        return K.update_add(self.total, K.sum(K.cast(values, STATE) * weights_like(values, sample_weight)))

    def result(self) -> Any:
        return self.total


class Mean(Metric):
    """Σ weight·value / Σ weight, over all elements of all batches; 0 where the weights sum to 0."""

    def __init__(self, name: str | None = "mean", dtype: str | None = None) -> None:
        super().__init__(name, dtype)
        self.total = self.add_state("total")
        self.count = self.add_state("count")

    def update_state(self, values: Any, sample_weight: Any = None) -> Any:
        values = as_tensor(values)
        weights = weights_like(values, sample_weight)
        total = K.sum(K.cast(values, STATE) * weights)
        return [K.update_add(self.total, total), K.update_add(self.count, K.sum(weights))]

    def result(self) -> Any:
        return ratio(self.total, self.count)


class MeanMetricWrapper(Mean):
    """The mean of a function's values: Σ weight·fn(y_true, y_pred) / Σ weight.

    fn: of `(y_true, y_pred, **kwargs)`, one value per sample (and time step).
    """

    def __init__(
        self, fn: Callable[..., Any], name: str | None = None, dtype: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(name or getattr(fn, "__name__", None), dtype)
        self._fn = fn
        self._arguments = kwargs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return super().update_state(self._fn(as_tensor(y_true), as_tensor(y_pred), **self._arguments), sample_weight)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "fn": metrics.serialize(self._fn), **self._arguments}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> MeanMetricWrapper:
        """A metric with the arguments that `get_config()` gave; the function is found by its name."""
        return cls(**{**config, "fn": metrics.get(config["fn"])})


class MeanOf(MeanMetricWrapper):
    """A wrapper of one function: what it wraps is not in the config."""

    def get_config(self) -> dict[str, Any]:
        return {**Mean.get_config(self), **self._arguments}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> MeanOf:
        return cls(**config)
