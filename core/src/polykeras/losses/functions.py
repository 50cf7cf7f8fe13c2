"""Losses: functions of `(y_true, y_pred)` that give one value per sample, and per time step where there are such.

Each takes tensors of one shape `(batch, ..., n)` and reduces the last axis: `(batch, ...)`.
`sparse_categorical_crossentropy` takes class numbers `(batch, ..., 1)` for predictions `(batch, ..., classes)`.
`e` below is `K.epsilon()`; `mean` and `sum` run over the last axis.
"""

from __future__ import annotations

from math import log
from typing import Any

from polykeras import backend as K


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """mean((y_pred - y_true)²)"""
    return K.mean(K.square(y_pred - y_true), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """mean(|y_pred - y_true|)"""
    return K.mean(K.abs(y_pred - y_true), axis=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """100 · mean(|y_true - y_pred| / max(|y_true|, e))"""
    relative = K.abs((y_true - y_pred) / K.clip(K.abs(y_true), K.epsilon(), None))
    return 100.0 * K.mean(relative, axis=-1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """mean((log(1 + max(y_pred, e)) - log(1 + max(y_true, e)))²)"""
    log_pred = K.log(K.clip(y_pred, K.epsilon(), None) + 1.0)
    log_true = K.log(K.clip(y_true, K.epsilon(), None) + 1.0)
    return K.mean(K.square(log_pred - log_true), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """mean(max(1 - y_true · y_pred, 0)²), for targets -1 and 1"""
    return K.mean(K.square(K.maximum(1.0 - y_true * y_pred, 0.0)), axis=-1)


def hinge(y_true: Any, y_pred: Any) -> Any:
    """mean(max(1 - y_true · y_pred, 0)), for targets -1 and 1"""
    return K.mean(K.maximum(1.0 - y_true * y_pred, 0.0), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """max(0, 1 + max((1 - y_true) · y_pred) - sum(y_true · y_pred)), for one-hot targets"""
    right = K.sum(y_true * y_pred, axis=-1)
    best_wrong = K.max((1.0 - y_true) * y_pred, axis=-1)
    return K.maximum(0.0, best_wrong - right + 1.0)


def logcosh(y_true: Any, y_pred: Any) -> Any:
    """mean(log(cosh(y_pred - y_true))), written so that large errors do not overflow"""
    error = y_pred - y_true
    return K.mean(error + K.softplus(-2.0 * error) - log(2.0), axis=-1)


def categorical_crossentropy(y_true: Any, y_pred: Any) -> Any:
    """-sum(y_true · log(y_pred / sum(y_pred))), for one-hot targets"""
    return K.categorical_crossentropy(y_true, y_pred)


def sparse_categorical_crossentropy(y_true: Any, y_pred: Any) -> Any:
    """-log(y_pred[y_true] / sum(y_pred)), for class numbers as targets"""
    return K.sparse_categorical_crossentropy(y_true, y_pred)


def binary_crossentropy(y_true: Any, y_pred: Any) -> Any:
    """-mean(y_true · log(y_pred) + (1 - y_true) · log(1 - y_pred))"""
    return K.mean(K.binary_crossentropy(y_true, y_pred), axis=-1)


def kullback_leibler_divergence(y_true: Any, y_pred: Any) -> Any:
    """sum(y_true · log(y_true / y_pred)), both clipped to [e, 1]"""
    y_true = K.clip(y_true, K.epsilon(), 1.0)
    y_pred = K.clip(y_pred, K.epsilon(), 1.0)
    return K.sum(y_true * K.log(y_true / y_pred), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Any:
    """mean(y_pred - y_true · log(y_pred + e))"""
    return K.mean(y_pred - y_true * K.log(y_pred + K.epsilon()), axis=-1)


def cosine_proximity(y_true: Any, y_pred: Any) -> Any:
    """-sum(y_true/|y_true| · y_pred/|y_pred|): -1 for equal directions"""
    return -K.sum(K.l2_normalize(y_true, axis=-1) * K.l2_normalize(y_pred, axis=-1), axis=-1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """mean(d²/2 where |d| <= delta, else delta·(|d| - delta/2)), for d = y_pred - y_true"""
    distance = K.abs(y_pred - y_true)
    inside = K.minimum(distance, delta)
    return K.mean(0.5 * K.square(inside) + delta * (distance - inside), axis=-1)


mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kl_divergence = kullback_leibler_divergence
cosine = cosine_similarity = cosine_proximity
huber_loss = huber
log_cosh = logcosh
