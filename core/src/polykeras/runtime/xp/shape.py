"""Kernels of `symbolic.ops.shape` on any array module that follows NumPy."""

from __future__ import annotations

from typing import Any

Array = Any
Sizes = tuple[int, ...]
Ends = tuple[int | None, ...]


class Shape:
    xp: Any

    # -- sizes -------------------------------------------------------------------------------------------------------

    def shape_of(self, x: Sizes, *, axes: tuple[int | None, ...] | None = None) -> Array:
        dims = x if axes is None else [1 if a is None else x[a] for a in axes]
        return self.xp.array(dims, dtype="int32")

    # -- views, written to an array of their own where the planner does not make them ----------------------------------

    def reshape(self, x: Array, shape: Sizes, *, out: Array = None) -> Array:
        return self._written(x.reshape(shape), out)

    def transpose(self, x: Array, *, axes: tuple[int, ...], out: Array = None) -> Array:
        return self._written(x.transpose(axes), out)

    def slice(self, x: Array, *, start: Ends, stop: Ends, step: Ends, out: Array = None) -> Array:
        return self._written(x[_block(start, stop, step)], out)

    def _written(self, view: Array, out: Array) -> Array:
        if out is None:
            return view.copy()
        self.xp.copyto(out, view)
        return out

    def slice_grad(self, g: Array, like: Sizes, *, start: Ends, stop: Ends, step: Ends, out: Array = None) -> Array:
        return self._embedded(g, like, _block(start, stop, step), out)

    def _embedded(self, x: Array, shape: Sizes, place: Any, out: Array, value: float = 0) -> Array:
        """x at its place in an array of this shape that is `value` elsewhere."""
        if out is None:
            out = self.xp.empty(shape, dtype=x.dtype)
        out.fill(value)
        out[place] = x
        return out

    # -- copies ------------------------------------------------------------------------------------------------------

    def slice_at(self, x: Array, start: Sizes, size: Sizes, *, out: Array = None) -> Array:
        return self._written(x[_block_at(start, size, x.shape)], out)

    def slice_at_grad(self, g: Array, start: Sizes, like: Sizes, *, out: Array = None) -> Array:
        return self._embedded(g, like, _block_at(start, g.shape, like), out)

    def concatenate(self, *xs: Array, axis: int, out: Array = None) -> Array:
        return self.xp.concatenate(xs, axis=axis, out=out)

    def stack(self, *xs: Array, axis: int = 0, out: Array = None) -> Array:
        return self.xp.stack(xs, axis=axis, out=out)

    def pad(self, x: Array, *, widths: tuple[tuple[int, int], ...], value: float = 0.0, out: Array = None) -> Array:
        shape = tuple([before + n + after for n, (before, after) in zip(x.shape, widths, strict=True)])
        place = tuple([slice(before, before + n) for n, (before, _) in zip(x.shape, widths, strict=True)])
        return self._embedded(x, shape, place, out, value)

    def tile(self, x: Array, repeats: Sizes, *, out: Array = None) -> Array:
        if out is None:
            out = self.xp.empty(tuple([n * count for n, count in zip(x.shape, repeats, strict=True)]), dtype=x.dtype)
        if out.size:
            blocks = out.reshape(_interleaved(repeats, x.shape))
            self.xp.copyto(blocks, x.reshape(_interleaved((1,) * x.ndim, x.shape)))
        return out

    def tile_grad(self, g: Array, repeats: Sizes, like: Sizes, *, out: Array = None) -> Array:
        blocks = g.reshape(_interleaved(repeats, like))
        return blocks.sum(axis=tuple(range(0, 2 * len(like), 2)), dtype=g.dtype, out=out)

    def repeat(self, x: Array, *, repeats: int, axis: int, out: Array = None) -> Array:
        axis %= x.ndim
        shape = x.shape
        if out is None:
            out = self.xp.empty((*shape[:axis], shape[axis] * repeats, *shape[axis + 1 :]), dtype=x.dtype)
        groups = out.reshape((*shape[: axis + 1], repeats, *shape[axis + 1 :]))
        self.xp.copyto(groups, x.reshape((*shape[: axis + 1], 1, *shape[axis + 1 :])))
        return out

    def repeat_grad(self, g: Array, like: Sizes, *, repeats: int, axis: int, out: Array = None) -> Array:
        axis %= g.ndim
        groups = g.reshape((*like[: axis + 1], repeats, *like[axis + 1 :]))
        return groups.sum(axis=axis + 1, dtype=g.dtype, out=out)

    # -- indices -----------------------------------------------------------------------------------------------------

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
        return self._embedded(g, like, (slice(None),) * (axis % len(like)) + (mask,), out)

    def nonzero(self, x: Array) -> Array:
        return self.xp.argwhere(x).astype("int64")

    # -- made from sizes ---------------------------------------------------------------------------------------------

    def arange(self, start: int, stop: int, step: int, *, dtype: str = "int32") -> Array:
        return self.xp.arange(start, stop, step, dtype=dtype)

    def fill(self, shape: Sizes, *, value: float, dtype: str | None = None, out: Array = None) -> Array:
        if out is None:
            return self.xp.full(shape, value, dtype=dtype)
        out.fill(value)
        return out

    def eye(self, rows: int, columns: int, *, dtype: str | None = None) -> Array:
        return self.xp.eye(rows, columns, dtype=dtype)


def _block(start: Ends, stop: Ends, step: Ends) -> tuple[slice, ...]:
    return tuple([slice(*ends) for ends in zip(start, stop, step, strict=True)])


def _block_at(start: Sizes, size: Sizes, shape: Sizes) -> tuple[slice, ...]:
    """The block of this size that begins at `start`; a size of -1 means the rest."""
    block = []
    for at, extent, n in zip(start, size, shape, strict=True):
        end = n if extent == -1 else at + extent
        if not 0 <= at <= end <= n:
            raise ValueError(f"a block from {start} of size {size} does not fit in shape {shape}")
        block.append(slice(at, end))
    return tuple(block)


def _interleaved(first: Sizes, second: Sizes) -> Sizes:
    return tuple([n for pair in zip(first, second, strict=True) for n in pair])
