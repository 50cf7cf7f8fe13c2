"""Kernels of `symbolic.ops.conv`: one product for each element of the window, over slices that need no padding."""

from __future__ import annotations

from typing import Any

from polykeras.symbolic.windows import output_sizes, taps

Array = Any


class Conv:
    xp: Any

    def conv(self, x: Array, kernel: Array, *, strides: Any, padding: Any, dilation: Any, out: Array = None) -> Array:
        window = kernel.shape[:-2]
        sizes: Any = output_sizes(x.shape[1:-1], window, strides, dilation, padding)
        out = _zeros(self.xp, out, (x.shape[0], *sizes, kernel.shape[-1]), x.dtype)
        for tap, there, here in taps(x.shape[1:-1], window, strides, dilation, padding):
            out[there] += self.xp.matmul(x[here], kernel[tap])
        return out

    def conv_input_grad(
        self, g: Array, kernel: Array, like: Any, *, strides: Any, padding: Any, dilation: Any, out: Array = None
    ) -> Array:
        out = _zeros(self.xp, out, like, g.dtype)
        for tap, there, here in taps(like[1:-1], kernel.shape[:-2], strides, dilation, padding):
            out[here] += self.xp.matmul(g[there], kernel[tap].T)
        return out

    def conv_kernel_grad(
        self, x: Array, g: Array, like: Any, *, strides: Any, padding: Any, dilation: Any, out: Array = None
    ) -> Array:
        out = _zeros(self.xp, out, like, x.dtype)
        places = list(range(x.ndim - 1))
        for tap, there, here in taps(x.shape[1:-1], like[:-2], strides, dilation, padding):
            out[tap] = self.xp.tensordot(x[here], g[there], axes=(places, places))
        return out

    def depthwise_conv(
        self, x: Array, kernel: Array, *, strides: Any, padding: Any, dilation: Any, out: Array = None
    ) -> Array:
        *window, channels, m = kernel.shape
        sizes: Any = output_sizes(x.shape[1:-1], window, strides, dilation, padding)
        out = _zeros(self.xp, out, (x.shape[0], *sizes, channels * m), x.dtype)
        for tap, there, here in taps(x.shape[1:-1], window, strides, dilation, padding):
            for j in range(m):
                out[there][..., j::m] += x[here] * kernel[tap][:, j]
        return out

    def depthwise_conv_input_grad(
        self, g: Array, kernel: Array, like: Any, *, strides: Any, padding: Any, dilation: Any, out: Array = None
    ) -> Array:
        *window, _, m = kernel.shape
        out = _zeros(self.xp, out, like, g.dtype)
        for tap, there, here in taps(like[1:-1], window, strides, dilation, padding):
            for j in range(m):
                out[here] += g[there][..., j::m] * kernel[tap][:, j]
        return out

    def depthwise_conv_kernel_grad(
        self, x: Array, g: Array, like: Any, *, strides: Any, padding: Any, dilation: Any, out: Array = None
    ) -> Array:
        *window, _, m = like
        out = _zeros(self.xp, out, like, x.dtype)
        places = tuple(range(x.ndim - 1))
        for tap, there, here in taps(x.shape[1:-1], window, strides, dilation, padding):
            for j in range(m):
                out[tap][:, j] = (x[here] * g[there][..., j::m]).sum(places)
        return out

    def patches(self, x: Array, *, window: Any, strides: Any, padding: Any, dilation: Any, out: Array = None) -> Array:
        sizes: Any = output_sizes(x.shape[1:-1], window, strides, dilation, padding)
        channels, count = x.shape[-1], _product(window)
        out = _zeros(self.xp, out, (x.shape[0], *sizes, count * channels), x.dtype)
        for tap, there, here in taps(x.shape[1:-1], window, strides, dilation, padding):
            first = _place(tap, window) * channels
            out[(*there, slice(first, first + channels))] = x[here]
        return out

    def patches_grad(
        self, g: Array, like: Any, *, window: Any, strides: Any, padding: Any, dilation: Any, out: Array = None
    ) -> Array:
        out = _zeros(self.xp, out, like, g.dtype)
        channels = like[-1]
        for tap, there, here in taps(like[1:-1], window, strides, dilation, padding):
            first = _place(tap, window) * channels
            out[here] += g[(*there, slice(first, first + channels))]
        return out


def _zeros(xp: Any, out: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    if out is None:
        return xp.zeros(shape, dtype)
    out[...] = 0
    return out


def _product(dims: Any) -> int:
    total = 1
    for dim in dims:
        total *= dim
    return total


def _place(tap: tuple[int, ...], window: tuple[int, ...]) -> int:
    """The place of an element of the window when it is read row by row."""
    place = 0
    for index, size in zip(tap, window, strict=True):
        place = place * size + index
    return place
