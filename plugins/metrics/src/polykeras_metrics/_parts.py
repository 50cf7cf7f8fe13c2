"""What several metrics share: tensors from arrays, sample weights of the values' shape, division by what may be 0."""

from __future__ import annotations

from typing import Any

from polykeras import backend as K

STATE = "float64"
"""The dtype in which batches are added up."""


def as_tensor(x: Any) -> Any:
    """A tensor as it is; an array or a list as a constant of floatx."""
    return x if K.is_tensor(x) else K.constant(x)


def weights_like(values: Any, sample_weight: Any) -> Any:
    """Weights for each of `values`, in float64: 1 without `sample_weight`, which may lack the last axes.

    values: (batch, ...), sample_weight: (batch,) or (batch, time) -> (batch, ...)
    """
    ones = K.cast(K.ones_like(values), STATE)
    if sample_weight is None:
        return ones
    weights = K.cast(as_tensor(sample_weight), STATE)
    for _ in range(K.ndim(values) - K.ndim(weights)):
        weights = K.expand_dims(weights)
    return ones * weights


def ratio(part: Any, whole: Any) -> Any:
    """part / whole, and 0 where the whole is 0.   s, s -> s"""
    empty = K.equal(whole, 0.0)
    return K.where(empty, K.zeros_like(part), part / K.where(empty, K.ones_like(whole), whole))
