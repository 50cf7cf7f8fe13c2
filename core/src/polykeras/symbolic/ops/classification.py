"""Softmax, the cross-entropies of logits, and what picks a class."""

from __future__ import annotations

from polykeras.symbolic import dtypes
from polykeras.symbolic.op import op, same
from polykeras.symbolic.ops.elementwise import (
    abs as absolute,
)
from polykeras.symbolic.ops.elementwise import (
    add,
    divide,
    exp,
    log,
    log1p,
    maximum,
    multiply,
    negative,
    sigmoid,
    subtract,
    sum_to,
)
from polykeras.symbolic.ops.indexing import take_along_axis
from polykeras.symbolic.ops.reduce import max as reduce_max
from polykeras.symbolic.ops.reduce import sum as reduce_sum
from polykeras.symbolic.ops.shape import expand_dims, squeeze
from polykeras.symbolic.spec import Spec, format_shape, merge_shapes, normalize_axis, reduced_shape, same_dims

# -- softmax -----------------------------------------------------------------------------------------------------------


@op(promotes="all", floating=True)
def softmax(x, *, axis: int = -1):
    """exp(x) / sum of exp(x) along the axis.   x: (...) -> (...)"""
    return _along(x, axis)


@softmax.lower
def softmax_lower(x, *, axis):
    e = exp(_centred(x, axis))
    return divide(e, reduce_sum(e, axis=axis, keepdims=True))


@softmax.vjp
def softmax_vjp(g, out, x, *, axis):
    return softmax_grad(g, out, axis=axis)


@op(promotes="all", floating=True)
def softmax_grad(g, y, *, axis: int = -1):
    """y (g - sum of g y along the axis): the gradient of y = softmax(x).   g: (...), y: (...) -> (...)"""
    _must_have_shape(g, y.shape)
    return _along(y, axis)


@softmax_grad.lower
def softmax_grad_lower(g, y, *, axis):
    return multiply(y, subtract(g, reduce_sum(multiply(g, y), axis=axis, keepdims=True)))


@op(promotes="all", floating=True)
def log_softmax(x, *, axis: int = -1):
    """log(softmax(x)), exact where softmax is near 0.   x: (...) -> (...)"""
    return _along(x, axis)


@log_softmax.lower
def log_softmax_lower(x, *, axis):
    x = _centred(x, axis)
    return subtract(x, log(reduce_sum(exp(x), axis=axis, keepdims=True)))


@log_softmax.vjp
def log_softmax_vjp(g, out, x, *, axis):
    return subtract(g, multiply(exp(out), reduce_sum(g, axis=axis, keepdims=True)))


def _centred(x, axis):
    """x less its maximum, so that exp cannot overflow."""
    return subtract(x, reduce_max(x, axis=axis, keepdims=True))


# -- hits --------------------------------------------------------------------------------------------------------------


@op(nondifferentiable="boolean")
def in_top_k(predictions, targets, *, k: int):
    """Are fewer than k predictions larger than the target's? Ties count as a hit; rows that are not finite do not.

    predictions: (batch, classes), targets: (batch,) int -> (batch,) bool
    """
    _must_index(targets, predictions)
    return Spec(merge_shapes(targets.shape, _rows(predictions)), "bool")


# -- cross-entropy -----------------------------------------------------------------------------------------------------


@op(promotes="all", floating=True)
def softmax_crossentropy(target, logits, *, axis: int = -1):
    """-sum of target log_softmax(logits) along the axis.   target: (...), logits: (...) -> without the axis"""
    _must_have_shape(target, logits.shape)
    return Spec(reduced_shape(_along(logits, axis).shape, axis, False), logits.dtype)


@softmax_crossentropy.lower
def softmax_crossentropy_lower(target, logits, *, axis):
    return negative(reduce_sum(multiply(target, log_softmax(logits, axis=axis)), axis=axis))


@op(promotes=("logits",), floating=True)
def sparse_softmax_crossentropy(target, logits):
    """-log_softmax(logits)[..., target[...]].   target: (...) int, logits: (..., n) -> (...)"""
    _must_index(target, logits)
    return Spec(merge_shapes(target.shape, _rows(logits)), logits.dtype)


@sparse_softmax_crossentropy.lower
def sparse_softmax_crossentropy_lower(target, logits):
    chosen = take_along_axis(log_softmax(logits), expand_dims(target, -1))
    return negative(squeeze(chosen, -1))


@op(promotes="all", floating=True, elementwise=True)
def sigmoid_crossentropy(target, logits):
    """-target log(p) - (1 - target) log(1 - p) with p = sigmoid(logits), without overflow.

    target: (...), logits: (...) -> broadcast
    """
    return same(target, logits)


@sigmoid_crossentropy.lower
def sigmoid_crossentropy_lower(target, logits):
    bounded = log1p(exp(negative(absolute(logits))))
    return add(subtract(maximum(logits, 0), multiply(logits, target)), bounded)


@sigmoid_crossentropy.vjp
def sigmoid_crossentropy_vjp(g, out, target, logits):
    slope = subtract(sigmoid(logits), target)
    return sum_to(negative(multiply(g, logits)), target), sum_to(multiply(g, slope), logits)


# -- rules -------------------------------------------------------------------------------------------------------------


def _along(x, axis):
    normalize_axis(axis, x.ndim)
    return Spec(x.shape, x.dtype)


def _must_have_shape(x, shape):
    if not same_dims(x.shape, shape):
        raise ValueError(f"shapes {format_shape(x.shape)} and {format_shape(shape)} must be equal")


def _must_index(index, x):
    if not dtypes.is_integer(index.dtype):
        raise TypeError(f"the classes must be integers, got {index.dtype}; cast them")
    if x.shape is not None and (not x.shape or not same_dims(index.shape, x.shape[:-1])):
        raise ValueError(
            f"classes of shape {format_shape(index.shape)} do not fit rows of shape {format_shape(x.shape)}: "
            f"expected {format_shape(x.shape[:-1])}"
        )


def _rows(x):
    return None if x.shape is None else x.shape[:-1]


# -- samples -----------------------------------------------------------------------------------------------------------


def _one(r):
    yield (r(2, 3),), {}
    yield (r(2, 3, 4),), {"axis": 1}
    yield (r(0, 3),), {}
    yield (r(5),), {}


softmax.samples(_one)
log_softmax.samples(_one)


@softmax_grad.samples
def softmax_grad_samples(r):
    yield (r(2, 3), r(2, 3)), {}
    yield (r(2, 3, 4), r(2, 3, 4)), {"axis": 1}


@softmax_crossentropy.samples
def softmax_crossentropy_samples(r):
    yield (r(2, 3), r(2, 3)), {}
    yield (r(2, 3, 4), r(2, 3, 4)), {"axis": 1}


@sigmoid_crossentropy.samples
def sigmoid_crossentropy_samples(r):
    yield (r(2, 3), r(2, 3)), {}
    yield (r(3), r(2, 3)), {}


@sparse_softmax_crossentropy.samples
def sparse_softmax_crossentropy_samples(r):
    yield (r.integers(2, low=0, high=3), r(2, 3)), {}
    yield (r.integers(2, 3, low=0, high=4), r(2, 3, 4)), {}


@in_top_k.samples
def in_top_k_samples(r):
    yield (r.distinct(4, 6), r.integers(4, low=0, high=6)), {"k": 2}
    yield (r.distinct(4, 6), r.integers(4, low=0, high=6)), {"k": 6}


@softmax.error_samples
def softmax_error_samples(r):
    yield (r(2, 3),), {"axis": 2}, "out of range"


@sparse_softmax_crossentropy.error_samples
def sparse_error_samples(r):
    yield (r(2), r(2, 3)), {}, "must be integers"
    yield (r.integers(3, low=0, high=3), r(2, 4)), {}, "do not fit rows"
