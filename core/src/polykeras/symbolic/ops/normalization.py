"""Batch normalisation and scaling to length 1."""

from __future__ import annotations

from polykeras.symbolic.op import op
from polykeras.symbolic.ops.elementwise import (
    add,
    broadcast_to,
    divide,
    maximum,
    multiply,
    sqrt,
    square,
    subtract,
    sum_to,
)
from polykeras.symbolic.ops.reduce import count
from polykeras.symbolic.ops.reduce import mean as reduce_mean
from polykeras.symbolic.ops.reduce import sum as reduce_sum
from polykeras.symbolic.ops.shape import reshape, shape_of
from polykeras.symbolic.spec import (
    Spec,
    broadcast_shapes,
    format_shape,
    merge_shapes,
    normalize_axes,
    reduced_shape,
    same_dims,
)


@op(promotes="all", floating=True)
def batch_norm(x, mean, var, gamma, beta, *, epsilon: float):
    """gamma (x - mean) / sqrt(var + epsilon) + beta.   x: (...), the others broadcast to it -> (...)"""
    shape = broadcast_shapes(x.shape, mean.shape, var.shape, gamma.shape, beta.shape)
    if not same_dims(shape, x.shape):
        raise ValueError(f"the statistics broadcast x to {format_shape(shape)}; reshape them")
    return Spec(merge_shapes(x.shape, shape), x.dtype)


@batch_norm.lower
def batch_norm_lower(x, mean, var, gamma, beta, *, epsilon):
    scale = divide(gamma, sqrt(add(var, epsilon)))
    return add(multiply(x, scale), subtract(beta, multiply(mean, scale)))


@op(promotes="all", floating=True)
def batch_norm_train(x, gamma, beta, *, axes: tuple, epsilon: float):
    """Batch normalisation by the batch's own mean and variance (the biased one) over `axes`.

    gamma and beta have the remaining axes, or are scalars.
    x: (...), gamma: (kept), beta: (kept) -> y: (...), mean: (kept), var: (kept)
    """
    kept = _kept(x, axes, gamma, beta)
    return Spec(x.shape, x.dtype), Spec(kept, x.dtype), Spec(kept, x.dtype)


@batch_norm_train.lower
def batch_norm_train_lower(x, gamma, beta, *, axes, epsilon):
    mean = reduce_mean(x, axis=axes)
    centred = subtract(x, _spread(mean, x, axes))
    var = reduce_mean(square(centred), axis=axes)
    scale = divide(gamma, sqrt(add(var, epsilon)))
    return add(multiply(centred, _spread(scale, x, axes)), _spread(beta, x, axes)), mean, var


@batch_norm_train.vjp
def batch_norm_train_vjp(g, out, x, gamma, beta, *, axes, epsilon):
    gy, gmean, gvar = g
    _, mean, var = out
    dx = dgamma = dbeta = None
    if gy is not None:
        dx, dgamma, dbeta = batch_norm_grad(gy, x, gamma, mean, var, axes=axes, epsilon=epsilon)
        dgamma, dbeta = sum_to(dgamma, gamma), sum_to(dbeta, beta)
    if gmean is not None:
        dx = _plus(dx, divide(broadcast_to(_spread(gmean, x, axes), x), count(x, axes)))
    if gvar is not None:
        share = divide(multiply(_spread(gvar, x, axes), 2), count(x, axes))
        dx = _plus(dx, multiply(subtract(x, _spread(mean, x, axes)), share))
    return dx, dgamma, dbeta


@op(promotes="all", floating=True)
def batch_norm_grad(g, x, gamma, mean, var, *, axes: tuple, epsilon: float):
    """The gradients of batch_norm_train's y, through its mean and variance too.

    With h = (x - mean) / sqrt(var + epsilon) and averages over `axes`:
    dx = gamma / sqrt(var + epsilon) (g - mean(g) - h mean(g h)), dgamma = sum(g h), dbeta = sum(g).

    g: (...), x: (...), gamma: (kept) or scalar, mean: (kept), var: (kept) -> dx: (...), dgamma: (kept), dbeta: (kept)
    """
    kept = _kept(x, axes, gamma)
    return Spec(x.shape, x.dtype), Spec(kept, x.dtype), Spec(kept, x.dtype)


@batch_norm_grad.lower
def batch_norm_grad_lower(g, x, gamma, mean, var, *, axes, epsilon):
    inverse = divide(1.0, sqrt(add(var, epsilon)))
    h = multiply(subtract(x, _spread(mean, x, axes)), _spread(inverse, x, axes))
    dbeta = reduce_sum(g, axis=axes)
    dgamma = reduce_sum(multiply(g, h), axis=axes)
    n = count(x, axes)
    through = add(_spread(divide(dbeta, n), x, axes), multiply(h, _spread(divide(dgamma, n), x, axes)))
    dx = multiply(subtract(g, through), _spread(multiply(inverse, gamma), x, axes))
    return dx, dgamma, dbeta


@op(promotes="all", floating=True)
def l2_normalize(x, *, axis=None, epsilon: float = 1e-12):
    """x / sqrt(max(sum of x x along the axis, epsilon)).   x: (...) -> (...)"""
    normalize_axes(axis, x.ndim)
    return Spec(x.shape, x.dtype)


@l2_normalize.lower
def l2_normalize_lower(x, *, axis, epsilon):
    return divide(x, sqrt(maximum(reduce_sum(square(x), axis=axis, keepdims=True), epsilon)))


# -- parts -------------------------------------------------------------------------------------------------------------


def _kept(x, axes, *parameters):
    kept = reduced_shape(x.shape, axes, False)
    for parameter in parameters:
        if parameter.shape != () and not same_dims(parameter.shape, kept):
            raise ValueError(
                f"gamma and beta must have the axes that remain of {format_shape(x.shape)}, {format_shape(kept)}, "
                f"or be scalars; got {format_shape(parameter.shape)}"
            )
    return kept


def _spread(v, x, axes):
    """v with the axes that it lost, of size 1."""
    if v.spec.shape == ():
        return v
    axes = normalize_axes(axes, x.spec.ndim)
    if axes == tuple(range(len(axes))):
        return v
    return reshape(v, shape_of(x, axes=tuple([None if i in axes else i for i in range(x.spec.ndim)])))


def _plus(a, b):
    return b if a is None else add(a, b)


# -- samples -----------------------------------------------------------------------------------------------------------


@batch_norm.samples
def batch_norm_samples(r):
    yield (r(2, 3), r(3), r.positive(3), r(3), r(3)), {"epsilon": 0.01}
    yield (r(2, 3, 4), r(3, 1), r.positive(3, 1), r(3, 1), r()), {"epsilon": 0.01}


@batch_norm_train.samples
def batch_norm_train_samples(r):
    yield (r(4, 3), r(3), r(3)), {"axes": (0,), "epsilon": 0.01}
    yield (r(2, 3, 4), r(3), r(3)), {"axes": (0, 2), "epsilon": 0.01}
    yield (r(2, 3, 4), r(), r()), {"axes": (0, 1), "epsilon": 0.01}


@batch_norm_grad.samples
def batch_norm_grad_samples(r):
    yield (r(4, 3), r(4, 3), r(3), r(3), r.positive(3)), {"axes": (0,), "epsilon": 0.01}
    yield (r(2, 3, 4), r(2, 3, 4), r(3), r(3), r.positive(3)), {"axes": (0, 2), "epsilon": 0.01}


@l2_normalize.samples
def l2_normalize_samples(r):
    yield (r(2, 3),), {"axis": -1}
    yield (r(2, 3, 4),), {"axis": (0, 2)}
    yield (r(2, 3),), {}


@batch_norm_train.error_samples
def batch_norm_train_error_samples(r):
    yield (r(4, 3), r(4), r(3)), {"axes": (0,), "epsilon": 0.01}, "the axes that remain"
