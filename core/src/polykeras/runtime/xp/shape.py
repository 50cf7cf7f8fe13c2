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
