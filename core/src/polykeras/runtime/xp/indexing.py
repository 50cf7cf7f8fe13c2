"""Kernels of `symbolic.ops.indexing` on any array module that follows NumPy."""

from __future__ import annotations

from typing import Any

Array = Any
Sizes = tuple[int, ...]


class Indexing:
    xp: Any

    def gather(self, x: Array, indices: Array, *, axis: int = 0, out: Array = None) -> Array:
        self._check_places(indices, x, axis)
        return x.take(indices, axis=axis, out=out)

    def _check_places(self, indices: Array, x: Array, axis: int) -> None:
        """An error for an index out of range; a device would have to wait for the answer, and is not asked."""
        if self.host and indices.size:  # type: ignore[attr-defined]
            low, high = int(indices.min()), int(indices.max())
            size = x.shape[axis]
            if low < 0 or high >= size:
                found = high if high >= size else low
                raise IndexError(f"index {found} is out of range for axis {axis} of size {size}")

    def scatter_add(self, g: Array, indices: Array, like: Sizes, *, axis: int = 0, out: Array = None) -> Array:
        out = self._zeros(like, g.dtype, out)
        self.xp.add.at(out, (slice(None),) * (axis % len(like)) + (indices,), g)
        return out

    def take_along_axis(self, x: Array, indices: Array, *, axis: int = -1) -> Array:
        self._check_places(indices, x, axis)
        return x[self._beside(indices, axis)]

    def scatter_along_axis(self, g: Array, indices: Array, like: Sizes, *, axis: int = -1, out: Array = None) -> Array:
        out = self._zeros(like, g.dtype, out)
        self.xp.add.at(out, self._beside(indices, axis), g)
        return out

    def _beside(self, indices: Array, axis: int) -> tuple[Array, ...]:
        """The index that takes `indices` along one axis and the place itself along the others."""
        shape = indices.shape
        index = [self.xp.arange(n).reshape((n,) + (1,) * (len(shape) - i - 1)) for i, n in enumerate(shape)]
        index[axis] = indices
        return tuple(index)

    def _zeros(self, shape: Sizes, dtype: Any, out: Array) -> Array:
        if out is None:
            return self.xp.zeros(shape, dtype=dtype)
        out.fill(0)
        return out

    def argsort(self, x: Array, *, axis: int = -1, descending: bool = False) -> Array:
        if not descending:
            return self.xp.argsort(x, axis=axis, kind="stable").astype("int32")
        # backwards in and out, so that the first of equal elements comes first
        flipped = self.xp.argsort(self.xp.flip(x, axis), axis=axis, kind="stable")
        return x.shape[axis] - 1 - self.xp.flip(flipped, axis).astype("int32")

    def one_hot(self, x: Array, depth: int, *, dtype: str | None = None, out: Array = None) -> Array:
        xp = self.xp
        hits = x[..., None] == xp.arange(depth, dtype=x.dtype)
        if out is None:
            return hits.astype(dtype)
        xp.copyto(out, hits)
        return out

    def boolean_mask(self, x: Array, mask: Array, *, axis: int = 0) -> Array:
        return x[(slice(None),) * (axis % x.ndim) + (mask,)]

    def boolean_mask_grad(self, g: Array, mask: Array, like: Sizes, *, axis: int = 0, out: Array = None) -> Array:
        out = self._zeros(like, g.dtype, out)
        out[(slice(None),) * (axis % len(like)) + (mask,)] = g
        return out

    def nonzero(self, x: Array) -> Array:
        return self.xp.argwhere(x).astype("int64")
