"""Reductions, as Keras spells them. `axis` is an int, a list of ints, or None for all."""

from __future__ import annotations

from typing import Any

from polykeras import config
from polykeras.backend.operands import axes, tensor
from polykeras.symbolic import dtypes
from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.ops import elementwise
from polykeras.symbolic.ops import reduce as ops

__all__ = [
    "all", "any", "argmax", "argmin", "cumprod", "cumsum", "logsumexp", "max", "mean", "min", "prod", "std", "sum",
    "var",
]  # fmt: skip


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:  # noqa: A001  Keras's name
    """The sum.   x: (...) -> reduced"""
    return ops.sum(tensor(x), axis=axes(axis), keepdims=keepdims)


def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The product.   x: (...) -> reduced"""
    return ops.prod(tensor(x), axis=axes(axis), keepdims=keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The mean; of bools the share of true ones in floatx, of integers an integer, truncated.   x: (...) -> reduced"""
    x = tensor(x)
    if not dtypes.is_integer(x.dtype):
        return ops.mean(_number(x), axis=axes(axis), keepdims=keepdims)
    exact = ops.mean(elementwise.cast(x, dtype="float64"), axis=axes(axis), keepdims=keepdims)
    return elementwise.cast(exact, dtype=x.dtype)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The mean of (x - mean x)^2.   x: (...) -> reduced"""
    return ops.var(_number(tensor(x)), axis=axes(axis), keepdims=keepdims)


def std(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The square root of the variance.   x: (...) -> reduced"""
    return elementwise.sqrt(var(x, axis=axis, keepdims=keepdims))


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:  # noqa: A001  Keras's name
    """The largest element.   x: (...) -> reduced"""
    return ops.max(tensor(x), axis=axes(axis), keepdims=keepdims)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:  # noqa: A001  Keras's name
    """The smallest element.   x: (...) -> reduced"""
    return ops.min(tensor(x), axis=axes(axis), keepdims=keepdims)


def argmax(x: Any, axis: int = -1) -> Tensor:
    """Where the largest element along an axis is, the first of equal ones.   x: (...) -> reduced, int64"""
    return ops.argmax(tensor(x), axis=axes(axis))


def argmin(x: Any, axis: int = -1) -> Tensor:
    """Where the smallest element along an axis is, the first of equal ones.   x: (...) -> reduced, int64"""
    return ops.argmin(tensor(x), axis=axes(axis))


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:  # noqa: A001  Keras's name
    """Is one element true, or not 0?   x: (...) -> reduced, bool"""
    return ops.any(_truth(tensor(x)), axis=axes(axis), keepdims=keepdims)


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:  # noqa: A001  Keras's name
    """Are all elements true, or not 0?   x: (...) -> reduced, bool"""
    return ops.all(_truth(tensor(x)), axis=axes(axis), keepdims=keepdims)


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))), without overflow.   x: (...) -> reduced"""
    return ops.logsumexp(tensor(x), axis=axes(axis), keepdims=keepdims)


def cumsum(x: Any, axis: int = 0) -> Tensor:
    """The sum of the elements up to each one.   x: (...) -> (...)"""
    return ops.cumsum(tensor(x), axis=axes(axis))


def cumprod(x: Any, axis: int = 0) -> Tensor:
    """The product of the elements up to each one.   x: (...) -> (...)"""
    return ops.cumprod(tensor(x), axis=axes(axis))


def _number(x: Tensor) -> Tensor:
    return elementwise.cast(x, dtype=config.floatx()) if x.dtype == "bool" else x


def _truth(x: Tensor) -> Tensor:
    return x if x.dtype == "bool" else elementwise.cast(x, dtype="bool")
