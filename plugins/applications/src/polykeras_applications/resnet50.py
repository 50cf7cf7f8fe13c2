"""ResNet50: He and others, Deep residual learning for image recognition (2015)."""

from __future__ import annotations

from typing import Any

from polykeras.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    MaxPooling2D,
    ZeroPadding2D,
    add,
)
from polykeras.models import Model
from polykeras_applications._inputs import channel_axis, check_options, image_shape, pooled, start
from polykeras_applications._weights import check_weights, load, published
from polykeras_applications.imagenet_utils import decode_predictions, preprocess_input

__all__ = ["ResNet50", "decode_predictions", "preprocess_input"]

_PUBLISHED = published(
    "https://github.com/fchollet/deep-learning-models/releases/download/v0.2/",
    "resnet50",
    top="a7b3fe01876f51b976af0dea6bc144eb",
    notop="a268eb855778b3df3c7506639542a6af",
)
_STAGES = ((2, 64, "abc"), (3, 128, "abcd"), (4, 256, "abcdef"), (5, 512, "abc"))


def ResNet50(  # noqa: N802 - Keras's name
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Any,
) -> Model:
    """The residual network with 50 layers of weights. Pictures go through `preprocess_input` first.

    include_top:  with the Dense layer that classifies.
    weights:      `imagenet` for the published ones, None for random ones, or the path of a file.
    input_tensor: a tensor to begin at instead of a new `Input`.
    input_shape:  (height, width, 3), at least 32 x 32; by default (224, 224, 3), or open without top.
    pooling:      without top: `avg` or `max` over each channel, so (batch, 2048); None: (batch, h / 32, w / 32, 2048).
    classes:      how many classes the top tells apart.

    Raises ValueError for arguments that do not fit, OSError where published weights cannot be fetched.
    """
    check_options("ResNet50", kwargs)
    check_weights(weights, include_top, classes)
    image, inputs = start(input_tensor, image_shape(input_shape, 224, 32, include_top, weights))
    x = ZeroPadding2D(3, name="conv1_pad")(image)
    x = Conv2D(64, 7, strides=2, kernel_initializer="he_normal", name="conv1")(x)
    x = BatchNormalization(axis=channel_axis(), name="bn_conv1")(x)
    x = Activation("relu")(x)
    x = ZeroPadding2D(1, name="pool1_pad")(x)
    x = MaxPooling2D(3, strides=2)(x)
    for stage, filters, blocks in _STAGES:
        for block in blocks:
            x = _block(x, filters, f"{stage}{block}", narrow=block == "a" and stage > 2, projected=block == "a")
    if include_top:
        x = GlobalAveragePooling2D(name="avg_pool")(x)
        x = Dense(classes, activation="softmax", name="fc1000")(x)
    else:
        x = pooled(x, pooling)
    model = Model(inputs, x, name="resnet50")
    load(model, weights, include_top, _PUBLISHED)
    return model


def _block(x: Any, filters: int, place: str, narrow: bool, projected: bool) -> Any:
    """1x1 to `filters` channels, 3x3, 1x1 to four times as many; the input is added: itself, or its 1x1 projection.

    narrow: halve height and width. place: stage and letter, in the layers' names.
    """
    strides = 2 if narrow else 1
    main = Activation("relu")(_normalised(x, filters, 1, f"{place}_branch2a", strides=strides))
    main = Activation("relu")(_normalised(main, filters, 3, f"{place}_branch2b", padding="same"))
    main = _normalised(main, 4 * filters, 1, f"{place}_branch2c")
    if projected:
        x = _normalised(x, 4 * filters, 1, f"{place}_branch1", strides=strides)
    return Activation("relu")(add([main, x]))


def _normalised(x: Any, filters: int, size: int, place: str, **arguments: Any) -> Any:
    """A convolution and its batch normalisation."""
    x = Conv2D(filters, size, kernel_initializer="he_normal", name=f"res{place}", **arguments)(x)
    return BatchNormalization(axis=channel_axis(), name=f"bn{place}")(x)
