"""Kernels of `symbolic.ops.pool`: one pass for each element of the window, over slices that need no padding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from polykeras.symbolic.windows import output_sizes, taps

Array = Any


class Pool:
    xp: Any

    def max_pool(self, x: Array, *, window: Any, strides: Any, padding: Any, out: Array = None) -> Array:
        if out is None:
            out = self.xp.empty(_outputs(x.shape, window, strides, padding), x.dtype)
        out[...] = _lowest(self.xp, x.dtype)
        for _, there, here in _taps(x.shape, window, strides, padding):
            self.xp.maximum(out[there], x[here], out=out[there])
        return out

    def max_pool_grad(
        self, g: Array, x: Array, y: Array, *, window: Any, strides: Any, padding: Any, out: Array = None
    ) -> Array:
        if out is None:
            out = self.xp.empty(x.shape, g.dtype)
        out[...] = 0
        for there, here, hit in self._hits(x, y, window, strides, padding):
            out[here] += g[there] * hit
        return out

    def max_pool_take(
        self, c: Array, x: Array, y: Array, *, window: Any, strides: Any, padding: Any, out: Array = None
    ) -> Array:
        if out is None:
            out = self.xp.empty(y.shape, c.dtype)
        out[...] = 0
        for there, here, hit in self._hits(x, y, window, strides, padding):
            out[there] += c[here] * hit
        return out

    def _hits(self, x: Array, y: Array, window: Any, strides: Any, padding: Any) -> Iterator[tuple[Any, Any, Array]]:
        """For each element of the window: its outputs, its inputs, and where it is the first to hold the maximum."""
        free = self.xp.ones(y.shape, bool)
        for _, there, here in _taps(x.shape, window, strides, padding):
            hit = self.xp.equal(x[here], y[there])
            hit &= free[there]
            free[there] ^= hit
            yield there, here, hit

    def avg_pool(self, x: Array, *, window: Any, strides: Any, padding: Any, out: Array = None) -> Array:
        if out is None:
            out = self.xp.empty(_outputs(x.shape, window, strides, padding), x.dtype)
        out[...] = 0
        for _, there, here in _taps(x.shape, window, strides, padding):
            out[there] += x[here]
        return self.xp.multiply(out, self._shares(x.shape, window, strides, padding, x.dtype), out=out)

    def avg_pool_grad(
        self, g: Array, like: Any, *, window: Any, strides: Any, padding: Any, out: Array = None
    ) -> Array:
        if out is None:
            out = self.xp.empty(like, g.dtype)
        out[...] = 0
        share = g * self._shares(like, window, strides, padding, g.dtype)
        for _, there, here in _taps(like, window, strides, padding):
            out[here] += share[there]
        return out

    def _shares(self, shape: Any, window: Any, strides: Any, padding: Any, dtype: Any) -> Array:
        """1 / the number of elements in each window: a scalar where that is the same everywhere."""
        shares = self.xp.ones((1,) * len(shape), dtype)
        for axis, size in enumerate(shape[1:-1]):
            counts = window_counts(
                size, window[axis], strides[axis], padding if isinstance(padding, str) else padding[axis]
            )
            row = [1 / n for n in counts] if len(set(counts)) > 1 else [1 / n for n in counts[:1]]
            shares = shares * self.xp.asarray(row, dtype).reshape(-1, *(1,) * (len(shape) - 2 - axis))
        return shares


def window_counts(size: int, window: int, stride: int, padding: Any) -> list[int]:
    """How many elements each window along an axis holds, padding left out."""
    padding = padding if isinstance(padding, str) else (padding,)
    counts: list[int] = [0] * output_sizes((size,), (window,), (stride,), (1,), padding)[0]  # type: ignore[operator]
    for _, (_, there), _ in taps((size,), (window,), (stride,), (1,), padding):
        for place in range(there.start, there.stop):
            counts[place] += 1
    return counts


def _taps(shape: Any, window: Any, strides: Any, padding: Any) -> Iterator[Any]:
    return taps(shape[1:-1], window, strides, (1,) * len(window), padding)


def _outputs(shape: Any, window: Any, strides: Any, padding: Any) -> tuple[int, ...]:
    sizes = output_sizes(shape[1:-1], window, strides, (1,) * len(window), padding)
    return shape[0], *sizes, shape[-1]


def _lowest(xp: Any, dtype: Any) -> Any:
    return -xp.inf if dtype.kind == "f" else xp.iinfo(dtype).min
