"""Hits and misses of binary predictions, counted at thresholds: a prediction above the threshold says "positive".

Targets are 0 or 1 (anything but 0 is positive). Each element of y_true and y_pred is a case of its own; its sample
weight, 1 by default, is what it counts.

tp, fp: positives and negatives that are said to be positive; fn, tn: that are said to be negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras import backend as K
from polykeras.metrics import Metric
from polykeras_metrics._parts import STATE, as_tensor, ratio, weights_like

Thresholds = float | Sequence[float] | None

_BELOW_ALL = -1e10  # stands for predictions that are left out


class ThresholdMetric(Metric):
    """Counts tp and fp at each threshold, positives and negatives altogether.

    thresholds: numbers; results have one element for each, or no axis where there is one threshold.
    top_k: only the k largest predictions along the last axis count as predictions; with 0 thresholds, all k of them.
    class_id: only this element of the last axis is looked at.
    """

    def __init__(
        self,
        name: str | None,
        dtype: str | None,
        thresholds: Thresholds,
        top_k: int | None = None,
        class_id: int | None = None,
    ) -> None:
        super().__init__(name, dtype)
        if thresholds is None:
            thresholds = 0.5 if top_k is None else _BELOW_ALL
        self.thresholds = [float(t) for t in ([thresholds] if isinstance(thresholds, (int, float)) else thresholds)]
        if not self.thresholds:
            raise ValueError(f"Metric {self.name}: `thresholds` is empty; it should hold one number at least.")
        self.top_k = top_k
        self.class_id = class_id
        shape = (len(self.thresholds),)
        self.true_positives = self.add_weight("true_positives", shape)
        self.false_positives = self.add_weight("false_positives", shape)
        self.positives = self.add_weight("positives")
        self.negatives = self.add_weight("negatives")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        truth, scores, weights = self._cases(as_tensor(y_true), as_tensor(y_pred), sample_weight)
        thresholds = K.constant(self.thresholds, dtype=K.dtype(scores))
        above = K.cast(K.greater(K.expand_dims(scores, 0), K.expand_dims(thresholds, 1)), STATE)  # (thresholds, cases)
        positive, negative = weights * truth, weights * (1.0 - truth)
        counts = K.dot(above, K.stack([positive, negative], axis=1))
        return [
            K.update_add(self.true_positives, counts[:, 0]),
            K.update_add(self.false_positives, counts[:, 1]),
            K.update_add(self.positives, K.sum(positive)),
            K.update_add(self.negatives, K.sum(negative)),
        ]

    def _cases(self, y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
        """Truth (0 or 1), scores and weights.   (...), (...) -> (cases,) each"""
        if self.top_k is not None:
            _, places = K.top_k(y_pred, self.top_k)
            chosen = K.sum(K.one_hot(places, K.int_shape(y_pred)[-1]), axis=-2)
            y_pred = K.where(K.greater(chosen, 0.0), y_pred, K.ones_like(y_pred) * 2.0 * _BELOW_ALL)
        if self.class_id is not None:
            y_true, y_pred = y_true[..., self.class_id], y_pred[..., self.class_id]
        weights = weights_like(y_pred, sample_weight)
        truth = K.cast(K.not_equal(y_true, 0.0), STATE)
        return K.flatten(truth), K.flatten(y_pred), K.flatten(weights)

    def result(self) -> Any:
        values = self.values()
        return values[0] if len(self.thresholds) == 1 else values

    def values(self) -> Any:
        """The metric at each threshold.   -> (thresholds,)"""
        raise NotImplementedError(f"{type(self).__name__} must define values(self)")

    # -- rates, each (thresholds,) -------------------------------------------------------------------------------------

    def precisions(self) -> Any:
        """tp / (tp + fp)"""
        return ratio(self.true_positives, self.true_positives + self.false_positives)

    def recalls(self) -> Any:
        """tp / (tp + fn), also called sensitivity"""
        return ratio(self.true_positives, self.positives)

    def fallouts(self) -> Any:
        """fp / (fp + tn), which is 1 − specificity"""
        return ratio(self.false_positives, self.negatives)


class _Count(ThresholdMetric):
    """One of the four counts."""

    def __init__(self, thresholds: Thresholds = None, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__(name, dtype, thresholds)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self.thresholds}


class TruePositives(_Count):
    """The weight of positives that are said to be positive; at each of `thresholds`, 0.5 by default."""

    def values(self) -> Any:
        return self.true_positives


class FalsePositives(_Count):
    """The weight of negatives that are said to be positive; at each of `thresholds`, 0.5 by default."""

    def values(self) -> Any:
        return self.false_positives


class TrueNegatives(_Count):
    """The weight of negatives that are said to be negative; at each of `thresholds`, 0.5 by default."""

    def values(self) -> Any:
        return self.negatives - self.false_positives


class FalseNegatives(_Count):
    """The weight of positives that are said to be negative; at each of `thresholds`, 0.5 by default."""

    def values(self) -> Any:
        return self.positives - self.true_positives


class _Rate(ThresholdMetric):
    """Precision or recall."""

    def __init__(
        self,
        thresholds: Thresholds = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, dtype, thresholds, top_k, class_id)
        self._given = thresholds

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self._given, "top_k": self.top_k, "class_id": self.class_id}


class Precision(_Rate):
    """tp / (tp + fp): how many of those said to be positive are; 0 where none is said to be.

    thresholds: a number, or several for as many results; 0.5 by default.
    top_k: only the k largest predictions along the last axis count as predictions.
    class_id: only this class of the last axis is looked at.
    """

    def values(self) -> Any:
        return self.precisions()


class Recall(_Rate):
    """tp / (tp + fn): how many of the positives are said to be; 0 where there are none.

    thresholds: a number, or several for as many results; 0.5 by default.
    top_k: only the k largest predictions along the last axis count as predictions.
    class_id: only this class of the last axis is looked at.
    """

    def values(self) -> Any:
        return self.recalls()


class _BestUnderCondition(ThresholdMetric):
    """The best value of one rate among the thresholds where another is not below a limit; 0 where none is."""

    limit: str

    def __init__(
        self, limit: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: str | None
    ) -> None:
        if not 0 <= limit <= 1:
            raise ValueError(f"{type(self).__name__}: `{self.limit}` should be between 0 and 1; got {limit}")
        super().__init__(name, dtype, even_thresholds(num_thresholds), class_id=class_id)
        setattr(self, self.limit, limit)
        self.num_thresholds = num_thresholds

    def best(self, rate: Any, condition: Any) -> Any:
        """max of `rate` where `condition` >= the limit"""
        return K.max(K.where(K.greater_equal(condition, getattr(self, self.limit)), rate, K.zeros_like(rate)))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            self.limit: getattr(self, self.limit),
            "num_thresholds": self.num_thresholds,
            "class_id": self.class_id,
        }


class SensitivityAtSpecificity(_BestUnderCondition):
    """The largest tp / (tp + fn) among thresholds with tn / (tn + fp) >= specificity."""

    limit = "specificity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)

    def result(self) -> Any:
        return self.best(self.recalls(), 1.0 - self.fallouts())


class SpecificityAtSensitivity(_BestUnderCondition):
    """The largest tn / (tn + fp) among thresholds with tp / (tp + fn) >= sensitivity."""

    limit = "sensitivity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)

    def result(self) -> Any:
        return self.best(1.0 - self.fallouts(), self.recalls())


class PrecisionAtRecall(_BestUnderCondition):
    """The largest tp / (tp + fp) among thresholds with tp / (tp + fn) >= recall."""

    limit = "recall"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)

    def result(self) -> Any:
        return self.best(self.precisions(), self.recalls())


class RecallAtPrecision(_BestUnderCondition):
    """The largest tp / (tp + fn) among thresholds with tp / (tp + fp) >= precision."""

    limit = "precision"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)

    def result(self) -> Any:
        return self.best(self.recalls(), self.precisions())


def even_thresholds(count: int) -> list[float]:
    """`count` thresholds at equal distances over [0, 1], the ends a little outside, so that they divide nothing.

    Raises ValueError for fewer than 2.
    """
    if count < 2:
        raise ValueError(f"num_thresholds should be 2 or more; got {count}")
    inner = [i / (count - 1) for i in range(1, count - 1)]
    return [-K.epsilon(), *inner, 1.0 + K.epsilon()]
