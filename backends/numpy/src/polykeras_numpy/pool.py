"""Pooling over strided views, some images at a time so that what is read again is in the cache.

Each function binds a kernel to a step, or returns None where the shared kernel is to be taken.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from polykeras.runtime.backend import Kernel
from polykeras.runtime.program import Step
from polykeras.symbolic.windows import taps
from polykeras_numpy.binding import binder

Array = Any
BLOCK_BYTES = 2**19  # of inputs


class Windows:
    """The taps of a pooling op, and blocks of images."""

    def __init__(self, x: Any, y: Any, attrs: dict[str, Any]):
        window, strides = attrs["window"], attrs["strides"]
        self.dtype = np.dtype(x.dtype)
        self.batch = x.shape[0]
        self.images = max(1, BLOCK_BYTES // (x.size // max(1, x.shape[0]) * self.dtype.itemsize or 1))
        self.blocks = [slice(i, i + self.images) for i in range(0, self.batch, self.images)]
        self.outputs = y.shape[1:]
        self.taps = [
            (there, here)
            for _, there, here in taps(x.shape[1:-1], window, strides, (1,) * len(window), attrs["padding"])
        ]
        every = (slice(None), *[slice(0, n) for n in y.shape[1:-1]])
        self.full = all(there == every for there, _ in self.taps)
        self.disjoint = all(s >= w for s, w in zip(strides, window, strict=True))
        self.tiled = self.full and self.disjoint and y.size * len(self.taps) == x.size


def _windows(step: Step, x: Any, y: Any) -> Windows | None:
    if step.dynamic or not all(s.concrete and s.size for s in (x, y)) or x.dtype not in ("float32", "float64"):
        return None
    return Windows(x, y, step.attrs)


@binder("max_pool")
def bind_max_pool(step: Step) -> Kernel | None:
    windows = _windows(step, step.arrays[0].spec, step.outs[0].spec)
    return None if windows is None else Kernel(functools.partial(_max_pool, windows), into=True)


@binder("max_pool_grad")
def bind_max_pool_grad(step: Step) -> Kernel | None:
    g, x, y = [value.spec for value in step.arrays]
    windows = _windows(step, x, y)
    if windows is None or g.dtype != x.dtype:
        return None
    block = windows.images * math.prod(windows.outputs)
    return Kernel(functools.partial(_max_pool_grad, windows, block), into=True, workspace=10 * block)


def _max_pool(windows: Windows, x: Array, out: Array) -> None:
    (first_there, first), *others = windows.taps
    for block in windows.blocks:
        part, result = x[block], out[block]
        if windows.full:
            np.copyto(result, part[first])
        else:
            result.fill(-np.inf)
            np.maximum(result[first_there], part[first], out=result[first_there])
        for there, here in others:
            np.maximum(result[there], part[here], out=result[there])


def _max_pool_grad(windows: Windows, block_size: int, g: Array, x: Array, y: Array, out: Array, scratch: Array) -> None:
    shares = scratch[: 8 * block_size].view(windows.dtype)
    hits, rest = scratch[8 * block_size : 10 * block_size].view(bool).reshape(2, -1)
    if not windows.tiled:
        out.fill(0)
    for block in windows.blocks:
        part, result, maxima, gradient = x[block], out[block], y[block], g[block]
        free = rest[: maxima.size].reshape(maxima.shape)
        free.fill(True)
        for there, here in windows.taps:
            target, open_places = result[here], free[there]
            hit = hits[: target.size].reshape(target.shape)
            np.equal(part[here], maxima[there], out=hit)
            np.bitwise_and(hit, open_places, out=hit)
            np.bitwise_xor(open_places, hit, out=open_places)
            if windows.disjoint:
                np.multiply(gradient[there], hit, out=target)
            else:
                share = shares[: target.size].reshape(target.shape)
                np.multiply(gradient[there], hit, out=share)
                np.add(target, share, out=target)
