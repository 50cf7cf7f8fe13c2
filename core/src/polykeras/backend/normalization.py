"""Normalisation and biases, as Keras spells them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras import config
from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.op import as_tensor, constant
from polykeras.symbolic.ops import normalization as ops
from polykeras.symbolic.ops.elementwise import add, divide, multiply, subtract
from polykeras.symbolic.ops.reduce import count
from polykeras.symbolic.ops.shape import reshape
from polykeras.symbolic.spec import normalize_axes, normalize_axis

__all__ = ["batch_normalization", "bias_add", "l2_normalize", "normalize_batch_in_training"]


def l2_normalize(x: Any, axis: int | Sequence[int] | None = None) -> Tensor:
    """x / sqrt(max(sum of x x along the axis, 1e-12)).   x: s -> s"""
    return ops.l2_normalize(x, axis=tuple(axis) if isinstance(axis, (list, tuple)) else axis)


def normalize_batch_in_training(
    x: Any, gamma: Any, beta: Any, reduction_axes: Sequence[int], epsilon: float = 1e-3
) -> tuple[Tensor, Tensor, Tensor]:
    """Batch normalisation by the batch's own statistics.

    x: s, gamma, beta: (kept) or None -> s, mean, variance: (kept)

    The variance is the biased one; for images with the channels last, where Keras takes TensorFlow's fused op, the
    returned one is n / (n - 1) times that.
    """
    x = as_tensor(x)
    axes = normalize_axes(tuple(reduction_axes), x.spec.ndim)
    y, mean, variance = ops.batch_norm_train(
        x, _or(gamma, 1.0, x), _or(beta, 0.0, x), axes=axes, epsilon=float(epsilon)
    )
    if x.spec.ndim == 4 and axes == (0, 1, 2):
        variance = multiply(variance, _bessel(count(x, axes)))
    return y, mean, variance


def _bessel(n: int | Tensor) -> float | Tensor:
    if isinstance(n, int):
        return n / max(n - 1, 1)
    return divide(n, subtract(n, 1))


def batch_normalization(
    x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1, epsilon: float = 1e-3
) -> Tensor:
    """gamma (x - mean) / sqrt(var + epsilon) + beta.

    x: s, the others: (s[axis],) or broadcast to s, beta and gamma also None -> s
    """
    x = as_tensor(x)
    parts = [_along(as_tensor(part), x, axis) for part in (mean, var, _or(gamma, 1.0, x), _or(beta, 0.0, x))]
    return ops.batch_norm(x, *parts, epsilon=float(epsilon))


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Tensor:
    """x + bias.   x: (batch, *spatial, c), bias: (c,) or (*spatial, c) -> (batch, *spatial, c)

    With channels first, x is (batch, c, *spatial); a full bias keeps its shape and, as in Keras, is read as
    (c, *spatial), value by value in the order in which they lie.
    """
    x, bias = as_tensor(x), as_tensor(bias)
    first = config.normalize_data_format(data_format) == "channels_first"
    ndim, own = x.spec.ndim, bias.spec.ndim
    if own not in (1, ndim - 1):
        raise ValueError(f"Unexpected bias dimensions {own}, expect to be 1 or {ndim - 1} dimensions")
    if first and ndim > 2:
        if own == 1:
            bias = reshape(bias, (-1, *(1,) * (ndim - 2)))
        else:
            bias = reshape(bias, (bias.spec.shape[-1], *bias.spec.shape[:-1]))
    return add(x, bias)


def _or(parameter: Any, value: float, x: Tensor) -> Tensor:
    return constant(value, x.spec.dtype) if parameter is None else as_tensor(parameter)


def _along(part: Tensor, x: Tensor, axis: int) -> Tensor:
    """A statistic with axes of its own, or one for each element along the axis."""
    after = x.spec.ndim - 1 - normalize_axis(axis, x.spec.ndim)
    return part if part.spec.ndim != 1 or not after else reshape(part, (-1, *(1,) * after))
