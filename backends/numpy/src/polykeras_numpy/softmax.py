"""softmax along the last axis and its gradient: reductions into scratch memory, sums as products with ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from polykeras.runtime.backend import Kernel
from polykeras.runtime.program import Step
from polykeras.symbolic.spec import normalize_axis
from polykeras_numpy.binding import binder

Array = Any

# Rows longer than this are summed by NumPy's pairwise sum: a product's error grows with the length.
LONG = 1024


def _rows(step: Step) -> tuple[int, int] | None:
    """How many rows of how many classes, where BLAS can sum them."""
    spec = step.outs[0].spec
    shape: Any = spec.shape
    if spec.dtype not in ("float32", "float64") or normalize_axis(step.attrs["axis"], len(shape)) != len(shape) - 1:
        return None
    classes = shape[-1]
    return (spec.size // classes, classes) if 0 < classes <= LONG and spec.size else None


@binder("softmax")
def _softmax(step: Step) -> Kernel | None:
    rows = _rows(step)
    if rows is None:
        return None
    count, classes = rows
    dtype = np.dtype(step.outs[0].spec.dtype)
    ones = np.ones(classes, dtype)

    def softmax(x: Array, out: Array, scratch: Array) -> None:
        x, out = x.reshape(count, classes), out.reshape(count, classes)
        extreme = np.ndarray((count, 1), dtype, scratch)
        np.maximum.reduce(x, 1, None, extreme, True)
        np.subtract(x, extreme, out)
        np.exp(out, out)
        np.dot(out, ones, np.ndarray((count,), dtype, scratch))
        np.true_divide(out, extreme, out)

    return Kernel(softmax, into=True, workspace=count * dtype.itemsize)


@binder("softmax_grad")
def _softmax_grad(step: Step) -> Kernel | None:
    rows = _rows(step)
    if rows is None or any(v.spec.shape != step.outs[0].spec.shape for v in step.arrays):
        return None
    count, classes = rows
    dtype = np.dtype(step.outs[0].spec.dtype)
    ones = np.ones(classes, dtype)

    def softmax_grad(g: Array, y: Array, out: Array, scratch: Array) -> None:
        g, y, out = g.reshape(count, classes), y.reshape(count, classes), out.reshape(count, classes)
        total = np.ndarray((count, 1), dtype, scratch)
        np.multiply(g, y, out)
        np.dot(out, ones, np.ndarray((count,), dtype, scratch))
        np.subtract(g, total, out)
        np.multiply(out, y, out)

    return Kernel(softmax_grad, into=True, workspace=count * dtype.itemsize)
