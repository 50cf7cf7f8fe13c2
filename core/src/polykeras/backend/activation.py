"""Activation functions, as Keras spells them."""

from __future__ import annotations

from typing import Any

from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.op import as_tensor
from polykeras.symbolic.ops import activation as ops
from polykeras.symbolic.ops import elementwise as e
from polykeras.symbolic.ops.classification import softmax as softmax_op

__all__ = ["elu", "hard_sigmoid", "relu", "sigmoid", "softmax", "softplus", "softsign", "tanh"]


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Tensor:
    """x at and above the threshold, alpha (x - threshold) below it, never more than max_value.   x: s -> s"""
    x = as_tensor(x)
    if alpha == 0 and threshold == 0:
        y = e.relu(x)
        return y if max_value is None else e.minimum(y, max_value)
    if max_value is None and threshold == 0:
        return ops.leaky_relu(x, alpha=alpha)
    above = e.where(e.greater(x, threshold), x, 0)
    if max_value is not None:
        above = e.minimum(e.maximum(above, 0), max_value)
    if alpha == 0:
        return above
    return e.subtract(above, e.multiply(e.relu(e.subtract(threshold, x)), alpha))


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """x where x > 0, else alpha (e ** x - 1).   x: s -> s"""
    return ops.elu(x, alpha=alpha)


def softmax(x: Any, axis: int = -1) -> Tensor:
    """exp(x) / sum of exp(x) along the axis.   x: s -> s"""
    return softmax_op(x, axis=axis)


def softplus(x: Any) -> Tensor:
    """log(1 + e ** x).   x: s -> s"""
    return e.softplus(x)


def softsign(x: Any) -> Tensor:
    """x / (1 + |x|).   x: s -> s"""
    return ops.softsign(x)


def sigmoid(x: Any) -> Tensor:
    """1 / (1 + e ** -x).   x: s -> s"""
    return e.sigmoid(x)


def hard_sigmoid(x: Any) -> Tensor:
    """0.2 x + 0.5, held between 0 and 1.   x: s -> s"""
    return ops.hard_sigmoid(x)


def tanh(x: Any) -> Tensor:
    """The hyperbolic tangent.   x: s -> s"""
    return e.tanh(x)
