"""Random tensors, as Keras spells them.

Each is drawn anew at each call, and in a loop at each iteration. `seed` names a sequence: a second tensor made with
the same seed repeats it from its start. None takes a seed from NumPy's global generator when the tensor is built, so a
script that begins with `np.random.seed(n)` is reproducible.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from polykeras import config
from polykeras.backend.variables import variable
from polykeras.runtime.variables import Variable, counter
from polykeras.symbolic import dtypes
from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.op import as_dtype, as_size, as_tensor
from polykeras.symbolic.ops import elementwise as e
from polykeras.symbolic.ops import random as ops
from polykeras.symbolic.ops.control import position
from polykeras.symbolic.ops.shape import shape_of, size_of

__all__ = [
    "dropout", "random_binomial", "random_normal", "random_normal_variable", "random_uniform",
    "random_uniform_variable", "truncated_normal",
]  # fmt: skip


def random_uniform(
    shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: str | None = None, seed: int | None = None
) -> Tensor:
    """Uniform on [minval, maxval); for an integer dtype the whole numbers in it.   -> shape"""
    dtype = dtypes.check(dtype or config.floatx())
    if dtypes.is_float(dtype):
        return _scaled(_draw(ops.random_unit, shape, seed, dtype=dtype), _difference(maxval, minval), minval)
    unit = _draw(ops.random_unit, shape, seed, dtype="float64")
    places = e.floor(_scaled(unit, _difference(maxval, minval), 0))
    return e.add(e.cast(places, dtype=dtype), as_dtype(minval, dtype))


def random_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: str | None = None, seed: int | None = None
) -> Tensor:
    """Normal with this mean and standard deviation.   -> shape"""
    dtype = dtypes.check(dtype or config.floatx())
    return _scaled(_draw(ops.random_normal, shape, seed, dtype=dtype), stddev, mean)


def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: str | None = None, seed: int | None = None
) -> Tensor:
    """Normal, but never more than two standard deviations from the mean.   -> shape"""
    dtype = dtypes.check(dtype or config.floatx())
    return _scaled(_draw(ops.truncated_normal, shape, seed, dtype=dtype), stddev, mean)


def random_binomial(shape: Any, p: Any = 0.0, dtype: str | None = None, seed: int | None = None) -> Tensor:
    """1 with probability p, else 0.   -> shape"""
    dtype = dtypes.check(dtype or config.floatx())
    unit = _draw(ops.random_unit, shape, seed, dtype="float32" if dtype == "float16" else dtype)
    return e.cast(e.less(unit, p), dtype=dtype)


def dropout(x: Any, level: Any, noise_shape: Any = None, seed: int | None = None) -> Tensor:
    """Each element 0 with probability `level`, else divided by (1 - level).   x: s -> s

    noise_shape: of the draw, which is broadcast to x; None in it stands for x's size.
    """
    x = as_tensor(x)
    if isinstance(level, Tensor):
        keep = e.greater_equal(_draw(ops.random_unit, _noise_shape(x, noise_shape), seed, dtype=x.spec.dtype), level)
        return e.divide(e.where(keep, x, 0), e.subtract(1, level))
    if level == 0:
        return e.identity(x)
    if not 0 <= level < 1:
        raise ValueError(f"the dropout level must be at least 0 and below 1, got {level}")
    mask = _draw(ops.dropout_mask, _noise_shape(x, noise_shape), seed, level=float(level), dtype=x.spec.dtype)
    return e.multiply(x, mask)


def random_uniform_variable(
    shape: Any, low: float, high: float, dtype: str | None = None, name: str | None = None, seed: int | None = None
) -> Variable:
    """A variable that starts uniform on [low, high).   -> shape"""
    return variable(random_uniform(shape, low, high, dtype, seed), dtype=dtype, name=name)


def random_normal_variable(
    shape: Any, mean: float, scale: float, dtype: str | None = None, name: str | None = None, seed: int | None = None
) -> Variable:
    """A variable that starts normal with this mean and standard deviation.   -> shape"""
    return variable(random_normal(shape, mean, scale, dtype, seed), dtype=dtype, name=name)


def _draw(op: Callable[..., Any], shape: Any, seed: int | None, **attributes: Any) -> Tensor:
    """One application of a random op, with a counter of its own."""
    seed = int(np.random.randint(2**31 - 1)) if seed is None else int(seed)
    return op(counter("random_calls"), position(), as_size(shape), seed=seed, **attributes)


def _scaled(x: Tensor, scale: Any, offset: Any) -> Tensor:
    """offset + scale x, without the steps that change nothing."""
    if not _is(scale, 1):
        x = e.multiply(x, _like(scale, x))
    return x if _is(offset, 0) else e.add(x, _like(offset, x))


def _difference(a: Any, b: Any) -> Any:
    return e.subtract(a, b) if isinstance(a, Tensor) or isinstance(b, Tensor) else a - b


def _is(value: Any, number: float) -> bool:
    return not isinstance(value, Tensor) and np.ndim(value) == 0 and value == number


def _like(value: Any, x: Tensor) -> Any:
    return float(value) if not isinstance(value, Tensor) and np.ndim(value) == 0 else as_dtype(value, x.spec.dtype)


def _noise_shape(x: Tensor, noise_shape: Any) -> Any:
    if noise_shape is None:
        return shape_of(x)
    if isinstance(noise_shape, Tensor):
        return noise_shape
    return [size_of(x, i) if n is None else n for i, n in enumerate(noise_shape)]
