"""Pooling of any rank, channels last, with gradients of any order."""

from __future__ import annotations

from polykeras.symbolic.op import op
from polykeras.symbolic.spec import Spec, format_shape, merge_shapes, same_dims
from polykeras.symbolic.windows import output_sizes, taps


@op
def max_pool(x, *, window: tuple, strides: tuple, padding):
    """The maximum of each window; padding takes no part.   x: (batch, *spatial, c) -> (batch, *outputs, c)"""
    return Spec(_pool_shape(x, window, strides, padding), x.dtype)


@max_pool.vjp
def max_pool_vjp(g, out, x, **window):
    return max_pool_grad(g, x, out, **window)


@op(promotes=("g",))
def max_pool_grad(g, x, y, *, window: tuple, strides: tuple, padding):
    """The gradient of y = max_pool(x): g at the first place of each window that holds its maximum, else 0.

    g, y: (batch, *outputs, c), x: (batch, *spatial, c) -> x's shape
    """
    _must_match(g, x, window, strides, padding)
    return Spec(merge_shapes(x.shape, (*g.shape[:1], *x.shape[1:])), g.dtype)


@max_pool_grad.vjp
def max_pool_grad_vjp(c, out, g, x, y, **window):
    return max_pool_take(c, x, y, **window), None, None


@op(promotes=("c",))
def max_pool_take(c, x, y, *, window: tuple, strides: tuple, padding):
    """c at the first place of each window where x has its maximum y: what `max_pool_grad` transposed does.

    c, x: (batch, *spatial, c), y: (batch, *outputs, c) -> y's shape
    """
    _must_match(y, x, window, strides, padding)
    return Spec(merge_shapes(y.shape, (*c.shape[:1], *y.shape[1:])), c.dtype)


@max_pool_take.vjp
def max_pool_take_vjp(g, out, c, x, y, **window):
    return max_pool_grad(g, x, y, **window), None, None


@op(promotes="all", floating=True)
def avg_pool(x, *, window: tuple, strides: tuple, padding):
    """The mean of each window; padding takes no part.   x: (batch, *spatial, c) -> (batch, *outputs, c)"""
    return Spec(_pool_shape(x, window, strides, padding), x.dtype)


@avg_pool.vjp
def avg_pool_vjp(g, out, x, **window):
    return avg_pool_grad(g, x, **window)


@op(promotes=("g",), floating=True, shape_only=("like",))
def avg_pool_grad(g, like, *, window: tuple, strides: tuple, padding):
    """The gradient of avg_pool(x), where `like` has x's shape: each window's share of g, added up.

    g: (batch, *outputs, c), like: (batch, *spatial, c) -> like
    """
    _must_match(g, like, window, strides, padding)
    return Spec(merge_shapes(like.shape, (*g.shape[:1], *like.shape[1:])), g.dtype)


@avg_pool_grad.vjp
def avg_pool_grad_vjp(c, out, g, like, **window):
    return avg_pool(c, **window), None


# -- rules -----------------------------------------------------------------------------------------------------------


def _pool_shape(x, window, strides, padding):
    if x.ndim < 3:
        raise ValueError(f"an input has the shape (batch, *spatial, channels), got {format_shape(x.shape)}")
    if padding == "causal":
        raise ValueError("padding must be 'valid', 'same' or pairs of ints, got 'causal'")
    if not isinstance(padding, str) and any(max(pair) >= n for pair, n in zip(padding, window, strict=False)):
        raise ValueError(f"padding {padding} must be less than the window {window}, or windows would be empty")
    sizes = output_sizes(x.shape[1:-1], window, strides, (1,) * len(window), padding)
    return x.shape[0], *sizes, x.shape[-1]


def _must_match(y, x, window, strides, padding):
    shape = _pool_shape(x, window, strides, padding)
    if not same_dims(y.shape, shape):
        raise ValueError(
            f"an input of shape {format_shape(x.shape)} is pooled to {format_shape(shape)}, got {format_shape(y.shape)}"
        )


# -- samples -----------------------------------------------------------------------------------------------------------

_WINDOWS = (
    ((2, 7, 3), {"window": (3,), "strides": (2,), "padding": "valid"}),
    ((2, 5, 6, 3), {"window": (2, 2), "strides": (2, 2), "padding": "valid"}),
    ((2, 4, 6, 3), {"window": (2, 3), "strides": (2, 3), "padding": "valid"}),
    ((2, 5, 7, 3), {"window": (3, 2), "strides": (2, 2), "padding": "same"}),
    ((2, 5, 6, 3), {"window": (3, 2), "strides": (1, 1), "padding": "same"}),
    ((2, 5, 6, 3), {"window": (2, 2), "strides": (3, 2), "padding": "valid"}),
    ((2, 5, 6, 3), {"window": (2, 2), "strides": (2, 2), "padding": ((1, 0), (0, 1))}),
    ((2, 4, 3), {"window": (2,), "strides": (3,), "padding": ((1, 1),)}),  # one place is in no window
    ((2, 4, 5, 6, 3), {"window": (2, 2, 3), "strides": (2, 1, 3), "padding": "same"}),
    ((0, 5, 6, 3), {"window": (2, 2), "strides": (2, 2), "padding": "valid"}),
)


def _outputs(x, attrs):
    sizes = output_sizes(x[1:-1], attrs["window"], attrs["strides"], (1,) * (len(x) - 2), attrs["padding"])
    return x[0], *sizes, x[-1]


def _maxima(r, x, attrs):
    """max_pool(x), by hand."""
    y = r(*_outputs(x.shape, attrs), repeats=True) - 1000
    for _, there, here in taps(x.shape[1:-1], dilation=(1,) * (x.ndim - 2), **attrs):
        larger = x[here] > y[there]
        y[there][larger] = x[here][larger]
    return y


@max_pool_grad.samples
def max_pool_grad_samples(r):
    for shape, attrs in _WINDOWS:
        x = r.distinct(*shape)
        y = _maxima(r, x, attrs)
        yield (r(*y.shape, repeats=True), r.fixed(x), r.fixed(y)), attrs


@max_pool_take.samples
def max_pool_take_samples(r):
    for shape, attrs in _WINDOWS:
        x = r.distinct(*shape)
        yield (r(*shape), r.fixed(x), r.fixed(_maxima(r, x, attrs))), attrs


@max_pool.samples
def max_pool_samples(r):
    for x, attrs in _WINDOWS:
        yield (r.distinct(*x),), attrs


@avg_pool.samples
def avg_pool_samples(r):
    for x, attrs in _WINDOWS:
        yield (r(*x),), attrs


@avg_pool_grad.samples
def avg_pool_grad_samples(r):
    for x, attrs in _WINDOWS:
        yield (r(*_outputs(x, attrs), repeats=True), r(*x)), attrs


@avg_pool.error_samples
def pool_error_samples(r):
    yield (r(2, 3),), {"window": (2,), "strides": (1,), "padding": "valid"}, "(batch, *spatial, channels)"
    yield (r(2, 3, 4),), {"window": (5,), "strides": (1,), "padding": "valid"}, "does not fit"
    yield (r(2, 3, 4),), {"window": (2, 2), "strides": (1, 1), "padding": "valid"}, "one for each spatial axis"
    yield (r(2, 3, 4),), {"window": (2,), "strides": (1,), "padding": "causal"}, "padding must be"
    yield (r(2, 3, 4),), {"window": (2,), "strides": (1,), "padding": ((2, 0),)}, "must be less than the window"


max_pool.error_samples(pool_error_samples)
