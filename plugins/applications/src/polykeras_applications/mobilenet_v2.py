"""MobileNetV2: Sandler and others, MobileNetV2: inverted residuals and linear bottlenecks (2018)."""

from __future__ import annotations

from typing import Any

from polykeras import backend as K
from polykeras.layers import (
    Add,
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    GlobalAveragePooling2D,
    ReLU,
    ZeroPadding2D,
)
from polykeras.models import Model
from polykeras_applications import imagenet_utils
from polykeras_applications._inputs import channel_axis, check_options, image_shape, pooled, rows_of, square, start
from polykeras_applications._weights import Published, check_weights, load
from polykeras_applications.imagenet_utils import decode_predictions

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]

_ORIGIN = "https://github.com/JonathanCMitchell/mobilenet_v2_keras/releases/download/v1.1/"
_ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
_SIDES = (96, 128, 160, 192, 224)
_STAGES = ((16, 1, 1, 1), (24, 2, 6, 2), (32, 2, 6, 3), (64, 2, 6, 4), (96, 1, 6, 3), (160, 2, 6, 3), (320, 1, 6, 1))
"""Channels, strides of the first block, expansion, and number of blocks."""


def preprocess_input(x: Any, **kwargs: Any) -> Any:
    """Pictures with values from 0 to 255 as the model takes them, from -1 to 1. A float array is changed in place."""
    return imagenet_utils.preprocess_input(x, mode="tf", **kwargs)


def MobileNetV2(  # noqa: N802 - Keras's name
    input_shape: Any = None,
    alpha: float = 1.0,
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Any,
) -> Model:
    """Seventeen inverted residuals. Pictures go through `preprocess_input` first.

    input_shape:  (height, width, 3), at least 32 x 32; by default (224, 224, 3), or open without top.
    alpha:        the width: each layer has `alpha` times the usual number of channels, a multiple of 8.
    include_top:  with the Dense layer that classifies.
    weights:      `imagenet` for the published ones, None for random ones, or the path of a file.
    input_tensor: a tensor to begin at instead of a new `Input`.
    pooling:      without top: `avg` or `max` over each channel, so (batch, 1280); None: all places.
    classes:      how many classes the top tells apart.

    Raises ValueError for arguments that do not fit, OSError where published weights cannot be fetched.
    """
    check_options("MobileNetV2", kwargs)
    check_weights(weights, include_top, classes)
    default = square(input_shape, _SIDES)
    shape = image_shape(input_shape, default, 32, include_top, weights)
    rows = rows_of(shape)
    if weights == "imagenet":
        if alpha not in _ALPHAS:
            raise ValueError(f"`imagenet` weights are for an `alpha` of {', '.join(map(str, _ALPHAS))}; got {alpha}")
        rows = rows if rows in _SIDES else 224
    image, inputs = start(input_tensor, shape)
    x = ZeroPadding2D(_padding(image), name="Conv1_pad")(image)
    x = Conv2D(_eighths(32 * alpha), 3, strides=2, use_bias=False, name="Conv1")(x)
    x = ReLU(6.0, name="Conv1_relu")(_norm(x, "bn_Conv1"))
    number = 0
    for filters, strides, expansion, count in _STAGES:
        for repeat in range(count):
            x = _block(x, int(filters * alpha), 1 if repeat else strides, expansion, number)
            number += 1
    x = Conv2D(_eighths(1280 * alpha) if alpha > 1 else 1280, 1, use_bias=False, name="Conv_1")(x)
    x = ReLU(6.0, name="out_relu")(_norm(x, "Conv_1_bn"))
    if include_top:
        x = GlobalAveragePooling2D()(x)
        x = Dense(classes, activation="softmax", name="Logits")(x)
    else:
        x = pooled(x, pooling)
    model = Model(inputs, x, name=f"mobilenetv2_{alpha:0.2f}_{rows}")
    if weights is not None:
        stem = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{alpha}_{rows}"
        load(model, weights, include_top, Published(_ORIGIN, (f"{stem}.h5", None), (f"{stem}_no_top.h5", None)))
    return model


def _block(x: Any, filters: int, strides: int, expansion: int, number: int) -> Any:
    """Wider by a 1x1 convolution, a depthwise one, narrow again; added to the input where the shapes are equal."""
    place = f"block_{number}_" if number else "expanded_conv_"
    channels = K.int_shape(x)[channel_axis()]
    narrow = _eighths(filters)
    h = x
    if number:
        h = Conv2D(expansion * channels, 1, padding="same", use_bias=False, name=f"{place}expand")(h)
        h = ReLU(6.0, name=f"{place}expand_relu")(_norm(h, f"{place}expand_BN"))
    if strides > 1:
        h = ZeroPadding2D(_padding(h), name=f"{place}pad")(h)
    padding = "valid" if strides > 1 else "same"
    h = DepthwiseConv2D(3, strides=strides, padding=padding, use_bias=False, name=f"{place}depthwise")(h)
    h = ReLU(6.0, name=f"{place}depthwise_relu")(_norm(h, f"{place}depthwise_BN"))
    h = Conv2D(narrow, 1, padding="same", use_bias=False, name=f"{place}project")(h)
    h = _norm(h, f"{place}project_BN")
    return Add(name=f"{place}add")([x, h]) if channels == narrow and strides == 1 else h


def _norm(x: Any, name: str) -> Any:
    return BatchNormalization(axis=channel_axis(), epsilon=1e-3, momentum=0.999, name=name)(x)


def _eighths(channels: float) -> int:
    """The multiple of 8 nearest to `channels`, at least 8 and no less than nine tenths of it."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


def _padding(x: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """Zeros before and after, so that a 3x3 window with strides of 2 sees an even picture from its first element on."""
    axis = 2 if channel_axis() == 1 else 1
    sides = K.int_shape(x)[axis : axis + 2]
    before = [0 if side is None else side % 2 for side in sides]
    return (before[0], 1), (before[1], 1)
