"""Xception: Chollet, Xception: deep learning with depthwise separable convolutions (2016)."""

from __future__ import annotations

from typing import Any

from polykeras.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    MaxPooling2D,
    SeparableConv2D,
    add,
)
from polykeras.models import Model
from polykeras_applications import imagenet_utils
from polykeras_applications._inputs import channel_axis, check_options, image_shape, pooled, start
from polykeras_applications._weights import check_weights, load, published
from polykeras_applications.imagenet_utils import decode_predictions

__all__ = ["Xception", "decode_predictions", "preprocess_input"]

_PUBLISHED = published(
    "https://github.com/fchollet/deep-learning-models/releases/download/v0.4/",
    "xception",
    top="0a58e3b7378bc2990ea3b43d5981f1f6",
    notop="b0042744bf5b25fce3cb969f33bebb97",
)


def preprocess_input(x: Any, **kwargs: Any) -> Any:
    """Pictures with values from 0 to 255 as the model takes them, from -1 to 1. A float array is changed in place."""
    return imagenet_utils.preprocess_input(x, mode="tf", **kwargs)


def Xception(  # noqa: N802 - Keras's name
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Any,
) -> Model:
    """Fourteen blocks of separable convolutions with residuals. Pictures go through `preprocess_input` first.

    include_top:  with the Dense layer that classifies.
    weights:      `imagenet` for the published ones, None for random ones, or the path of a file.
    input_tensor: a tensor to begin at instead of a new `Input`.
    input_shape:  (height, width, 3), at least 71 x 71; by default (299, 299, 3), or open without top.
    pooling:      without top: `avg` or `max` over each channel, so (batch, 2048); None: (batch, h, w, 2048).
    classes:      how many classes the top tells apart.

    Raises ValueError for arguments that do not fit, OSError where published weights cannot be fetched.
    """
    check_options("Xception", kwargs)
    check_weights(weights, include_top, classes)
    image, inputs = start(input_tensor, image_shape(input_shape, 299, 71, include_top, weights))
    x = Conv2D(32, 3, strides=2, use_bias=False, name="block1_conv1")(image)
    x = _relu(_norm(x, "block1_conv1_bn"), "block1_conv1_act")
    x = Conv2D(64, 3, use_bias=False, name="block1_conv2")(x)
    x = _relu(_norm(x, "block1_conv2_bn"), "block1_conv2_act")
    for block, filters in ((2, (128, 128)), (3, (256, 256)), (4, (728, 728))):
        x = _halving(x, block, filters)
    for block in range(5, 13):
        h = x
        for number in (1, 2, 3):
            h = _separable(_relu(h, f"block{block}_sepconv{number}_act"), 728, f"block{block}_sepconv{number}")
        x = add([h, x])
    x = _halving(x, 13, (728, 1024))
    for number, filters in ((1, 1536), (2, 2048)):
        place = f"block14_sepconv{number}"
        x = _relu(_separable(x, filters, place), f"{place}_act")
    if include_top:
        x = GlobalAveragePooling2D(name="avg_pool")(x)
        x = Dense(classes, activation="softmax", name="predictions")(x)
    else:
        x = pooled(x, pooling)
    model = Model(inputs, x, name="xception")
    load(model, weights, include_top, _PUBLISHED)
    return model


def _halving(x: Any, block: int, filters: tuple[int, int]) -> Any:
    """Two separable convolutions and a pooling, beside a 1x1 convolution with strides; the sum of both."""
    residual = Conv2D(filters[1], 1, strides=2, padding="same", use_bias=False)(x)
    residual = BatchNormalization(axis=channel_axis())(residual)
    for number, count in enumerate(filters, 1):
        if block > 2 or number > 1:  # before block 2 there is one already
            x = _relu(x, f"block{block}_sepconv{number}_act")
        x = _separable(x, count, f"block{block}_sepconv{number}")
    return add([MaxPooling2D(3, strides=2, padding="same", name=f"block{block}_pool")(x), residual])


def _separable(x: Any, filters: int, name: str) -> Any:
    x = SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
    return _norm(x, f"{name}_bn")


def _norm(x: Any, name: str) -> Any:
    return BatchNormalization(axis=channel_axis(), name=name)(x)


def _relu(x: Any, name: str) -> Any:
    return Activation("relu", name=name)(x)
