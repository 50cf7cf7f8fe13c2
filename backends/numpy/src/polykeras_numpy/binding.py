"""Kernels bound to one step: axes, sizes and constants are settled once, arguments are positional.

A binder takes a step and returns a `Kernel`, or None where the shared one is as good. NumPy's keyword arguments, Python
wrappers and Python numbers as operands cost a microsecond each, which is what a small model's kernels take themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from polykeras.runtime.backend import Kernel
from polykeras.runtime.program import Step
from polykeras.symbolic.spec import normalize_axes

Array = Any
Binder = Callable[[Step], Kernel | None]

# From here on a select by bits beats np.where.
LARGE = 2048
BINDERS: dict[str, Binder] = {}


def binder(*names: str) -> Callable[[Binder], Binder]:
    """Make a function the binder of these ops."""

    def declare(function: Binder) -> Binder:
        for name in names:
            BINDERS[name] = function
        return function

    return declare


# -- elementwise ---------------------------------------------------------------------------------------------------

_UFUNCS: dict[str, Any] = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.true_divide,
    "floor_divide": np.floor_divide, "mod": np.remainder, "power": np.power, "negative": np.negative,
    "abs": np.absolute, "sign": np.sign, "square": np.square, "sqrt": np.sqrt, "exp": np.exp, "expm1": np.expm1,
    "log": np.log, "log1p": np.log1p, "sin": np.sin, "cos": np.cos, "tanh": np.tanh, "equal": np.equal,
    "not_equal": np.not_equal, "less": np.less, "less_equal": np.less_equal, "greater": np.greater,
    "greater_equal": np.greater_equal, "logical_and": np.logical_and, "logical_or": np.logical_or,
    "logical_not": np.logical_not, "isnan": np.isnan, "isfinite": np.isfinite,
}  # fmt: skip


@binder(*_UFUNCS)
def _ufunc(step: Step) -> Kernel:
    return Kernel(_UFUNCS[step.op.name], into=True)


@binder("maximum", "minimum")
def _extreme(step: Step) -> Kernel:
    """NumPy means to give a third positional argument of these two another meaning."""
    ufunc = np.maximum if step.op.name == "maximum" else np.minimum

    def extreme(x: Array, y: Array, out: Array) -> None:
        ufunc(x, y, out=out)

    return Kernel(extreme, into=True)


@binder("relu")
def _relu(step: Step) -> Kernel:
    zero = np.zeros((), step.outs[0].spec.dtype)

    def relu(x: Array, out: Array, maximum: Any = np.maximum) -> None:
        maximum(x, zero, out=out)

    return Kernel(relu, into=True)


@binder("relu_grad")
def _relu_grad(step: Step) -> Kernel:
    shape, dtype = step.arrays[1].spec.shape, step.outs[0].spec.dtype
    zero = np.zeros((), dtype)

    def relu_grad(
        g: Array, y: Array, out: Array, scratch: Array, greater: Any = np.greater, multiply: Any = np.multiply
    ) -> None:
        multiply(g, greater(y, zero, np.ndarray(shape, "?", scratch)), out)

    return Kernel(relu_grad, into=True, workspace=max(step.arrays[1].spec.size, 1))


@binder("sigmoid")
def _sigmoid(step: Step) -> Kernel:
    one = np.ones((), step.outs[0].spec.dtype)

    def sigmoid(x: Array, out: Array) -> None:
        np.negative(x, out)
        np.exp(out, out)
        np.add(out, one, out)
        np.reciprocal(out, out)

    return Kernel(sigmoid, into=True)


@binder("sigmoid_grad", "tanh_grad")
def _slope(step: Step) -> Kernel:
    shape, dtype = step.arrays[1].spec.shape, step.outs[0].spec.dtype
    one = np.ones((), dtype)

    def sigmoid_grad(g: Array, y: Array, out: Array, scratch: Array) -> None:
        slope = np.ndarray(shape, dtype, scratch)
        np.subtract(one, y, slope)
        np.multiply(slope, y, slope)
        np.multiply(g, slope, out)

    def tanh_grad(g: Array, y: Array, out: Array, scratch: Array) -> None:
        slope = np.ndarray(shape, dtype, scratch)
        np.multiply(y, y, slope)
        np.subtract(one, slope, slope)
        np.multiply(g, slope, out)

    workspace = max(step.arrays[1].spec.size, 1) * one.itemsize
    return Kernel(sigmoid_grad if step.op.name == "sigmoid_grad" else tanh_grad, into=True, workspace=workspace)


def _where_small(condition: Array, x: Array, y: Array, out: Array) -> None:
    out[...] = np.where(condition, x, y)


@binder("where")
def _where(step: Step) -> Kernel:
    """Selects by bits: ((x ^ y) & mask) ^ y, right for any bits and free of branches that data mispredict."""
    spec = step.outs[0].spec
    if spec.size < LARGE:
        return Kernel(_where_small, into=True)
    bits = np.dtype(f"i{np.dtype(spec.dtype).itemsize}")
    nbytes = spec.size * bits.itemsize

    def where(condition: Array, x: Array, y: Array, out: Array, scratch: Array) -> None:
        mask = np.ndarray(spec.shape, bits, scratch)
        chosen = np.ndarray(spec.shape, bits, scratch, nbytes)
        other = y.view(bits)
        np.negative(condition.view("i1"), mask)
        np.bitwise_xor(x.view(bits), other, chosen)
        np.bitwise_and(chosen, mask, chosen)
        np.bitwise_xor(chosen, other, out.view(bits))

    return Kernel(where, into=True, workspace=2 * nbytes)


@binder("cast")
def _cast(step: Step) -> Kernel:
    def cast(x: Array, out: Array, copyto: Any = np.copyto) -> None:
        copyto(out, x, "unsafe")

    return Kernel(cast, into=True)


@binder("identity", "stop_gradient", "broadcast_to")
def _copy(step: Step) -> Kernel:
    def copy(x: Array, out: Array, copyto: Any = np.copyto) -> None:
        copyto(out, x)

    return Kernel(copy, into=True)


# -- reductions ----------------------------------------------------------------------------------------------------

_REDUCTIONS: dict[str, Any] = {
    "prod": np.multiply.reduce, "max": np.maximum.reduce, "min": np.minimum.reduce, "any": np.logical_or.reduce,
    "all": np.logical_and.reduce,
}  # fmt: skip


@binder(*_REDUCTIONS)
def _reduction(step: Step) -> Kernel:
    source, attrs = step.arrays[0].spec, step.attrs
    axes, keepdims = normalize_axes(attrs["axis"], source.ndim), attrs["keepdims"]
    reduce, dtype = _REDUCTIONS[step.op.name], np.dtype(step.outs[0].spec.dtype)

    def reduction(x: Array, out: Array) -> None:
        reduce(x, axes, dtype, out, keepdims)

    return Kernel(reduction, into=True)


@binder("sum")
def _sum(step: Step) -> Kernel:
    source, attrs = step.arrays[0].spec, step.attrs
    return Kernel(_summing(step, normalize_axes(attrs["axis"], source.ndim), attrs["keepdims"]), into=True)


@binder("mean")
def _mean(step: Step) -> Kernel | None:
    source, attrs = step.arrays[0].spec, step.attrs
    if source.dtype == "float16":
        return None
    total = _summing(step, normalize_axes(attrs["axis"], source.ndim), attrs["keepdims"])
    out = step.outs[0].spec
    count = np.array(source.size // out.size if out.size else 1, out.dtype)

    def mean(x: Array, out: Array, divide: Any = np.true_divide) -> None:
        total(x, out)
        divide(out, count, out)

    return Kernel(mean, into=True)


@binder("sum_to")
def _sum_to(step: Step) -> Kernel:
    source, target = step.arrays[0].spec, step.outs[0].spec
    lead = source.ndim - target.ndim
    inner = [i for i in range(lead, source.ndim) if target.shape[i - lead] == 1 != source.shape[i]]
    axes = (*range(lead), *inner)
    if not inner:
        return Kernel(_summing(step, axes, False), into=True)
    total = _summing(step, axes, True)

    def sum_to(x: Array, out: Array) -> None:
        total(x, out[(None,) * lead])

    return Kernel(sum_to, into=True)


def _summing(step: Step, axes: tuple[int, ...], keepdims: bool) -> Callable[[Array, Array], None]:
    """A function that sums over axes. In float32 a product with ones, where the axes are the first or the last ones:
    BLAS takes a third of a reduction's time.
    """
    source, dtype = step.arrays[0].spec, np.dtype(step.outs[0].spec.dtype)

    def total(x: Array, out: Array, reduce: Any = np.add.reduce) -> None:
        reduce(x, axes, dtype, out, keepdims)

    order = tuple(range(source.ndim))
    rest = tuple([axis for axis in order if axis not in axes])
    if source.dtype != "float32" or not source.size or not axes or not rest or order not in (axes + rest, rest + axes):
        return total
    others = math.prod([source.shape[axis] for axis in rest])
    count = source.size // others
    ones, first = np.ones(count, "float32"), axes[0] == 0

    def columns(x: Array, out: Array, dot: Any = np.dot) -> None:
        dot(ones, x, out)

    def rows(x: Array, out: Array, dot: Any = np.dot) -> None:
        dot(x, ones, out)

    if source.ndim == 2 and not keepdims:
        return columns if first else rows
    summed, matrix = (columns, (count, others)) if first else (rows, (others, count))

    def merged(x: Array, out: Array) -> None:
        if x.flags.c_contiguous:
            summed(x.reshape(matrix), out.reshape(others))
        else:
            total(x, out)

    return merged


@binder("argmax", "argmin")
def _position(step: Step) -> Kernel:
    axis, find = step.attrs["axis"], np.ndarray.argmax if step.op.name == "argmax" else np.ndarray.argmin

    def position(x: Array, out: Array) -> None:
        find(x, axis, out)

    return Kernel(position, into=True)


# -- products ------------------------------------------------------------------------------------------------------


@binder("matmul")
def _matmul(step: Step) -> Kernel:
    x, y = (a.spec for a in step.arrays)
    turn_x, turn_y = step.attrs["transpose_a"], step.attrs["transpose_b"]
    if x.ndim == y.ndim == 2:
        return Kernel(_PRODUCTS[turn_x, turn_y], into=True)

    def matmul(x: Array, y: Array, out: Array) -> None:
        np.matmul(x.swapaxes(-1, -2) if turn_x else x, y.swapaxes(-1, -2) if turn_y else y, out)

    return Kernel(matmul if turn_x or turn_y else np.matmul, into=True)


def _turned_first(x: Array, y: Array, out: Array, dot: Any = np.dot) -> None:
    dot(x.T, y, out)


def _turned_second(x: Array, y: Array, out: Array, dot: Any = np.dot) -> None:
    dot(x, y.T, out)


def _turned_both(x: Array, y: Array, out: Array, dot: Any = np.dot) -> None:
    dot(x.T, y.T, out)


_PRODUCTS: dict[tuple[bool, bool], Any] = {
    (False, False): np.dot, (True, False): _turned_first, (False, True): _turned_second, (True, True): _turned_both,
}  # fmt: skip


# -- shapes and indices --------------------------------------------------------------------------------------------


@binder("reshape")
def _reshape(step: Step) -> Kernel:
    shape = step.outs[0].spec.shape

    def reshape(x: Array, out: Array) -> None:
        np.copyto(out, x.reshape(shape))

    return Kernel(reshape, into=True)


@binder("transpose")
def _transpose(step: Step) -> Kernel:
    axes = step.attrs["axes"]

    def transpose(x: Array, out: Array) -> None:
        np.copyto(out, x.transpose(axes))

    return Kernel(transpose, into=True)


@binder("slice")
def _slice(step: Step) -> Kernel:
    block = _block(step)

    def slice_(x: Array, out: Array) -> None:
        np.copyto(out, x[block])

    return Kernel(slice_, into=True)


@binder("slice_grad")
def _slice_grad(step: Step) -> Kernel:
    block = _block(step)

    def slice_grad(g: Array, out: Array) -> None:
        out.fill(0)
        out[block] = g

    return Kernel(slice_grad, into=True)


def _block(step: Step) -> tuple[slice, ...]:
    attrs = step.attrs
    return tuple([slice(*ends) for ends in zip(attrs["start"], attrs["stop"], attrs["step"], strict=True)])


@binder("concatenate")
def _concatenate(step: Step) -> Kernel:
    axis = step.attrs["axis"]

    def concatenate(*arrays: Array) -> None:
        np.concatenate(arrays[:-1], axis, arrays[-1])

    return Kernel(concatenate, into=True)


@binder("gather")
def _gather(step: Step) -> Kernel | None:
    axis, size = step.attrs["axis"], step.arrays[0].spec.shape[step.attrs["axis"]]
    if not size or not step.arrays[1].spec.size:
        return None

    def gather(x: Array, indices: Array, out: Array) -> None:
        low, high = np.minimum.reduce(indices, None), np.maximum.reduce(indices, None)
        if low < 0 or high >= size:
            raise IndexError(f"index {high if high >= size else low} is out of range for axis {axis} of size {size}")
        x.take(indices, axis, out, "clip")  # "raise" would buffer the result

    return Kernel(gather, into=True)


@binder("scatter_add")
def _scatter_add(step: Step) -> Kernel | None:
    """Sorts the indices and sums runs of equal ones: ufunc.at takes a slow path for rows."""
    g, indices, out = step.arrays[0].spec, step.arrays[1].spec, step.outs[0].spec
    if step.attrs["axis"] % out.ndim or not g.size or out.ndim < 2:
        return None
    rows, width, size = indices.size, g.size // indices.size, out.shape[0]

    def scatter_add(g: Array, indices: Array, out: Array) -> None:
        flat = indices.reshape(rows)
        if np.minimum.reduce(flat) < 0 or np.maximum.reduce(flat) >= size:
            raise IndexError(f"an index is out of range for axis 0 of size {size}")
        order = flat.argsort(kind="stable")
        flat = flat[order]
        starts = np.concatenate(([0], np.flatnonzero(flat[1:] != flat[:-1]) + 1))
        out.fill(0)
        out.reshape(size, width)[flat[starts]] = np.add.reduceat(g.reshape(rows, width)[order], starts, 0)

    return Kernel(scatter_add, into=True)
