"""Convolutions of any rank, channels last.

A convolution is linear in its input and in its kernel, so three ops that are each other's gradients close the family:
with <a, b> the sum of products, <g, conv(x, k)> = <conv_input_grad(g, k), x> = <conv_kernel_grad(x, g), k>.
What learning calls convolution does not flip the kernel.
"""

from __future__ import annotations

from polykeras.symbolic.op import op
from polykeras.symbolic.spec import Spec, format_shape, merge_shapes, product, same_dims
from polykeras.symbolic.windows import output_sizes

# -- every output channel reads every input channel ----------------------------------------------------------------


@op(promotes="all", floating=True)
def conv(x, kernel, *, strides: tuple, padding, dilation: tuple):
    """y[b, o, j] = sum over w, i of x[b, o s + w d - p, i] kernel[w, i, j]; o and w run over 1, 2 or 3 axes.

    x: (batch, *spatial, in), kernel: (*window, in, out) -> (batch, *outputs, out)
    padding: "valid", "same", "causal", or a pair (before, after) for each axis.
    """
    return Spec(_conv_shape(x.shape, kernel, strides, padding, dilation), x.dtype)


@conv.vjp
def conv_vjp(g, out, x, kernel, **window):
    return conv_input_grad(g, kernel, x, **window), conv_kernel_grad(x, g, kernel, **window)


@op(promotes=("g", "kernel"), floating=True, shape_only=("like",))
def conv_input_grad(g, kernel, like, *, strides: tuple, padding, dilation: tuple):
    """The gradient of conv(x, kernel) in x, where `like` has x's shape: the transposed convolution of g.

    g: (batch, *outputs, out), kernel: (*window, in, out), like: (batch, *spatial, in) -> like
    """
    _must_match(g, _conv_shape(like.shape, kernel, strides, padding, dilation), like)
    return Spec(_with_batch(like, g), g.dtype)


@conv_input_grad.vjp
def conv_input_grad_vjp(c, out, g, kernel, like, **window):
    return conv(c, kernel, **window), conv_kernel_grad(c, g, kernel, **window), None


@op(promotes=("x", "g"), floating=True, shape_only=("like",))
def conv_kernel_grad(x, g, like, *, strides: tuple, padding, dilation: tuple):
    """The gradient of conv(x, kernel) in the kernel, where `like` has its shape.

    x: (batch, *spatial, in), g: (batch, *outputs, out), like: (*window, in, out) -> like
    """
    _must_match(g, _conv_shape(x.shape, like, strides, padding, dilation), x)
    return Spec(like.shape, x.dtype)


@conv_kernel_grad.vjp
def conv_kernel_grad_vjp(c, out, x, g, like, **window):
    return conv_input_grad(g, c, x, **window), conv(x, c, **window), None


# -- every input channel has output channels of its own --------------------------------------------------------------


@op(promotes="all", floating=True)
def depthwise_conv(x, kernel, *, strides: tuple, padding, dilation: tuple):
    """y[b, o, i m + j] = sum over w of x[b, o s + w d - p, i] kernel[w, i, j], with m outputs for each channel.

    x: (batch, *spatial, in), kernel: (*window, in, m) -> (batch, *outputs, in m)
    """
    return Spec(_depthwise_shape(x.shape, kernel, strides, padding, dilation), x.dtype)


@depthwise_conv.vjp
def depthwise_conv_vjp(g, out, x, kernel, **window):
    return (
        depthwise_conv_input_grad(g, kernel, x, **window),
        depthwise_conv_kernel_grad(x, g, kernel, **window),
    )


@op(promotes=("g", "kernel"), floating=True, shape_only=("like",))
def depthwise_conv_input_grad(g, kernel, like, *, strides: tuple, padding, dilation: tuple):
    """The gradient of depthwise_conv(x, kernel) in x, where `like` has x's shape.

    g: (batch, *outputs, in m), kernel: (*window, in, m), like: (batch, *spatial, in) -> like
    """
    _must_match(g, _depthwise_shape(like.shape, kernel, strides, padding, dilation), like)
    return Spec(_with_batch(like, g), g.dtype)


@depthwise_conv_input_grad.vjp
def depthwise_conv_input_grad_vjp(c, out, g, kernel, like, **window):
    return depthwise_conv(c, kernel, **window), depthwise_conv_kernel_grad(c, g, kernel, **window), None


@op(promotes=("x", "g"), floating=True, shape_only=("like",))
def depthwise_conv_kernel_grad(x, g, like, *, strides: tuple, padding, dilation: tuple):
    """The gradient of depthwise_conv(x, kernel) in the kernel, where `like` has its shape.

    x: (batch, *spatial, in), g: (batch, *outputs, in m), like: (*window, in, m) -> like
    """
    _must_match(g, _depthwise_shape(x.shape, like, strides, padding, dilation), x)
    return Spec(like.shape, x.dtype)


@depthwise_conv_kernel_grad.vjp
def depthwise_conv_kernel_grad_vjp(c, out, x, g, like, **window):
    return depthwise_conv_input_grad(g, c, x, **window), depthwise_conv(x, c, **window), None


# -- the windows themselves ------------------------------------------------------------------------------------------


@op
def patches(x, *, window: tuple, strides: tuple, padding, dilation: tuple):
    """The windows of x, one row for each output place; padding reads as 0.

    x: (batch, *spatial, in) -> (batch, *outputs, size of the window times in), the channels running fastest
    """
    return Spec(_patches_shape(x, window, strides, padding, dilation), x.dtype)


@patches.vjp
def patches_vjp(g, out, x, **window):
    return patches_grad(g, x, **window)


@op(shape_only=("like",))
def patches_grad(g, like, *, window: tuple, strides: tuple, padding, dilation: tuple):
    """The gradient of patches(x), where `like` has x's shape: overlapping windows add up.

    g: (batch, *outputs, size of the window times in), like: (batch, *spatial, in) -> like
    """
    _must_match(g, _patches_shape(like, window, strides, padding, dilation), like)
    return Spec(_with_batch(like, g), g.dtype)


@patches_grad.vjp
def patches_grad_vjp(c, out, g, like, **window):
    return patches(c, **window), None


# -- rules -----------------------------------------------------------------------------------------------------------


def _conv_shape(x, kernel, strides, padding, dilation):
    if kernel.ndim < 3:
        raise ValueError(f"a kernel has the shape (*window, in, out), got {format_shape(kernel.shape)}")
    if x is None or len(x) != kernel.ndim:
        raise ValueError(
            f"a kernel of shape {format_shape(kernel.shape)} needs an input of rank {kernel.ndim}, "
            f"(batch, *spatial, channels), got {format_shape(x)}"
        )
    channels, wanted = x[-1], kernel.shape[-2]
    if channels != wanted and channels is not None and wanted is not None:
        raise ValueError(f"the input has {channels} channels, the kernel takes {wanted}")
    return x[0], *output_sizes(x[1:-1], kernel.shape[:-2], strides, dilation, padding), kernel.shape[-1]


def _depthwise_shape(x, kernel, strides, padding, dilation):
    shape = _conv_shape(x, kernel, strides, padding, dilation)
    return *shape[:-1], product((x[-1] if kernel.shape[-2] is None else kernel.shape[-2], kernel.shape[-1]))


def _patches_shape(x, window, strides, padding, dilation):
    if x.ndim < 3:
        raise ValueError(f"an input has the shape (batch, *spatial, channels), got {format_shape(x.shape)}")
    sizes = output_sizes(x.shape[1:-1], window, strides, dilation, padding)
    return x.shape[0], *sizes, product((*window, x.shape[-1]))


def _must_match(g, shape, x):
    if not same_dims(g.shape, shape):
        raise ValueError(
            f"an input of shape {format_shape(x.shape)} gives an output of shape {format_shape(shape)}, "
            f"the gradient has {format_shape(g.shape)}"
        )


def _with_batch(like, g):
    """`like`'s shape, with the batch that the gradient may know better."""
    batch = g.shape[:1] if g.shape is not None else (None,)
    return merge_shapes(like.shape, (*batch, *like.shape[1:]))


# -- samples -----------------------------------------------------------------------------------------------------------

_ONE = {"strides": (1,), "padding": "valid", "dilation": (1,)}
_TWO = {"strides": (1, 1), "padding": "valid", "dilation": (1, 1)}
_WINDOWS = (
    # x, window, attributes
    ((2, 7), (3,), _ONE),
    ((2, 7), (3,), {**_ONE, "padding": "causal", "dilation": (2,)}),
    ((2, 8), (3,), {**_ONE, "padding": "same", "strides": (3,)}),
    ((2, 5, 6), (2, 3), _TWO),
    ((2, 6, 7), (3, 2), {**_TWO, "padding": "same", "strides": (2, 2)}),
    ((2, 6, 7), (3, 2), {**_TWO, "strides": (2, 3)}),
    ((2, 6, 7), (2, 3), {**_TWO, "padding": "same", "dilation": (2, 2)}),
    ((2, 5, 6), (2, 3), {**_TWO, "padding": ((0, 2), (1, 0))}),
    ((2, 4, 5, 3), (2, 3, 1), {"strides": (1, 2, 1), "padding": "same", "dilation": (1, 1, 1)}),
    ((0, 5, 6), (2, 3), _TWO),
)


def _outputs(x, window, attrs):
    return x[0], *output_sizes(x[1:], window, attrs["strides"], attrs["dilation"], attrs["padding"])


@conv.samples
def conv_samples(r):
    for x, window, attrs in _WINDOWS:
        yield (r(*x, 9), r(*window, 9, 10)), attrs


@conv_input_grad.samples
def conv_input_grad_samples(r):
    for x, window, attrs in _WINDOWS:
        g = _outputs(x, window, attrs)
        yield (r(*g, 10, repeats=True), r(*window, 9, 10), r(*x, 9)), attrs


@conv_kernel_grad.samples
def conv_kernel_grad_samples(r):
    for x, window, attrs in _WINDOWS:
        g = _outputs(x, window, attrs)
        yield (r(*x, 9), r(*g, 10, repeats=True), r(*window, 9, 10)), attrs


@depthwise_conv.samples
def depthwise_conv_samples(r):
    for x, window, attrs in _WINDOWS:
        yield (r(*x, 9), r(*window, 9, 4)), attrs


@depthwise_conv_input_grad.samples
def depthwise_conv_input_grad_samples(r):
    for x, window, attrs in _WINDOWS:
        g = _outputs(x, window, attrs)
        yield (r(*g, 36, repeats=True), r(*window, 9, 4), r(*x, 9)), attrs


@depthwise_conv_kernel_grad.samples
def depthwise_conv_kernel_grad_samples(r):
    for x, window, attrs in _WINDOWS:
        g = _outputs(x, window, attrs)
        yield (r(*x, 9), r(*g, 36, repeats=True), r(*window, 9, 4)), attrs


@patches.samples
def patches_samples(r):
    for x, window, attrs in _WINDOWS:
        yield (r(*x, 9),), {"window": window, **attrs}


@patches_grad.samples
def patches_grad_samples(r):
    for x, window, attrs in _WINDOWS:
        g = _outputs(x, window, attrs)
        yield (r(*g, product((*window, 9)), repeats=True), r(*x, 9)), {"window": window, **attrs}


@conv.error_samples
def conv_error_samples(r):
    yield (r(2, 5, 3), r(2, 4, 6)), _ONE, "3 channels"
    yield (r(2, 5, 6, 3), r(2, 3, 4)), _ONE, "needs an input of rank 3"
    yield (r(2, 3, 4), r(5, 4, 6)), _ONE, "does not fit"
    yield (r(2, 5, 3), r(2, 3, 4)), {**_ONE, "padding": "full"}, "padding must be"
    yield (r(2, 5, 3), r(2, 3, 4)), {**_ONE, "strides": (2, 2)}, "one for each spatial axis"
    yield (r(2, 5, 3), r(2, 3, 4)), {**_ONE, "strides": (2,), "dilation": (2,)}, "one of them must be 1"


depthwise_conv.error_samples(conv_error_samples)
