"""Kernels of `symbolic.ops.reduce` on any array module that follows NumPy."""

from __future__ import annotations

from typing import Any

Array = Any
Axis = int | tuple[int, ...] | None


class Reduce:
    xp: Any

    def sum(self, x: Array, *, axis: Axis = None, keepdims: bool = False, out: Array = None) -> Array:
        dtype = "int32" if x.dtype == bool else x.dtype
        return x.sum(axis=axis, dtype=dtype, out=out, keepdims=keepdims)

    def mean(self, x: Array, *, axis: Axis = None, keepdims: bool = False, out: Array = None) -> Array:
        if x.dtype == "float16":  # the sum and the count may exceed its range
            wide = self.mean(x.astype("float32"), axis=axis, keepdims=keepdims)
            return wide.astype("float16") if out is None else self.xp.positive(wide, out=out)
        total = x.sum(axis=axis, dtype=x.dtype, out=out, keepdims=keepdims)
        count = x.size // total.size if total.size else 1
        return self.xp.true_divide(total, x.dtype.type(count), out=out)

    def prod(self, x: Array, *, axis: Axis = None, keepdims: bool = False, out: Array = None) -> Array:
        return x.prod(axis=axis, dtype=x.dtype, out=out, keepdims=keepdims)

    def max(self, x: Array, *, axis: Axis = None, keepdims: bool = False, out: Array = None) -> Array:
        return x.max(axis=axis, out=out, keepdims=keepdims)

    def min(self, x: Array, *, axis: Axis = None, keepdims: bool = False, out: Array = None) -> Array:
        return x.min(axis=axis, out=out, keepdims=keepdims)

    def any(self, x: Array, *, axis: Axis = None, keepdims: bool = False, out: Array = None) -> Array:
        return x.any(axis=axis, out=out, keepdims=keepdims)

    def all(self, x: Array, *, axis: Axis = None, keepdims: bool = False, out: Array = None) -> Array:
        return x.all(axis=axis, out=out, keepdims=keepdims)

    def argmax(self, x: Array, *, axis: int | None = -1, out: Array = None) -> Array:
        return _int64(x.argmax(axis=axis, out=out))

    def argmin(self, x: Array, *, axis: int | None = -1, out: Array = None) -> Array:
        return _int64(x.argmin(axis=axis, out=out))

    def cumsum(self, x: Array, *, axis: int = 0, out: Array = None) -> Array:
        return x.cumsum(axis=axis, dtype=x.dtype, out=out)

    def cumprod(self, x: Array, *, axis: int = 0, out: Array = None) -> Array:
        return x.cumprod(axis=axis, dtype=x.dtype, out=out)


def _int64(positions: Array) -> Array:
    return positions if positions.dtype == "int64" else positions.astype("int64")
