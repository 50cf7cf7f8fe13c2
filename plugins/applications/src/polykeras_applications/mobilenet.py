"""MobileNet: Howard and others, MobileNets: efficient convolutional neural networks for mobile vision (2017)."""

from __future__ import annotations

from typing import Any

from polykeras.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    ReLU,
    Reshape,
    ZeroPadding2D,
)
from polykeras.models import Model
from polykeras_applications import imagenet_utils
from polykeras_applications._inputs import channel_axis, check_options, image_shape, pooled, rows_of, square, start
from polykeras_applications._weights import Published, check_weights, load
from polykeras_applications.imagenet_utils import decode_predictions

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]

_ORIGIN = "https://github.com/fchollet/deep-learning-models/releases/download/v0.6/"
_ALPHAS = {1.0: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"}
"""The widths of the published weights, as their files spell them."""
_SIDES = (128, 160, 192, 224)
_BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
"""Channels and strides of the thirteen separable convolutions."""


def preprocess_input(x: Any, **kwargs: Any) -> Any:
    """Pictures with values from 0 to 255 as the model takes them, from -1 to 1. A float array is changed in place."""
    return imagenet_utils.preprocess_input(x, mode="tf", **kwargs)


def MobileNet(  # noqa: N802 - Keras's name
    input_shape: Any = None,
    alpha: float = 1.0,
    depth_multiplier: int = 1,
    dropout: float = 1e-3,
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Any,
) -> Model:
    """Thirteen depthwise and pointwise convolutions. Pictures go through `preprocess_input` first.

    input_shape:      (height, width, 3), at least 32 x 32; by default (224, 224, 3), or open without top.
    alpha:            the width: each layer has `alpha` times the usual number of channels.
    depth_multiplier: outputs of each depthwise convolution for each channel.
    dropout:          share that is dropped before the classification.
    include_top:      with the layers that classify.
    weights:          `imagenet` for the published ones, None for random ones, or the path of a file.
    input_tensor:     a tensor to begin at instead of a new `Input`.
    pooling:          without top: `avg` or `max` over each channel, so (batch, 1024 alpha); None: all places.
    classes:          how many classes the top tells apart.

    Raises ValueError for arguments that do not fit, OSError where published weights cannot be fetched.
    """
    check_options("MobileNet", kwargs)
    check_weights(weights, include_top, classes)
    default = square(input_shape, _SIDES)
    shape = image_shape(input_shape, default, 32, include_top, weights)
    rows = rows_of(shape)
    if weights == "imagenet":
        if depth_multiplier != 1:
            raise ValueError(f"`imagenet` weights are for `depth_multiplier=1`; got {depth_multiplier}")
        if alpha not in _ALPHAS:
            raise ValueError(f"`imagenet` weights are for an `alpha` of {', '.join(map(str, _ALPHAS))}; got {alpha}")
        rows = rows if rows in _SIDES else 224
    image, inputs = start(input_tensor, shape)
    x = ZeroPadding2D(((0, 1), (0, 1)), name="conv1_pad")(image)
    x = Conv2D(int(32 * alpha), 3, strides=2, use_bias=False, name="conv1")(x)
    x = _active(x, "conv1")
    for number, (filters, strides) in enumerate(_BLOCKS, 1):
        x = _block(x, int(filters * alpha), strides, depth_multiplier, number)
    if include_top:
        channels = int(1024 * alpha)
        x = GlobalAveragePooling2D()(x)
        x = Reshape((channels, 1, 1) if channel_axis() == 1 else (1, 1, channels), name="reshape_1")(x)
        x = Dropout(dropout, name="dropout")(x)
        x = Conv2D(classes, 1, padding="same", name="conv_preds")(x)
        x = Reshape((classes,), name="reshape_2")(x)
        x = Activation("softmax", name="act_softmax")(x)
    else:
        x = pooled(x, pooling)
    model = Model(inputs, x, name=f"mobilenet_{alpha:0.2f}_{rows}")
    if weights is not None:
        stem = f"mobilenet_{_ALPHAS.get(alpha, alpha)}_{rows}_tf"
        load(model, weights, include_top, Published(_ORIGIN, (f"{stem}.h5", None), (f"{stem}_no_top.h5", None)))
    return model


def _block(x: Any, filters: int, strides: int, depth_multiplier: int, number: int) -> Any:
    """A depthwise convolution, with strides, and a pointwise one."""
    if strides > 1:
        x = ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{number}")(x)
    x = DepthwiseConv2D(
        3,
        strides=strides,
        padding="valid" if strides > 1 else "same",
        depth_multiplier=depth_multiplier,
        use_bias=False,
        name=f"conv_dw_{number}",
    )(x)
    x = _active(x, f"conv_dw_{number}")
    x = Conv2D(filters, 1, padding="same", use_bias=False, name=f"conv_pw_{number}")(x)
    return _active(x, f"conv_pw_{number}")


def _active(x: Any, place: str) -> Any:
    """Batch normalisation, and ReLU that ends at 6."""
    return ReLU(6.0, name=f"{place}_relu")(BatchNormalization(axis=channel_axis(), name=f"{place}_bn")(x))
