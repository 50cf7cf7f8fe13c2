"""The area under the curve that a moving threshold draws: ROC (recall over fall-out), or precision over recall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras import backend as K
from polykeras.metrics import Metric
from polykeras_metrics._parts import STATE, as_tensor, ratio, weights_like
from polykeras_metrics.confusion import even_thresholds

CURVES = ("ROC", "PR")
METHODS = ("interpolation", "minoring", "majoring")


class AUC(Metric):
    """The area under a curve, from counts at fixed thresholds: a sum over the strips between neighbouring thresholds.

    curve: "ROC", of recall tp / (tp + fn) over fall-out fp / (fp + tn): the share of pairs of a positive and a negative
        that the predictions order rightly; or "PR", of precision tp / (tp + fp) over recall.
    num_thresholds: at equal distances over [0, 1]. Predictions between two thresholds are not told apart.
    thresholds: in the place of `num_thresholds`, numbers in (0, 1); 0 and 1 are added.
    summation_method: "interpolation" takes strips as trapezia, and in a PR curve interpolates tp and fp (J. Davis,
        M. Goadrich: The Relationship Between Precision-Recall and ROC Curves, ICML 2006); "minoring" and "majoring"
        take the smaller and the larger of a strip's two heights.
    multi_label: the area of each column of y_pred by itself; the result is their mean.
    num_labels: how many columns there are; by default as many as the first y_pred has.
    label_weights: weights of the columns in that mean.
    from_logits: y_pred is put through the sigmoid first.
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: str | None = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name, dtype)
        if curve not in CURVES:
            raise ValueError(f"AUC: `curve` should be one of {', '.join(CURVES)}; got {curve!r}")
        if summation_method not in METHODS:
            raise ValueError(f"AUC: `summation_method` should be one of {', '.join(METHODS)}; got {summation_method!r}")
        if label_weights is not None and not multi_label:
            raise ValueError("AUC: `label_weights` are for multi_label=True")
        self.curve = curve
        self.summation_method = summation_method
        self._given = None if thresholds is None else sorted(float(t) for t in thresholds)
        self.thresholds = even_thresholds(num_thresholds) if self._given is None else _ended(self._given)
        self.num_thresholds = len(self.thresholds)
        self.multi_label = multi_label
        self.label_weights = None if label_weights is None else list(label_weights)
        self.from_logits = from_logits
        self.num_labels = num_labels if multi_label else 1
        if self.num_labels is not None:
            self._make_state(self.num_labels)

    def _make_state(self, labels: int) -> None:
        self.num_labels = labels
        self.true_positives = self.add_weight("true_positives", (self.num_thresholds, labels))
        self.false_positives = self.add_weight("false_positives", (self.num_thresholds, labels))
        self.positives = self.add_weight("positives", (labels,))
        self.negatives = self.add_weight("negatives", (labels,))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
        if self.from_logits:
            y_pred = K.sigmoid(y_pred)
        labels = K.int_shape(y_pred)[-1] if self.multi_label else 1
        if self.num_labels is None:
            self._make_state(labels)
        if labels != self.num_labels:
            raise ValueError(f"Metric {self.name} counts {self.num_labels} labels; y_pred has {labels} columns")
        weights = K.reshape(weights_like(y_pred, sample_weight), (-1, labels))
        truth = K.reshape(K.cast(K.not_equal(y_true, 0.0), STATE), (-1, labels))
        positive, negative = weights * truth, weights * (1.0 - truth)
        true_positives, false_positives = self._counts(K.reshape(y_pred, (-1, labels)), positive, negative)
        return [
            K.update_add(self.true_positives, true_positives),
            K.update_add(self.false_positives, false_positives),
            K.update_add(self.positives, K.sum(positive, axis=0)),
            K.update_add(self.negatives, K.sum(negative, axis=0)),
        ]

    def _counts(self, scores: Any, positive: Any, negative: Any) -> tuple[Any, Any]:
        """The weights above each threshold.   (cases, labels) -> (thresholds, labels), twice"""
        thresholds = K.constant(self.thresholds, dtype=K.dtype(scores))
        if self.num_labels == 1:  # one product of matrices
            above = K.cast(K.greater(K.reshape(scores, (1, -1)), K.expand_dims(thresholds, 1)), STATE)
            return K.dot(above, positive), K.dot(above, negative)
        limits = K.reshape(thresholds, (-1, 1, 1))
        above = K.cast(K.greater(K.expand_dims(scores, 0), limits), STATE)
        return K.sum(above * positive, axis=1), K.sum(above * negative, axis=1)

    def result(self) -> Any:
        tp, fp = self.true_positives, self.false_positives
        recall = ratio(tp, self.positives)
        if self.curve == "ROC":
            areas = self._area(ratio(fp, self.negatives), recall)
        elif self.summation_method == "interpolation":
            areas = self._interpolated_precision(tp, fp)
        else:
            areas = self._area(recall, ratio(tp, tp + fp))
        if self.label_weights is None:
            return K.mean(areas)
        weights = K.constant(self.label_weights, dtype=STATE)
        return ratio(K.sum(areas * weights), K.sum(weights))

    def _area(self, x: Any, y: Any) -> Any:
        """Σ width·height of the strips, x falling with the threshold.   (thresholds, labels) twice -> (labels,)"""
        left, right = y[1:], y[:-1]
        if self.summation_method == "interpolation":
            heights = (left + right) / 2.0
        else:
            heights = K.minimum(left, right) if self.summation_method == "minoring" else K.maximum(left, right)
        return K.sum((x[:-1] - x[1:]) * heights, axis=0)

    def _interpolated_precision(self, tp: Any, fp: Any) -> Any:
        """The area under precision over recall, where tp grows in a line with tp + fp.

        Within a strip tp = slope·(tp + fp) + intercept, so the area is
        slope·(Δtp + intercept·log((tp + fp) / (tp + fp)')) / positives, where ' marks the strip's other end.
        """
        said = tp + fp
        gained, widened = tp[:-1] - tp[1:], said[:-1] - said[1:]
        slope = ratio(gained, widened)
        intercept = tp[1:] - slope * said[1:]
        both = K.logical_and(K.greater(said[:-1], 0.0), K.greater(said[1:], 0.0))
        growth = K.where(both, ratio(said[:-1], said[1:]), K.ones_like(gained))
        strips = slope * (gained + intercept * K.log(growth))
        return ratio(K.sum(strips, axis=0), self.positives)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "thresholds": self._given,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels if self.multi_label else None,
            "label_weights": self.label_weights,
            "from_logits": self.from_logits,
        }


def _ended(thresholds: list[float]) -> list[float]:
    """The thresholds with one below and one above all predictions."""
    if not thresholds or thresholds[0] <= 0 or thresholds[-1] >= 1:
        raise ValueError(f"AUC: `thresholds` should be numbers between 0 and 1, without these; got {thresholds}")
    return [-K.epsilon(), *thresholds, 1.0 + K.epsilon()]
