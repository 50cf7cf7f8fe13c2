"""Reductions over axes, and cumulative ones.

`axis` is an int, several, or None for all; `keepdims` leaves sizes of 1 in their places.
"""

from __future__ import annotations

import builtins
import math

from polykeras.symbolic import dtypes
from polykeras.symbolic.op import op
from polykeras.symbolic.ops.elementwise import (
    add,
    broadcast_to,
    cast,
    divide,
    equal,
    exp,
    fill_like,
    isfinite,
    log,
    multiply,
    square,
    stop_gradient,
    subtract,
    where,
)
from polykeras.symbolic.ops.shape import concatenate, reshape, reverse, shape_of, slice, transpose
from polykeras.symbolic.spec import Spec, normalize_axes, normalize_axis, product, reduced_shape

# -- sums and means ------------------------------------------------------------------------------------------------


@op
def sum(x, *, axis=None, keepdims: bool = False):  # noqa: A001  the op's name is Keras's
    """The sum; bools are counted as int32.   x: (...) -> reduced"""
    dtype = "int32" if x.dtype == "bool" else x.dtype
    return _known(Spec(reduced_shape(x.shape, axis, keepdims), dtype), x, builtins.sum)


@sum.vjp
def sum_vjp(g, out, x, *, axis, keepdims):
    return spread(g, x, axis, keepdims)


@op(promotes="all", floating=True)
def mean(x, *, axis=None, keepdims: bool = False):
    """The sum divided by the count; NaN of nothing.   x: (...) -> reduced"""
    return Spec(reduced_shape(x.shape, axis, keepdims), x.dtype)


@mean.vjp
def mean_vjp(g, out, x, *, axis, keepdims):
    return spread(divide(g, count(x, axis)), x, axis, keepdims)


@op(promotes="all", floating=True)
def var(x, *, axis=None, keepdims: bool = False):
    """The mean of (x - mean x)^2.   x: (...) -> reduced"""
    return Spec(reduced_shape(x.shape, axis, keepdims), x.dtype)


@var.lower
def var_lower(x, *, axis, keepdims):
    return mean(square(subtract(x, mean(x, axis=axis, keepdims=True))), axis=axis, keepdims=keepdims)


@var.vjp
def var_vjp(g, out, x, *, axis, keepdims):
    scaled = spread(divide(multiply(g, 2), count(x, axis)), x, axis, keepdims)
    return multiply(scaled, subtract(x, mean(x, axis=axis, keepdims=True)))


@op(promotes="all", floating=True)
def logsumexp(x, *, axis=None, keepdims: bool = False):
    """log(sum(exp(x))), without overflow.   x: (...) -> reduced"""
    return Spec(reduced_shape(x.shape, axis, keepdims), x.dtype)


@logsumexp.lower
def logsumexp_lower(x, *, axis, keepdims):
    largest = stop_gradient(max(x, axis=axis, keepdims=True))
    shift = where(isfinite(largest), largest, 0)
    total = log(sum(exp(subtract(x, shift)), axis=axis, keepdims=True))
    result = add(total, shift)
    return result if keepdims else reshape(result, _kept_sizes(x, axis))


@logsumexp.vjp
def logsumexp_vjp(g, out, x, *, axis, keepdims):
    share = exp(subtract(x, spread(out, x, axis, keepdims)))
    return multiply(spread(g, x, axis, keepdims), share)


@op
def prod(x, *, axis=None, keepdims: bool = False):
    """The product.   x: (...) -> reduced"""
    return _known(Spec(reduced_shape(x.shape, axis, keepdims), _number(x)), x, math.prod)


@prod.vjp
def prod_vjp(g, out, x, *, axis, keepdims):
    return multiply(spread(g, x, axis, keepdims), _product_of_others(x, axis))


def _product_of_others(x, axis):
    """For each element the product of those it is reduced with, itself left out: right where some are 0, too."""
    ndim = x.spec.ndim
    axes = normalize_axes(axis, ndim)
    order = (*[i for i in range(ndim) if i not in axes], *axes)
    moved = transpose(x, axes=order)
    outer = shape_of(x, axes=order[: ndim - len(axes)])
    rows = reshape(moved, concatenate(outer, prod(shape_of(x, axes=axes), axis=0, keepdims=True), axis=0))
    others = multiply(_product_before(rows), reverse(_product_before(reverse(rows, -1)), -1))
    back = tuple([order.index(i) for i in range(ndim)])
    return transpose(reshape(others, shape_of(moved)), axes=back)


def _product_before(rows):
    """The product of the elements before each one, along the last axis."""
    last = rows.spec.ndim - 1
    whole = (None,) * last
    first = slice(rows, start=(*whole, 0), stop=(*whole, 1), step=(1,) * (last + 1))
    rest = slice(rows, start=(*whole, 0), stop=(*whole, -1), step=(1,) * (last + 1))
    return cumprod(concatenate(fill_like(first, value=1), rest, axis=last), axis=last)


# -- extremes ------------------------------------------------------------------------------------------------------


@op
def max(x, *, axis=None, keepdims: bool = False):  # noqa: A001  the op's name is Keras's
    """The largest element; NaN if one is. Equal ones share the gradient.   x: (...) -> reduced"""
    return _known(_some(x, axis, keepdims), x, builtins.max)


@max.vjp
def max_vjp(g, out, x, *, axis, keepdims):
    return _shared(g, out, x, axis, keepdims)


@op
def min(x, *, axis=None, keepdims: bool = False):  # noqa: A001  the op's name is Keras's
    """The smallest element; NaN if one is. Equal ones share the gradient.   x: (...) -> reduced"""
    return _known(_some(x, axis, keepdims), x, builtins.min)


@min.vjp
def min_vjp(g, out, x, *, axis, keepdims):
    return _shared(g, out, x, axis, keepdims)


def _shared(g, out, x, axis, keepdims):
    """The gradient of an extreme, in equal parts to the elements that have its value."""
    chosen = cast(equal(x, spread(out, x, axis, keepdims)), dtype=x.spec.dtype)
    sharers = sum(chosen, axis=axis, keepdims=keepdims)
    return multiply(chosen, spread(divide(g, sharers), x, axis, keepdims))


@op(nondifferentiable="integer")
def argmax(x, *, axis: int | None = -1):
    """Where the largest element is, the first of equal ones; None counts through all.   x: (...) -> reduced, int64"""
    return _position(x, axis)


@op(nondifferentiable="integer")
def argmin(x, *, axis: int | None = -1):
    """Where the smallest element is, the first of equal ones; None counts through all.   x: (...) -> reduced, int64"""
    return _position(x, axis)


# -- logic ---------------------------------------------------------------------------------------------------------


@op(nondifferentiable="boolean")
def any(x, *, axis=None, keepdims: bool = False):  # noqa: A001  the op's name is Keras's
    """Does one hold? False of nothing.   x: (...) bool -> reduced, bool"""
    return Spec(reduced_shape(x.shape, axis, keepdims), _bool(x))


@op(nondifferentiable="boolean")
def all(x, *, axis=None, keepdims: bool = False):  # noqa: A001  the op's name is Keras's
    """Do all hold? True of nothing.   x: (...) bool -> reduced, bool"""
    return Spec(reduced_shape(x.shape, axis, keepdims), _bool(x))


# -- cumulative ----------------------------------------------------------------------------------------------------


@op
def cumsum(x, *, axis: int = 0):
    """The sum of the elements up to each one.   x: (...) -> (...)"""
    return _along(x, axis)


@cumsum.vjp
def cumsum_vjp(g, out, x, *, axis):
    return reverse(cumsum(reverse(g, axis), axis=axis), axis)


@op
def cumprod(x, *, axis: int = 0):
    """The product of the elements up to each one; its gradient is NaN where one is 0.   x: (...) -> (...)"""
    return _along(x, axis)


@cumprod.vjp
def cumprod_vjp(g, out, x, *, axis):
    return divide(reverse(cumsum(reverse(multiply(g, out), axis), axis=axis), axis), x)


# -- helpers -------------------------------------------------------------------------------------------------------


def spread(g, x, axis, keepdims: bool):
    """A reduced tensor, repeated to the shape that x had before."""
    if not keepdims and axis is not None:
        axes = normalize_axes(axis, x.spec.ndim)
        if axes != tuple(range(len(axes))):  # leading axes come back by broadcasting alone
            g = reshape(g, _unit_sizes(x, axis))
    return broadcast_to(g, x)


def count(x, axis):
    """How many elements are reduced into one: a number where it is known, else a tensor of x's dtype."""
    if axis is None and x.spec.shape is None:
        sizes = shape_of(x)
    else:
        axes = normalize_axes(axis, x.spec.ndim)
        known = product(tuple([x.spec.shape[i] for i in axes]))
        if known is not None:
            return known
        sizes = shape_of(x, axes=axes)
    return cast(prod(sizes), dtype=x.spec.dtype)


def _unit_sizes(x, axis):
    """x's sizes, with 1 in the places of the reduced axes."""
    axes = normalize_axes(axis, x.spec.ndim)
    return shape_of(x, axes=tuple([None if i in axes else i for i in range(x.spec.ndim)]))


def _kept_sizes(x, axis):
    """x's sizes, those of the reduced axes left out."""
    if axis is None:
        return ()
    axes = normalize_axes(axis, x.spec.ndim)
    return shape_of(x, axes=tuple([i for i in range(x.spec.ndim) if i not in axes]))


def _known(spec: Spec, x: Spec, function) -> Spec:
    """`spec` with the known value of a reduction over all of a known x."""
    if isinstance(x.value, tuple) and None not in x.value and x.value and not dtypes.is_float(spec.dtype):
        total = int(function(x.value))
        spec.value = total if spec.shape == () else (total,)
    elif isinstance(x.value, tuple) and not x.value and function in (builtins.sum, math.prod):
        spec.value = int(function(())) if spec.shape == () else (int(function(())),)
    elif isinstance(x.value, int) and x.shape == ():
        spec.value = x.value
    return spec


def _number(x: Spec) -> str:
    if x.dtype == "bool":
        raise TypeError("a number is needed, got bool; use cast")
    return x.dtype


def _bool(x: Spec) -> str:
    if x.dtype != "bool":
        raise TypeError(f"bool is needed, got {x.dtype}; compare with 0 or cast")
    return x.dtype


def _some(x: Spec, axis, keepdims: bool) -> Spec:
    """The spec of an extreme, which nothing has none of."""
    spec = Spec(reduced_shape(x.shape, axis, keepdims), _number(x))
    if x.shape is not None and builtins.any(x.shape[i] == 0 for i in normalize_axes(axis, len(x.shape))):
        if 0 not in (spec.shape or (1,)):
            raise ValueError("there is no extreme of nothing: a reduced axis has size 0")
    return spec


def _position(x: Spec, axis: int | None) -> Spec:
    spec = _some(x, axis, False)
    return Spec(spec.shape, "int64")


def _along(x: Spec, axis: int) -> Spec:
    if x.shape is not None:
        normalize_axis(axis, len(x.shape))
    return Spec(x.shape, _number(x))


# -- samples -------------------------------------------------------------------------------------------------------


def _any_axes(r):
    yield (r(2, 3, 4),), {}
    yield (r(2, 3, 4),), {"axis": 1}
    yield (r(2, 3, 4),), {"axis": (0, -1), "keepdims": True}
    yield (r(2, 3),), {"axis": ()}
    yield (r(),), {}


def _any_axes_and_empty(r):
    yield from _any_axes(r)
    yield (r(0, 3),), {"axis": 0}
    yield (r(0, 3),), {"axis": 1, "keepdims": True}


def _axis_out_of_range(r):
    yield (r(2, 3),), {"axis": 2}, "out of range"
    yield (r(2, 3),), {"axis": (0, 0)}, "twice"


def _one_axis(r):
    yield (r(2, 3, 4),), {"axis": 1}
    yield (r(2, 3),), {"axis": -1}


def _bools(r):
    yield (r.bools(2, 3, 4),), {}
    yield (r.bools(2, 3, 4),), {"axis": (0, 2), "keepdims": True}
    yield (r.bools(0, 3),), {"axis": 0}


for _op in (sum, prod):
    _op.samples(_any_axes_and_empty)
for _op in (mean, var, logsumexp, max, min):
    _op.samples(_any_axes)
for _op in (sum, mean, var, logsumexp, prod, max, min):
    _op.error_samples(_axis_out_of_range)
for _op in (any, all):
    _op.samples(_bools)
for _op in (argmax, argmin, cumsum):
    _op.samples(_one_axis)


@cumprod.samples
def cumprod_samples(r):
    yield (r.positive(2, 3, 4),), {"axis": 1}
    yield (r.positive(2, 3),), {"axis": -1}


@any.error_samples
def any_error_samples(r):
    yield (r(2, 3),), {}, "bool is needed"


all.error_samples(any_error_samples)
