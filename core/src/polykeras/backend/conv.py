"""Convolutions, as Keras spells them.

`data_format` "channels_first" means images (batch, channels, *spatial); they are transposed, the ops know only channels
last. `None` means the default of the configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from polykeras import config
from polykeras.legacy.interfaces import warn_caller
from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.op import as_tensor
from polykeras.symbolic.ops import conv as ops
from polykeras.symbolic.ops.linalg import matmul
from polykeras.symbolic.ops.shape import fill, reshape, size_of, stack, transpose, unstack

__all__ = [
    "conv1d", "conv2d", "conv2d_transpose", "conv3d", "conv3d_transpose", "deconv2d", "deconv3d", "depthwise_conv2d",
    "local_conv1d", "local_conv2d", "separable_conv1d", "separable_conv2d",
]  # fmt: skip

Ints = int | Sequence[int]


def conv1d(
    x: Any, kernel: Any, strides: Ints = 1, padding: str = "valid", data_format: str | None = None,
    dilation_rate: Ints = 1,
) -> Tensor:  # fmt: skip
    """Convolution over time; "causal" padding lets no output see a later input.

    x: (batch, steps, in), kernel: (window, in, filters) -> (batch, outputs, filters)
    """
    return _conv(ops.conv, 1, x, kernel, strides, padding, data_format, dilation_rate)


def conv2d(
    x: Any, kernel: Any, strides: Ints = (1, 1), padding: str = "valid", data_format: str | None = None,
    dilation_rate: Ints = (1, 1),
) -> Tensor:  # fmt: skip
    """Convolution of images.   x: (batch, h, w, in), kernel: (kh, kw, in, filters) -> (batch, oh, ow, filters)"""
    return _conv(ops.conv, 2, x, kernel, strides, padding, data_format, dilation_rate)


def conv3d(
    x: Any, kernel: Any, strides: Ints = (1, 1, 1), padding: str = "valid", data_format: str | None = None,
    dilation_rate: Ints = (1, 1, 1),
) -> Tensor:  # fmt: skip
    """Convolution of volumes.

    x: (batch, d, h, w, in), kernel: (kd, kh, kw, in, filters) -> (batch, od, oh, ow, filters)
    """
    return _conv(ops.conv, 3, x, kernel, strides, padding, data_format, dilation_rate)


def depthwise_conv2d(
    x: Any, depthwise_kernel: Any, strides: Ints = (1, 1), padding: str = "valid", data_format: str | None = None,
    dilation_rate: Ints = (1, 1),
) -> Tensor:  # fmt: skip
    """Convolution of each channel alone.

    x: (batch, h, w, in), depthwise_kernel: (kh, kw, in, m) -> (batch, oh, ow, in m)
    """
    return _conv(ops.depthwise_conv, 2, x, depthwise_kernel, strides, padding, data_format, dilation_rate)


def separable_conv1d(
    x: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Ints = 1, padding: str = "valid",
    data_format: str | None = None, dilation_rate: Ints = 1,
) -> Tensor:  # fmt: skip
    """Each channel alone over time, then a mix of the channels.

    x: (batch, steps, in), depthwise_kernel: (window, in, m), pointwise_kernel: (1, in m, filters)
    -> (batch, outputs, filters)
    """
    return _separable(1, x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate)


def separable_conv2d(
    x: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Ints = (1, 1), padding: str = "valid",
    data_format: str | None = None, dilation_rate: Ints = (1, 1),
) -> Tensor:  # fmt: skip
    """Each channel alone over space, then a mix of the channels.

    x: (batch, h, w, in), depthwise_kernel: (kh, kw, in, m), pointwise_kernel: (1, 1, in m, filters)
    -> (batch, oh, ow, filters)
    """
    return _separable(2, x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate)


def conv2d_transpose(
    x: Any, kernel: Any, output_shape: Any, strides: Ints = (1, 1), padding: str = "valid",
    data_format: str | None = None, dilation_rate: Ints = (1, 1),
) -> Tensor:  # fmt: skip
    """The transposed convolution: what the gradient of a convolution does to the output's cotangent.

    x: (batch, h, w, in), kernel: (kh, kw, filters, in) -> output_shape: (batch, oh, ow, filters)
    A convolution of `output_shape` must give x's shape. The batch may be None.
    """
    return _transposed(2, x, kernel, output_shape, strides, padding, data_format, dilation_rate)


def conv3d_transpose(
    x: Any, kernel: Any, output_shape: Any, strides: Ints = (1, 1, 1), padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:  # fmt: skip
    """The transposed convolution of volumes.

    x: (batch, d, h, w, in), kernel: (kd, kh, kw, filters, in) -> output_shape: (batch, od, oh, ow, filters)
    """
    return _transposed(3, x, kernel, output_shape, strides, padding, data_format, 1)


def deconv2d(*args: Any, **kwargs: Any) -> Tensor:
    """`conv2d_transpose`, by its name in Keras 1."""
    warn_caller("K.deconv2d is Keras 1's name; write K.conv2d_transpose")
    return conv2d_transpose(*args, **kwargs)


def deconv3d(*args: Any, **kwargs: Any) -> Tensor:
    """`conv3d_transpose`, by its name in Keras 1."""
    warn_caller("K.deconv3d is Keras 1's name; write K.conv3d_transpose")
    return conv3d_transpose(*args, **kwargs)


def local_conv1d(inputs: Any, kernel: Any, kernel_size: Ints, strides: Ints, data_format: str | None = None) -> Tensor:
    """Convolution over time with a kernel of its own for each output.

    inputs: (batch, steps, in), kernel: (outputs, window in, filters) -> (batch, outputs, filters)
    Channels are last whatever the data format, as in Keras.
    """
    config.normalize_data_format(data_format)
    return _local(1, as_tensor(inputs), as_tensor(kernel), kernel_size, strides)


def local_conv2d(
    inputs: Any, kernel: Any, kernel_size: Ints, strides: Ints, output_shape: Sequence[int],
    data_format: str | None = None,
) -> Tensor:  # fmt: skip
    """Convolution of images with a kernel of its own for each output.

    inputs: (batch, h, w, in), kernel: (oh ow, kh kw in, filters), output_shape: (oh, ow) -> (batch, oh, ow, filters)
    With channels first, the kernel's second axis runs over (in, kh, kw).
    """
    inputs, kernel = as_tensor(inputs), as_tensor(kernel)
    if config.normalize_data_format(data_format) == "channels_last":
        return _local(2, inputs, kernel, kernel_size, strides)
    places, features, filters = kernel.spec.shape
    channels = inputs.spec.shape[1]
    split = reshape(kernel, (places, channels, features // channels, filters))
    kernel = reshape(transpose(split, axes=(0, 2, 1, 3)), (places, features, filters))
    return channels_first(_local(2, channels_last(inputs), kernel, kernel_size, strides))


# -- parts -------------------------------------------------------------------------------------------------------------


def channels_last(x: Tensor) -> Tensor:
    """(batch, c, *spatial) -> (batch, *spatial, c)"""
    return transpose(x, axes=(0, *range(2, x.spec.ndim), 1))


def channels_first(x: Tensor) -> Tensor:
    """(batch, *spatial, c) -> (batch, c, *spatial)"""
    last = x.spec.ndim - 1
    return transpose(x, axes=(0, last, *range(1, last)))


def on_channels_last(
    function: Callable[..., Any], x: Any, data_format: str | None, *args: Any, **kwargs: Any
) -> Tensor:
    """`function` of x as it likes it, the result in x's data format."""
    x = as_tensor(x)
    if config.normalize_data_format(data_format) == "channels_last":
        return function(x, *args, **kwargs)
    return channels_first(function(channels_last(x), *args, **kwargs))


def per_axis(value: Ints, rank: int, name: str) -> tuple[int, ...]:
    """One int for each spatial axis."""
    found = (value,) * rank if isinstance(value, int) else tuple(int(v) for v in value)
    if len(found) != rank:
        raise ValueError(f"`{name}` must be an int or {rank} ints, got {value!r}")
    return found


def check_padding(padding: str, allowed: tuple[str, ...] = ("valid", "same")) -> str:
    """`padding` in lower case, or an error with the choices."""
    found = padding.lower() if isinstance(padding, str) else padding
    if found not in allowed:
        raise ValueError(f"Invalid padding: {padding!r}; expected {' or '.join(map(repr, allowed))}")
    return found


def _attributes(rank: int, strides: Ints, padding: str, dilation_rate: Ints) -> dict[str, Any]:
    return {
        "strides": per_axis(strides, rank, "strides"),
        "padding": check_padding(padding, ("valid", "same", "causal") if rank == 1 else ("valid", "same")),
        "dilation": per_axis(dilation_rate, rank, "dilation_rate"),
    }


def _conv(
    op: Callable[..., Any], rank: int, x: Any, kernel: Any, strides: Ints, padding: str, data_format: str | None,
    dilation_rate: Ints,
) -> Tensor:  # fmt: skip
    return on_channels_last(op, x, data_format, kernel, **_attributes(rank, strides, padding, dilation_rate))


def _separable(
    rank: int, x: Any, depthwise: Any, pointwise: Any, strides: Ints, padding: str, data_format: str | None,
    dilation_rate: Ints,
) -> Tensor:  # fmt: skip
    attributes = _attributes(rank, strides, padding, dilation_rate)
    single = _attributes(rank, 1, "valid", 1)

    def separable(x: Tensor) -> Tensor:
        return ops.conv(ops.depthwise_conv(x, depthwise, **attributes), pointwise, **single)

    return on_channels_last(separable, x, data_format)


def _transposed(
    rank: int, x: Any, kernel: Any, output_shape: Any, strides: Ints, padding: str, data_format: str | None,
    dilation_rate: Ints,
) -> Tensor:  # fmt: skip
    x = as_tensor(x)
    attributes = _attributes(rank, strides, padding, dilation_rate)
    first = config.normalize_data_format(data_format) == "channels_first"
    if isinstance(output_shape, Tensor):
        sizes = unstack(output_shape, 0, rank + 2)
    else:
        sizes = list(output_shape)
    if len(sizes) != rank + 2:
        raise ValueError(f"`output_shape` must have {rank + 2} sizes, got {output_shape!r}")
    if first:
        sizes = [sizes[0], *sizes[2:], sizes[1]]
    if sizes[0] is None:
        sizes[0] = size_of(x, 0)
    whole = tuple(sizes) if all(isinstance(n, int) for n in sizes) else stack(*[as_tensor(n) for n in sizes])
    like = fill(whole, value=0.0, dtype=x.spec.dtype)
    made = ops.conv_input_grad(channels_last(x) if first else x, kernel, like, **attributes)
    return channels_first(made) if first else made


def _local(rank: int, inputs: Tensor, kernel: Tensor, kernel_size: Ints, strides: Ints) -> Tensor:
    window, steps = per_axis(kernel_size, rank, "kernel_size"), per_axis(strides, rank, "strides")
    rows = ops.patches(inputs, window=window, strides=steps, padding="valid", dilation=(1,) * rank)
    places, features, filters = kernel.spec.shape  # type: ignore[misc]
    flat = transpose(reshape(rows, (-1, places, features)), axes=(1, 0, 2))
    made = transpose(matmul(flat, kernel), axes=(1, 0, 2))
    return reshape(made, (-1, *rows.spec.shape[1:-1], filters))
