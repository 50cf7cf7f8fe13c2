"""Elementwise functions, as Keras spells them."""

from __future__ import annotations

from typing import Any

import numpy as np

from polykeras import config
from polykeras.backend.operands import operand, tensor
from polykeras.symbolic import dtypes
from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.op import is_scalar
from polykeras.symbolic.ops import elementwise as ops

__all__ = [
    "abs", "cast", "cast_to_floatx", "clip", "cos", "equal", "exp", "greater", "greater_equal", "identity", "less",
    "less_equal", "log", "maximum", "minimum", "not_equal", "ones_like", "pow", "round", "sign", "sin", "sqrt",
    "square", "zeros_like",
]  # fmt: skip


def abs(x: Any) -> Tensor:  # noqa: A001  Keras's name
    """|x|.   x: (...) -> (...)"""
    return ops.abs(tensor(x))


def square(x: Any) -> Tensor:
    """x x.   x: (...) -> (...)"""
    return ops.square(tensor(x))


def sqrt(x: Any) -> Tensor:
    """The square root; of negative numbers 0.   x: (...) -> (...)"""
    return ops.sqrt(ops.maximum(tensor(x), 0))


def exp(x: Any) -> Tensor:
    """e ** x.   x: (...) -> (...)"""
    return ops.exp(tensor(x))


def log(x: Any) -> Tensor:
    """The natural logarithm.   x: (...) -> (...)"""
    return ops.log(tensor(x))


def sin(x: Any) -> Tensor:
    """The sine; radians.   x: (...) -> (...)"""
    return ops.sin(tensor(x))


def cos(x: Any) -> Tensor:
    """The cosine; radians.   x: (...) -> (...)"""
    return ops.cos(tensor(x))


def round(x: Any) -> Tensor:  # noqa: A001  Keras's name
    """The nearest integer, halves to the even one.   x: (...) -> (...)"""
    return ops.round(tensor(x))


def sign(x: Any) -> Tensor:
    """-1, 0 or 1.   x: (...) -> (...)"""
    return ops.sign(tensor(x))


def pow(x: Any, a: Any) -> Tensor:  # noqa: A001  Keras's name
    """x ** a.   x: (...), a: (...) -> broadcast"""
    return tensor(x) ** operand(a)


def clip(x: Any, min_value: Any, max_value: Any) -> Tensor:
    """The nearest value in [min_value, max_value]; None leaves an end open. An upper end below the lower one is raised.

    x: (...) -> (...)
    """
    x = tensor(x)
    if is_scalar(min_value) and is_scalar(max_value) and max_value < min_value:
        max_value = min_value
    if min_value is not None:
        x = ops.maximum(x, operand(min_value))
    return x if max_value is None else ops.minimum(x, operand(max_value))


def maximum(x: Any, y: Any) -> Tensor:
    """The larger of two, element by element.   x: (...), y: (...) -> broadcast"""
    return ops.maximum(operand(x), operand(y))


def minimum(x: Any, y: Any) -> Tensor:
    """The smaller of two, element by element.   x: (...), y: (...) -> broadcast"""
    return ops.minimum(operand(x), operand(y))


# -- comparisons -------------------------------------------------------------------------------------------------------


def equal(x: Any, y: Any) -> Tensor:
    """x == y, element by element.   x: (...), y: (...) -> broadcast, bool"""
    return ops.equal(operand(x), operand(y))


def not_equal(x: Any, y: Any) -> Tensor:
    """x != y, element by element.   x: (...), y: (...) -> broadcast, bool"""
    return ops.not_equal(operand(x), operand(y))


def greater(x: Any, y: Any) -> Tensor:
    """x > y.   x: (...), y: (...) -> broadcast, bool"""
    return ops.greater(operand(x), operand(y))


def greater_equal(x: Any, y: Any) -> Tensor:
    """x >= y.   x: (...), y: (...) -> broadcast, bool"""
    return ops.greater_equal(operand(x), operand(y))


def less(x: Any, y: Any) -> Tensor:
    """x < y.   x: (...), y: (...) -> broadcast, bool"""
    return ops.less(operand(x), operand(y))


def less_equal(x: Any, y: Any) -> Tensor:
    """x <= y.   x: (...), y: (...) -> broadcast, bool"""
    return ops.less_equal(operand(x), operand(y))


# -- copies and casts --------------------------------------------------------------------------------------------------


def cast(x: Any, dtype: Any) -> Tensor:
    """x in another dtype; floats become integers by truncation.   x: (...) -> (...)"""
    return ops.cast(tensor(x), dtype=dtypes.check(dtype))


def cast_to_floatx(x: Any) -> Any:
    """An array, or a tensor, in floatx.   x: (...) -> (...)"""
    return cast(x, config.floatx()) if isinstance(x, Tensor) else np.asarray(x, dtype=config.floatx())


def identity(x: Any, name: str | None = None) -> Tensor:
    """A new tensor of x's value.   x: (...) -> (...)"""
    result = ops.identity(tensor(x))
    if name is not None:
        result.name = name
    return result


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Zeros of x's shape and, unless another is given, its dtype.   x: s -> s"""
    return _filled_like(x, 0, dtype, name)


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Ones of x's shape and, unless another is given, its dtype.   x: s -> s"""
    return _filled_like(x, 1, dtype, name)


def _filled_like(x: Any, value: float, dtype: Any, name: str | None) -> Tensor:
    result = ops.fill_like(tensor(x), value=value, dtype=None if dtype is None else dtypes.check(dtype))
    if name is not None:
        result.name = name
    return result
