"""Losses with more arguments than Keras 2 gives them: what the loss objects and metrics of later Keras compute."""

from __future__ import annotations

from typing import Any

from polykeras import backend as K
from polykeras.losses import functions


def signed_hinge(y_true: Any, y_pred: Any) -> Any:
    """`hinge`; targets that are all 0 or 1 count as -1 and 1"""
    return functions.hinge(_signed(y_true), y_pred)


def signed_squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """`squared_hinge`; targets that are all 0 or 1 count as -1 and 1"""
    return functions.squared_hinge(_signed(y_true), y_pred)


def smooth_binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """`binary_crossentropy`, the mean along `axis`

    from_logits: y_pred is put through the sigmoid first. label_smoothing: t becomes t·(1 - s) + s/2.
    """
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    return K.mean(K.binary_crossentropy(y_true, y_pred, from_logits=from_logits), axis=axis)


def smooth_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """`categorical_crossentropy` of classes along `axis`

    from_logits: y_pred is put through the softmax first. label_smoothing: t becomes t·(1 - s) + s / classes.
    """
    if label_smoothing:
        classes = K.cast(K.shape(y_pred)[axis], K.dtype(y_pred))
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / classes
    return K.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


def sparse_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """`sparse_categorical_crossentropy` of classes along `axis`

    from_logits: y_pred is put through the softmax first.
    """
    return K.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


def negative_cosine(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """-sum(y_true/|y_true| · y_pred/|y_pred|) along `axis`: -1 for equal directions"""
    return -K.sum(K.l2_normalize(y_true, axis=axis) * K.l2_normalize(y_pred, axis=axis), axis=axis)


def _signed(y_true: Any) -> Any:
    """2·y_true - 1 where all targets are 0 or 1, else y_true"""
    binary = K.all(K.logical_or(K.equal(y_true, 0.0), K.equal(y_true, 1.0)))
    return K.where(binary, 2.0 * y_true - 1.0, y_true)
