"""Accuracies over all batches: the share of predictions that hit their targets, weighted by the sample weights."""

from __future__ import annotations

from typing import Any

from polykeras import backend as K
from polykeras_metrics.accuracy import categorical_accuracy, sparse_categorical_accuracy
from polykeras_metrics.mean import MeanOf


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """y_true == y_pred.   s, s -> s"""
    return K.cast(K.equal(y_true, y_pred), K.floatx())


def binary_hits(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """mean(y_true == (y_pred > threshold))   (..., n), (..., n) -> (...)"""
    guesses = K.cast(K.greater(y_pred, threshold), K.dtype(y_true))
    return K.mean(K.cast(K.equal(y_true, guesses), K.floatx()), axis=-1)


def top_k_hits(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Whether fewer than k predictions are above the class's.   (..., classes), (..., classes) -> (...)"""
    return _sparse_hits(K.argmax(y_true, axis=-1), y_pred, k)


def sparse_top_k_hits(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Whether fewer than k predictions are above the class's.   (..., 1) or (...), (..., classes) -> (...)"""
    if K.ndim(y_true) == K.ndim(y_pred):
        y_true = K.squeeze(y_true, -1)
    return _sparse_hits(K.cast(y_true, "int32"), y_pred, k)


def _sparse_hits(classes: Any, y_pred: Any, k: int) -> Any:
    scores = K.sum(y_pred * K.one_hot(classes, K.int_shape(y_pred)[-1]), axis=-1, keepdims=True)
    above = K.sum(K.cast(K.greater(y_pred, scores), K.floatx()), axis=-1)
    return K.cast(K.less(above, k), K.floatx())


class Accuracy(MeanOf):
    """The share of equal elements: y_true == y_pred, for class numbers on both sides."""

    def __init__(self, name: str | None = "accuracy", dtype: str | None = None) -> None:
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(MeanOf):
    """The share of elements where y_true == (y_pred > threshold), for targets 0 and 1."""

    def __init__(self, name: str | None = "binary_accuracy", dtype: str | None = None, threshold: float = 0.5) -> None:
        super().__init__(binary_hits, name, dtype, threshold=threshold)


class CategoricalAccuracy(MeanOf):
    """The share of samples where argmax(y_true) == argmax(y_pred)."""

    def __init__(self, name: str | None = "categorical_accuracy", dtype: str | None = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanOf):
    """The share of samples where y_true == argmax(y_pred), for class numbers as targets."""

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: str | None = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(MeanOf):
    """The share of samples whose class is among the k largest predictions, for one-hot targets."""

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: str | None = None) -> None:
        super().__init__(top_k_hits, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanOf):
    """The share of samples whose class is among the k largest predictions, for class numbers as targets."""

    def __init__(
        self, k: int = 5, name: str | None = "sparse_top_k_categorical_accuracy", dtype: str | None = None
    ) -> None:
        super().__init__(sparse_top_k_hits, name, dtype, k=k)
