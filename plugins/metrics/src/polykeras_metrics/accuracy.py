"""Accuracies: the share of predictions that hit their targets.

Each takes `(y_true, y_pred)` and gives one value per sample (and time step), the `top_k` ones the mean of all.
"""

from __future__ import annotations

from typing import Any

from polykeras import backend as K


def binary_accuracy(y_true: Any, y_pred: Any) -> Any:
    """mean(y_true == round(y_pred)); 0.5 rounds to 0.   (..., n), (..., n) -> (...)"""
    return K.mean(K.equal(y_true, K.round(y_pred)), axis=-1)


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """argmax(y_true) == argmax(y_pred).   (..., classes), (..., classes) -> (...)"""
    return K.cast(K.equal(K.argmax(y_true, axis=-1), K.argmax(y_pred, axis=-1)), K.floatx())


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """y_true == argmax(y_pred).   (..., 1) or (...), (..., classes) -> (...)"""
    if K.ndim(y_true) == K.ndim(y_pred):
        y_true = K.squeeze(y_true, -1)
    guesses = K.cast(K.argmax(y_pred, axis=-1), K.dtype(y_true))
    return K.cast(K.equal(y_true, guesses), K.floatx())


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """The share of samples whose class is among the k largest predictions.   (n, classes), (n, classes) -> ()"""
    return K.mean(K.in_top_k(y_pred, K.argmax(y_true, axis=-1), k), axis=-1)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """The share of samples whose class is among the k largest predictions.   (n, 1) or (n,), (n, classes) -> ()"""
    return K.mean(K.in_top_k(y_pred, K.cast(K.flatten(y_true), "int32"), k), axis=-1)
