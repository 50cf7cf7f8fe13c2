"""Products, as Keras spells them."""

from __future__ import annotations

from typing import Any

from polykeras.backend.operands import tensor
from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.ops import elementwise, linalg, reduce, shape
from polykeras.symbolic.spec import format_shape, normalize_axis

__all__ = ["batch_dot", "dot"]


def dot(x: Any, y: Any) -> Tensor:
    """The last axis of x against the last but one of y.   x: (..., k), y: (..., k, n) -> (...x, ...y, n)"""
    return linalg.dot(tensor(x), tensor(y))


def batch_dot(x: Any, y: Any, axes: Any = None) -> Tensor:
    """A product for each sample: axis axes[0] of x against axis axes[1] of y; axis 0 counts the samples.

    x: (b, ..., k, ...), y: (b, ..., k, ...) -> (b, ...x, ...y), and (b, 1) for two matrices. One int stands for both
    axes; without `axes` it is x's last against y's last but one. From rank 4 on the leading axes are paired and not
    multiplied out.
    """
    x, y = tensor(x), tensor(y)
    a, b = _summed(x, y, axes)
    if x.ndim == y.ndim == 2:
        return reduce.sum(elementwise.multiply(x, y), axis=1, keepdims=True)
    rank = max(x.ndim, y.ndim)
    missing = rank - min(x.ndim, y.ndim)
    at = rank - 1 if x.ndim >= y.ndim else rank - 2
    lone_x, lone_y = x.ndim < rank, y.ndim < rank
    x, y = _extended(x, rank), _extended(y, rank)
    result = linalg.matmul(x, y, transpose_a=a != rank - 1, transpose_b=b == rank - 1)
    if missing and (lone_x or lone_y):
        result = shape.squeeze(result, tuple(range(at - missing + 1, at + 1)))
    return shape.expand_dims(result, 1) if result.ndim == 1 else result


def _summed(x: Tensor, y: Tensor, axes: Any) -> tuple[int, int]:
    """The axes that are summed over, counted from the front."""
    shapes = f"shapes {format_shape(x.spec.shape)} and {format_shape(y.spec.shape)}"
    if x.ndim < 2 or y.ndim < 2:
        raise ValueError(f"batch_dot needs two axes at least, got {shapes}")
    if axes is None:
        if x.ndim == y.ndim == 2:
            raise ValueError(f"batch_dot of two matrices needs `axes`, as axes=1, got {shapes}")
        axes = (x.ndim - 1, y.ndim - 2)
    elif isinstance(axes, int):
        axes = (axes, axes)
    if len(axes) != 2 or not all(isinstance(axis, int) for axis in axes):
        raise ValueError(f"`axes` of batch_dot is an int or a pair of ints, got {axes!r}")
    a, b = normalize_axis(axes[0], x.ndim), normalize_axis(axes[1], y.ndim)
    if a == 0 or b == 0:
        raise ValueError(f"axis 0 counts the samples and is not summed over: axes={tuple(axes)}, {shapes}")
    k, m = x.shape[a], y.shape[b]  # type: ignore[index]
    if k != m and None not in (k, m):
        raise ValueError(f"batch_dot: axis {a} and axis {b} differ in size, {k} and {m}, in {shapes}")
    return a, b


def _extended(x: Tensor, rank: int) -> Tensor:
    """x with axes of size 1 behind its own."""
    for _ in range(rank - x.ndim):
        x = shape.expand_dims(x, x.ndim)
    return x
