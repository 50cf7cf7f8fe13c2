"""Kernels of `symbolic.ops.image`."""

from __future__ import annotations

from typing import Any

Array = Any


class Image:
    xp: Any

    def upsample(self, x: Array, *, factors: Any, out: Array = None) -> Array:
        blocks, shape = _blocks(x.shape, factors)
        out = self.xp.empty(shape, x.dtype) if out is None else out
        single = tuple(1 if i % 2 == 0 and 0 < i < len(blocks) - 1 else n for i, n in enumerate(blocks))
        out.reshape(blocks)[...] = x.reshape(single)
        return out

    def sum_blocks(self, x: Array, *, factors: Any, out: Array = None) -> Array:
        small = [n // f for n, f in zip(x.shape[1:-1], factors, strict=True)]
        blocks, _ = _blocks((x.shape[0], *small, x.shape[-1]), factors)
        return x.reshape(blocks).sum(axis=tuple(range(2, len(blocks) - 1, 2)), dtype=x.dtype, out=out)

    def upsample_linear(self, x: Array, *, factors: Any) -> Array:
        for axis, factor in enumerate(factors, 1):
            x = self._along(self._weights(x.shape[axis], factor, x.dtype), x, axis)
        return x

    def upsample_linear_grad(self, g: Array, *, factors: Any) -> Array:
        for axis, factor in enumerate(factors, 1):
            g = self._along(self._weights(g.shape[axis] // factor, factor, g.dtype).T, g, axis)
        return g

    def _weights(self, size: int, factor: int, dtype: Any) -> Array:
        """The matrix (size factor, size) that interpolates along an axis."""
        xp = self.xp
        places = xp.arange(size * factor)[:, None]
        inputs = xp.arange(size)[None, :]
        left = places // factor
        right = xp.minimum(left + 1, size - 1)
        share = ((places - left * factor) / factor).astype(dtype)
        return (inputs == left) * (1 - share) + (inputs == right) * share

    def _along(self, matrix: Array, x: Array, axis: int) -> Array:
        """The matrix applied to each column of x along an axis."""
        columns = 1
        for n in x.shape[axis + 1 :]:
            columns *= n
        rows = self.xp.matmul(matrix, x.reshape(-1 if columns else 0, x.shape[axis], columns))
        return rows.reshape(*x.shape[:axis], matrix.shape[0], *x.shape[axis + 1 :])


def _blocks(shape: Any, factors: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shape of the enlarged image with the blocks as axes of their own, and without."""
    pairs = [(n, f) for n, f in zip(shape[1:-1], factors, strict=True)]
    split = [size for pair in pairs for size in pair]
    return (shape[0], *split, shape[-1]), (shape[0], *[n * f for n, f in pairs], shape[-1])
