"""Convolution by matrix products over blocks of windows that stay in the cache.

Each function binds a kernel to a step, or returns None where the shared kernel is to be taken.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from polykeras.runtime.backend import Kernel
from polykeras.runtime.program import Step
from polykeras_numpy.binding import binder
from polykeras_numpy.columns import Columns

Array = Any


@binder("conv")
def bind_conv(step: Step) -> Kernel | None:
    """y = windows(x) kernel."""
    x, kernel = [value.spec for value in step.arrays]
    columns = _columns(step, x.shape, kernel.shape[:-2], x.dtype)
    if columns is None:
        return None
    if columns.whole:
        return Kernel(_pointwise, into=True)
    return Kernel(functools.partial(_conv, columns), into=True, workspace=columns.padded_bytes + columns.columns_bytes)


@binder("conv_input_grad")
def bind_conv_input_grad(step: Step) -> Kernel | None:
    """dx = the sum over the window of g kernel', each element's product added where it was read."""
    g, kernel = [value.spec for value in step.arrays]
    like = step.args[2]
    if not isinstance(like, tuple):
        return None
    columns = _columns(step, like, kernel.shape[:-2], g.dtype)
    if columns is None:
        return None
    if columns.whole:
        return Kernel(_pointwise_input_grad, into=True)
    turned = _turned_columns(columns, g)
    if turned is not None:
        workspace = turned.padded_bytes + turned.columns_bytes + kernel.size * columns.dtype.itemsize
        return Kernel(functools.partial(_conv_turned, turned, kernel.shape), into=True, workspace=workspace)
    return Kernel(
        functools.partial(_conv_input_grad, columns),
        into=True,
        workspace=columns.padded_bytes + columns.columns_bytes,
    )


@binder("conv_kernel_grad")
def bind_conv_kernel_grad(step: Step) -> Kernel | None:
    """dkernel = windows(x)' g."""
    x, g = [value.spec for value in step.arrays]
    like = step.args[2]
    if not isinstance(like, tuple):
        return None
    columns = _columns(step, x.shape, like[:-2], x.dtype)
    if columns is None:
        return None
    if columns.whole:
        return Kernel(_pointwise_kernel_grad, into=True)
    kernel_bytes = columns.width * g.shape[-1] * columns.dtype.itemsize
    return Kernel(
        functools.partial(_conv_kernel_grad, columns),
        into=True,
        workspace=columns.padded_bytes + columns.columns_bytes + kernel_bytes,
    )


def _columns(step: Step, shape: Any, window: Any, dtype: str) -> Columns | None:
    """None where sizes are not known yet, where nothing is to do, and for dtypes without a fast product."""
    known = all(value.spec.concrete and value.spec.size for value in (*step.arrays, *step.outs))
    if not known or step.dynamic or dtype == "float16":
        return None
    return Columns(shape, window, step.attrs["strides"], step.attrs["padding"], step.attrs["dilation"], dtype)


def _conv(columns: Columns, x: Array, kernel: Array, out: Array, scratch: Array) -> None:
    matrix = columns.matrix(scratch)
    taps = kernel.reshape(columns.width, -1)
    result = out.reshape(-1, out.shape[-1])
    buffer = columns.buffer(scratch) if columns.padded else None
    windows = columns.windows(x if buffer is None else buffer)
    for images, blocks in columns.blocks():
        part = _load(columns, x, images, buffer, windows)
        for block in blocks:
            np.matmul(columns.fill(part[:, block.rows], matrix), taps, out=result[block.places])


def _conv_input_grad(columns: Columns, g: Array, kernel: Array, out: Array, scratch: Array) -> None:
    flat = columns.matrix(scratch)
    channels = columns.channels
    taps = kernel.reshape(-1, channels, kernel.shape[-1]).transpose(0, 2, 1)
    rows = g.reshape(-1, g.shape[-1])
    buffer = columns.buffer(scratch) if columns.padded else None
    if buffer is None:
        out.fill(0)
    windows = columns.windows(out if buffer is None else buffer)
    places = list(np.ndindex(*columns.window))
    lead = (slice(None),) * len(columns.window)
    for images, blocks in columns.blocks():
        if buffer is not None:
            buffer.fill(0)
        part = windows[images] if buffer is None else windows[: images.stop - images.start]
        for block in blocks:
            target = part[:, block.rows]
            count = block.places.stop - block.places.start
            products = flat[: count * columns.width].reshape(len(places), count, channels)
            np.matmul(rows[block.places], taps, out=products)
            for tap, product in zip(places, products, strict=True):
                slot = target[(*lead, slice(None), *tap)]
                np.add(slot, product.reshape(slot.shape), out=slot)
        if buffer is not None:
            out[images] = buffer[columns.inside][: images.stop - images.start]


def _turned_columns(columns: Columns, g: Any) -> Columns | None:
    """With steps of 1 the gradient is a convolution of g with the kernel turned round.

    That copies each element of g once for each element of the window, but adds nothing up afterwards: faster where the
    output's channels are not many more than the input's, and those not few.
    """
    filters = g.shape[-1]
    if any(s > 1 for s in columns.strides) or not (columns.channels >= 16 and filters <= 3 * columns.channels):
        return None
    spans = [(n - 1) * d for n, d in zip(columns.window, columns.dilation, strict=True)]
    pads = tuple([(n - before, n - after) for n, (before, after) in zip(spans, columns.pads, strict=True)])
    if any(min(pair) < 0 for pair in pads):
        return None
    return Columns(g.shape, columns.window, columns.strides, pads, columns.dilation, columns.dtype)


def _conv_turned(columns: Columns, shape: Any, g: Array, kernel: Array, out: Array, scratch: Array) -> None:
    end = columns.padded_bytes + columns.columns_bytes
    turned = scratch[end : end + kernel.nbytes].view(columns.dtype).reshape(*shape[:-2], shape[-1], shape[-2])
    np.copyto(turned, kernel[(slice(None, None, -1),) * (len(shape) - 2)].swapaxes(-1, -2))
    _conv(columns, g, turned, out, scratch)


def _conv_kernel_grad(columns: Columns, x: Array, g: Array, out: Array, scratch: Array) -> None:
    matrix = columns.matrix(scratch)
    result = out.reshape(columns.width, -1)
    end = columns.padded_bytes + columns.columns_bytes
    share = scratch[end : end + result.nbytes].view(columns.dtype).reshape(result.shape)
    rows = g.reshape(-1, g.shape[-1])
    buffer = columns.buffer(scratch) if columns.padded else None
    windows = columns.windows(x if buffer is None else buffer)
    target = result
    for images, blocks in columns.blocks():
        part = _load(columns, x, images, buffer, windows)
        for block in blocks:
            np.matmul(columns.fill(part[:, block.rows], matrix).T, rows[block.places], out=target)
            if target is share:
                np.add(result, share, out=result)
            target = share


def _load(columns: Columns, x: Array, images: slice, buffer: Array, windows: Array) -> Array:
    """The windows of some images, padded where need be."""
    if buffer is None:
        return windows[images]
    count = images.stop - images.start
    buffer[columns.inside][:count] = x[images]
    return windows[:count]


def _pointwise(x: Array, kernel: Array, out: Array) -> None:
    np.matmul(x.reshape(-1, x.shape[-1]), kernel.reshape(kernel.shape[-2:]), out=out.reshape(-1, out.shape[-1]))


def _pointwise_input_grad(g: Array, kernel: Array, out: Array) -> None:
    np.matmul(g.reshape(-1, g.shape[-1]), kernel.reshape(kernel.shape[-2:]).T, out=out.reshape(-1, out.shape[-1]))


def _pointwise_kernel_grad(x: Array, g: Array, out: Array) -> None:
    np.matmul(x.reshape(-1, x.shape[-1]).T, g.reshape(-1, g.shape[-1]), out=out.reshape(out.shape[-2:]))
