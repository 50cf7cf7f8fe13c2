"""F-scores: one number for precision and recall.

F = (1 + beta²)·tp / ((1 + beta²)·tp + beta²·fn + fp),   for beta = 1: 2·precision·recall / (precision + recall)
"""

from __future__ import annotations

from typing import Any

from polykeras import backend as K
from polykeras.metrics import Metric
from polykeras_metrics._parts import STATE, as_tensor, ratio, weights_like

AVERAGES = (None, "micro", "macro", "weighted")


class FBetaScore(Metric):
    """The F-score (see the top of this file for the formula), for y_true and y_pred of shape (..., classes).

    average: None gives a score for each class; "micro" counts over all classes together; "macro" is the classes' mean,
        "weighted" their mean by how often each occurs. With one class there is one score, whatever the average.
    beta: how many times as much recall counts as precision.
    threshold: predictions above it are positive. None: the largest of a sample's predictions is; with one class, 0.5.
    """

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, dtype)
        if average not in AVERAGES:
            raise ValueError(f"{type(self).__name__}: `average` should be one of {AVERAGES}; got {average!r}")
        if beta <= 0:
            raise ValueError(f"{type(self).__name__}: `beta` should be more than 0; got {beta}")
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self.num_classes: int | None = None

    def _make_state(self, classes: int) -> None:
        self.num_classes = classes
        self.true_positives = self.add_weight("true_positives", (classes,))
        self.false_positives = self.add_weight("false_positives", (classes,))
        self.false_negatives = self.add_weight("false_negatives", (classes,))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
        classes = K.int_shape(y_pred)[-1]
        if self.num_classes is None:
            self._make_state(classes)
        if classes != self.num_classes:
            raise ValueError(f"Metric {self.name} counts {self.num_classes} classes; y_pred has {classes} columns")
        weights = K.reshape(weights_like(y_pred, sample_weight), (-1, classes))
        truth = K.reshape(K.cast(K.not_equal(y_true, 0.0), STATE), (-1, classes))
        said = K.reshape(K.cast(self._positive(y_pred), STATE), (-1, classes))
        return [
            K.update_add(self.true_positives, K.sum(weights * truth * said, axis=0)),
            K.update_add(self.false_positives, K.sum(weights * (1.0 - truth) * said, axis=0)),
            K.update_add(self.false_negatives, K.sum(weights * truth * (1.0 - said), axis=0)),
        ]

    def _positive(self, y_pred: Any) -> Any:
        """Which predictions are positive.   (..., classes) -> (..., classes)"""
        if self.threshold is not None or self.num_classes == 1:
            return K.greater(y_pred, 0.5 if self.threshold is None else self.threshold)
        return K.one_hot(K.argmax(y_pred, axis=-1), self.num_classes)

    def result(self) -> Any:
        if self.num_classes is None:
            raise ValueError(f"Metric {self.name} learns the number of classes from the first batch; there was none.")
        tp, fp, fn = self.true_positives, self.false_positives, self.false_negatives
        if self.average == "micro" or self.num_classes == 1:
            return self._score(K.sum(tp), K.sum(fp), K.sum(fn))
        scores = self._score(tp, fp, fn)
        if self.average is None:
            return scores
        if self.average == "macro":
            return K.mean(scores)
        return ratio(K.sum(scores * (tp + fn)), K.sum(tp + fn))

    def _score(self, tp: Any, fp: Any, fn: Any) -> Any:
        square = self.beta**2
        hits = (1.0 + square) * tp
        return ratio(hits, hits + square * fn + fp)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "average": self.average, "beta": self.beta, "threshold": self.threshold}


class F1Score(FBetaScore):
    """2·precision·recall / (precision + recall), for y_true and y_pred of shape (..., classes).

    average: None gives a score for each class; "micro" counts over all classes together; "macro" is the classes' mean,
        "weighted" their mean by how often each occurs. With one class there is one score, whatever the average.
    threshold: predictions above it are positive. None: the largest of a sample's predictions is; with one class, 0.5.
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: str | None = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["beta"]
        return config
